"""The database's clock, by which everything waits: set back, it lengthens no pause.

Leases and pauses end at a moment. A clock that is set back by hours would let all of them last
hours longer, and a device whose writer has died stay locked. So the time is noted now and then;
where it lies before what was noted, what waits is moved by as much. A clock set forward needs
nothing: leases run out, and whoever had one is fenced off. Moments that people have chosen (expiry
of tokens, dates of cancellations) stay what they are. So do quarantines: resting longer harms
nobody, and after a clock was wrong for a while nobody knows which of them began before.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from rom.store.event_tables import delivery, hub_subscription
from rom.store.tables import change, clock, device_lease, order_item

NOTED_EVERY = timedelta(seconds=5)
"""How often the time is noted; a pause may become longer by as much."""

_WAITING: tuple[tuple[sa.TableClause, str], ...] = (
    (change, "due_at"),
    (order_item, "due_at"),
    (device_lease, "until"),
    (delivery, "due_at"),
    (hub_subscription, "paused_until"),
    (hub_subscription, "lease_until"),
    # Procrastinate's own: a dead worker's locks are freed some time after its last heartbeat.
    (sa.table("procrastinate_workers", sa.column("last_heartbeat")), "last_heartbeat"),
)


def look(connection: sa.Connection) -> timedelta | None:
    """Note the time; return by how much it was set back, when what waits has been moved by it."""
    noting = sa.select(clock.c.noted_at, sa.func.clock_timestamp().label("now"))
    found = connection.execute(noting).one()
    if found.noted_at <= found.now < found.noted_at + NOTED_EVERY:
        return None
    # Gateways on one database take turns; who comes second finds the time noted.
    noted, now = connection.execute(noting.with_for_update()).one()
    connection.execute(sa.update(clock).values(noted_at=now))
    if noted <= now:
        return None
    by: timedelta = noted - now
    _move(connection, now, by)
    return by


def _move(connection: sa.Connection, now: datetime, by: timedelta) -> None:
    for table, name in _WAITING:
        moment = table.c[name]
        connection.execute(sa.update(table).where(moment > now).values({name: moment - by}))
