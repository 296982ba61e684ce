"""What has waited too long is given up, and what nobody waits for any more is forgotten."""

from datetime import timedelta

import sqlalchemy as sa

from rom.store.event_tables import delivery, event_pending, hub_subscription
from rom.store.tables import event_outbox

_NOW = sa.func.clock_timestamp()
_MOST = 5000


def bury_old(engine: sa.Engine, max_age: float) -> int:
    """Make dead letters of what has waited ``max_age`` seconds for a listener that is down.

    A listener that is merely slow gets everything, however late.
    """
    down = sa.select(hub_subscription.c.id).where(hub_subscription.c.failures > 0)
    text = "waited too long for a listener that is down"
    statement = (
        sa.update(delivery)
        .where(
            delivery.c.listener_id.in_(down),
            delivery.c.state == "waiting",
            delivery.c.since < _NOW - timedelta(seconds=max_age),
        )
        .values(state="dead", dead_at=_NOW, error=sa.func.coalesce(delivery.c.error, text))
    )
    with engine.begin() as connection:
        return connection.execute(statement).rowcount


def prune(engine: sa.Engine, keep: float) -> int:
    """Delete some events older than ``keep`` seconds that no listener waits for; dead letters do.

    Returns how many; 0 when there are no more.
    """
    outbox = event_outbox.c
    needed = sa.or_(
        sa.exists().where(delivery.c.sequence == outbox.sequence),
        sa.exists().where(event_pending.c.sequence == outbox.sequence),
    )
    old = (
        sa.select(outbox.sequence)
        .where(outbox.time < _NOW - timedelta(seconds=keep), ~needed)
        .limit(_MOST)
    )
    with engine.begin() as connection:
        return connection.execute(sa.delete(event_outbox).where(outbox.sequence.in_(old))).rowcount
