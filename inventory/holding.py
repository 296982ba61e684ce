"""What happens to a site's holdings after reservation: state, amount, release, quarantine."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from inventory import news
from inventory.model import ResourceExhausted, Shortage, UnknownEntryError
from inventory.reservation import lock_sites
from inventory.states import ResourceState
from inventory.tables import HOLDING_STATES, pool, reservation, resource


def mark(connection: sa.Connection, site: str, names: Collection[str], state: str) -> None:
    """Set holdings to ``reserved``, ``standby`` or ``in-use``; again is harmless.

    Raises ``UnknownEntryError`` for a name the site does not hold, ``ValueError`` for another
    state; then nothing was written.
    """
    if state not in HOLDING_STATES:
        raise ValueError(f"{state!r} is no state of a holding; use {', '.join(HOLDING_STATES)}")
    lock_sites(connection, (site,))
    mine = sa.and_(reservation.c.site == site, reservation.c.name.in_(names))
    missing = set(names) - set(connection.scalars(sa.select(reservation.c.name).where(mine)))
    if missing:
        raise UnknownEntryError(f"{site} holds nothing as {', '.join(sorted(missing))}")
    with news.of_sites(connection, (site,)):
        connection.execute(
            sa.update(reservation).where(mine, reservation.c.state != state).values(state=state)
        )


def adjust(connection: sa.Connection, site: str, name: str, amount: int) -> None:
    """Change a held amount (bit/s); only the difference needs room.

    Raises ``ResourceExhausted`` with the difference wanted and free, having written nothing, and
    ``UnknownEntryError`` when the site holds no amount under this name.
    """
    if amount <= 0:
        raise ValueError(f"amount {amount} is not above 0; release the holding instead")
    lock_sites(connection, (site,))
    mine = sa.and_(
        reservation.c.site == site, reservation.c.name == name, reservation.c.amount.is_not(None)
    )
    pool_id = connection.scalar(sa.select(reservation.c.pool_id).where(mine))
    if pool_id is None:
        raise UnknownEntryError(f"{site} holds no amount as {name}")
    locked = (
        sa.select(pool.c.name, pool.c.capacity - pool.c.used_elsewhere)
        .where(pool.c.id == pool_id)
        .with_for_update(key_share=True)
    )
    pool_name, usable = connection.execute(locked).one()
    before = connection.execute(sa.select(reservation.c.amount).where(mine)).scalar_one()
    taken = sa.select(sa.func.sum(reservation.c.amount)).where(reservation.c.pool_id == pool_id)
    free = int(usable - connection.execute(taken).scalar_one())
    if amount - before > max(free, 0):
        raise ResourceExhausted(
            (Shortage(name=name, pool=pool_name, wanted=amount - before, free=max(free, 0)),)
        )
    with news.of_sites(connection, (site,)):
        connection.execute(sa.update(reservation).where(mine).values(amount=amount))


def release(
    connection: sa.Connection,
    site: str,
    *,
    now: datetime,
    names: Collection[str] | None = None,
    order_id: str | None = None,
    indefinitely: bool = False,
    unused: bool = False,
) -> tuple[str, ...]:
    """Give up a site's holdings and return their names; what is not held is no error.

    ``names`` and ``order_id`` narrow it down; without both, all goes. Things rest in their
    pool's quarantine from ``now``; ``indefinitely`` is for devices that could not be proven
    clean: such values stay in quarantine until their device is (``limit_quarantine``).
    ``unused`` is for what no device has ever been told of: it need not rest and is available
    at once.
    """
    lock_sites(connection, (site,))
    mine = [reservation.c.site == site]
    if names is not None:
        mine.append(reservation.c.name.in_(names))
    if order_id is not None:
        mine.append(reservation.c.order_id == order_id)
    columns = [reservation.c[name] for name in ("name", "resource_id", "exclusive", "pool_id")]
    with news.of_sites(connection, (site,)):
        gone = connection.execute(sa.delete(reservation).where(*mine).returning(*columns)).all()
        things = [row.resource_id for row in gone if row.exclusive]
        for seconds, ids in _by_quarantine(connection, things).items():
            rest = _resting(now, 0 if unused else seconds, indefinitely=indefinitely)
            connection.execute(sa.update(resource).where(resource.c.id.in_(ids)).values(rest))
    return tuple(sorted(row.name for row in gone))


def limit_quarantine(
    connection: sa.Connection, resource_ids: Collection[str], now: datetime
) -> tuple[str, ...]:
    """Let what rests without end rest as long as its pool says from ``now``: it is clean at last.

    Returns the ids of those it concerned; anything else in the list is left as it is.
    """
    endless = sa.select(resource.c.id).where(
        resource.c.id.in_([UUID(each) for each in resource_ids]),
        resource.c.state == ResourceState.QUARANTINED,
        resource.c.quarantine_until.is_(None),
    )
    things = list(connection.scalars(endless.with_for_update()))
    with news.of_resources(connection, things):
        for seconds, ids in _by_quarantine(connection, things).items():
            rest = _resting(now, seconds, indefinitely=False)
            connection.execute(sa.update(resource).where(resource.c.id.in_(ids)).values(rest))
    return tuple(sorted(str(each) for each in things))


def sweep_quarantine(connection: sa.Connection, now: datetime) -> int:
    """Make available what has rested long enough; return how many. Sweeps may run at once."""
    over = sa.select(resource.c.id).where(
        resource.c.state == ResourceState.QUARANTINED, resource.c.quarantine_until <= now
    )
    return _make_available(connection, over.with_for_update(skip_locked=True))


def _make_available(connection: sa.Connection, which: sa.Select[Any]) -> int:
    free: Mapping[str, Any] = {"state": ResourceState.AVAILABLE, "quarantine_until": None}
    ids = connection.scalars(which).all()
    if ids:
        with news.of_resources(connection, ids):
            connection.execute(sa.update(resource).where(resource.c.id.in_(ids)).values(free))
    return len(ids)


def _by_quarantine(connection: sa.Connection, things: Collection[Any]) -> dict[int, list[Any]]:
    query = (
        sa.select(pool.c.quarantine_seconds, resource.c.id)
        .join_from(resource, pool)
        .where(resource.c.id.in_(things))
    )
    found: dict[int, list[Any]] = {}
    for seconds, resource_id in connection.execute(query):
        found.setdefault(seconds, []).append(resource_id)
    return found


def _resting(now: datetime, seconds: int, *, indefinitely: bool) -> dict[str, Any]:
    if indefinitely:
        return {"state": ResourceState.QUARANTINED, "quarantine_until": None}
    if seconds == 0:
        return {"state": ResourceState.AVAILABLE, "quarantine_until": None}
    return {
        "state": ResourceState.QUARANTINED,
        "quarantine_until": now + timedelta(seconds=seconds),
    }


def things(connection: sa.Connection, site: str, names: Collection[str]) -> list[str]:
    """Return by their ids the resources that a site holds, alone, under some names."""
    held = sa.select(reservation.c.resource_id).where(
        reservation.c.site == site, reservation.c.name.in_(list(names)), reservation.c.exclusive
    )
    return sorted(str(each) for each in connection.scalars(held))
