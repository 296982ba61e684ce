"""What has waited too long is given up, and what nobody waits for any more is forgotten."""

from datetime import timedelta

from rom.store import deliveries, listener_rights, outbox
from rom.store.database import Engine

_MOST = 5000


def bury_old(engine: Engine, max_age: float) -> int:
    """Make dead letters of what has waited ``max_age`` seconds for a listener that is down."""
    error = "waited too long for a listener that is down"
    with engine.begin() as connection:
        return deliveries.bury_old(connection, timedelta(seconds=max_age), error)


def remove_lapsed(engine: Engine) -> int:
    """Remove listeners whose owner has no token in force any more; return how many."""
    with engine.begin() as connection:
        return listener_rights.remove_lapsed(connection)


def prune(engine: Engine, keep: float) -> int:
    """Delete some events older than ``keep`` seconds that no listener waits for.

    A dead letter waits as long again. Returns how many; 0 when there are no more.
    """
    with engine.begin() as connection:
        dead = deliveries.forget_dead(connection, timedelta(seconds=keep), _MOST)
        return dead + outbox.prune(connection, timedelta(seconds=keep), _MOST)
