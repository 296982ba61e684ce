"""Changes in PostgreSQL: asked for, claimed by a device's writer, settled."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from device_profiles.tree import Path
from rom.model.change import (
    CHANGE_LIFE,
    LIVE_KINDS,
    QUEUED,
    UNSETTLED,
    Change,
    ChangeKind,
    ChangeState,
    Policy,
)
from rom.model.order import Item
from rom.model.reason import Reason
from rom.store.tables import change

_DUE = sa.or_(change.c.due_at.is_(None), change.c.due_at <= sa.func.now())


def request(
    connection: sa.Connection,
    *,
    device: str,
    site: str,
    kind: ChangeKind,
    order_id: str | None = None,
    item_id: str | None = None,
    task_id: str | None = None,
    policy: Policy = Policy.APPLY,
    blocked: bool = False,
) -> int:
    """Ask the device's writer to make the site's present intent true; returns the change's id."""
    number: int = connection.execute(
        sa.insert(change)
        .values(
            device=device,
            site=site,
            kind=kind,
            order_id=order_id,
            item_id=item_id,
            task_id=task_id,
            policy=policy,
            state=ChangeState.BLOCKED if blocked else ChangeState.WAITING,
        )
        .returning(change.c.id)
    ).scalar_one()
    return number


def claim(
    connection: sa.Connection, device: str, transaction: str, *, sites: int, live_sites: int
) -> dict[str, list[Change]]:
    """Take the waiting changes of the oldest one's class for several sites, oldest first.

    Changes of live services and new ones are never mixed; ``live_sites`` caps what one mistake
    could hit.
    """
    waiting = _read(
        connection,
        sa.select(change)
        .where(change.c.device == device, change.c.state == ChangeState.WAITING, _DUE)
        .order_by(change.c.id)
        .with_for_update(skip_locked=True),
    )
    taken: dict[str, list[Change]] = {}
    live = bool(waiting) and waiting[0].kind in LIVE_KINDS
    limit = live_sites if live else sites
    for each in waiting:
        if (each.kind in LIVE_KINDS) != live:
            continue
        if each.site in taken or len(taken) < limit:
            taken.setdefault(each.site, []).append(each)
    _enter(
        connection,
        change.c.id.in_([each.id for group in taken.values() for each in group]),
        ChangeState.CLAIMED,
        transaction=transaction,
    )
    return taken


def finish(
    connection: sa.Connection,
    settled: Iterable[Change],
    *,
    transaction: str | None,
    edits: int = 0,
    kept: Iterable[Path] = (),
) -> None:
    """The device holds what the changes asked for, but for paths ``kept`` by their policy."""
    _settle(
        connection,
        settled,
        ChangeState.DONE,
        transaction=transaction,
        edits=edits,
        kept=[list(path) for path in kept],
        reason=None,
    )


def refuse(
    connection: sa.Connection,
    settled: Iterable[Change],
    *,
    transaction: str | None,
    reason: str,
    error: str,
) -> None:
    """The device, or a rule of ours, said no; repeating the same would not help."""
    _settle(
        connection,
        settled,
        ChangeState.REFUSED,
        transaction=transaction,
        reason=reason,
        error=error,
    )


def _settle(
    connection: sa.Connection, settled: Iterable[Change], state: ChangeState, **values: Any
) -> None:
    _enter(
        connection,
        change.c.id.in_([each.id for each in settled]),
        state,
        finished_at=sa.func.clock_timestamp(),
        due_at=None,
        **values,
    )


def withdraw(connection: sa.Connection, items: Sequence[Item]) -> bool:
    """Take back what no writer has in hand of one order's items.

    Tells whether none of it is in anybody's hand now.
    """
    _enter(
        connection,
        sa.and_(_of_items(items), change.c.state.in_((ChangeState.WAITING, ChangeState.BLOCKED))),
        ChangeState.REFUSED,
        reason=Reason.CANCELLED,
        error="withdrawn before it was sent",
        due_at=None,
        finished_at=sa.func.clock_timestamp(),
    )
    claimed = sa.exists().where(_of_items(items), change.c.state == ChangeState.CLAIMED)
    return not connection.scalar(sa.select(claimed))


def was_taken(connection: sa.Connection, items: Sequence[Item], device: str | None = None) -> bool:
    """Tell whether a writer has, or has had, a change of the items in hand that was not refused.

    On one ``device``, or on any.
    """
    taken = [_of_items(items), change.c.state.in_((ChangeState.DONE, ChangeState.CLAIMED))]
    if device is not None:
        taken.append(change.c.device == device)
    return bool(connection.scalar(sa.select(sa.exists().where(*taken))))


def postpone(
    connection: sa.Connection, device: str, *, seconds: float, reason: str, error: str
) -> None:
    """Put everything the device's writer holds or waits for off for a while."""
    connection.execute(
        sa.update(change)
        .where(change.c.device == device, change.c.state.in_(QUEUED))
        .values(
            state=ChangeState.WAITING,
            transaction=None,
            attempts=change.c.attempts + 1,
            due_at=sa.func.now() + timedelta(seconds=seconds),
            reason=reason,
            error=error,
        )
    )


def refuse_all(connection: sa.Connection, device: str, *, reason: str, error: str) -> None:
    """Refuse everything that waits for a device which will not let us in by waiting longer."""
    queued = sa.select(change).where(change.c.device == device, change.c.state.in_(QUEUED))
    refuse(connection, _read(connection, queued), transaction=None, reason=reason, error=error)


def give_up(connection: sa.Connection, asked: Change, *, after: int, reason: str) -> bool:
    """Refuse a waiting change that was tried ``after`` times in vain.

    Never one that a writer has in hand. Tells whether it did.
    """
    if asked.attempts < after:
        return False
    found = _read(
        connection,
        sa.select(change)
        .where(change.c.id == asked.id, change.c.state == ChangeState.WAITING)
        .with_for_update(skip_locked=True),
    )
    for each in found:
        refuse(
            connection,
            [each],
            transaction=None,
            reason=each.reason or reason,
            error=each.error or "given up",
        )
    return bool(found)


def reclaim(connection: sa.Connection, device: str) -> None:
    """Give back what a dead writer had claimed; only under the lease, with none open."""
    _enter(
        connection,
        sa.and_(change.c.device == device, change.c.state == ChangeState.CLAIMED),
        ChangeState.WAITING,
        transaction=None,
    )


def forget(connection: sa.Connection, order_id: str, item_ids: Collection[str]) -> None:
    """Drop the withdrawn changes of items whose plan is redone; nothing of them ever left."""
    connection.execute(
        sa.delete(change).where(
            change.c.order_id == order_id,
            change.c.item_id.in_(list(item_ids)),
            change.c.state == ChangeState.REFUSED,
            change.c.transaction.is_(None),
        )
    )


def again(connection: sa.Connection, refused: Iterable[Change]) -> None:
    """Let refused changes, and those that wait out a pause, be tried anew and at once."""
    connection.execute(
        sa.update(change)
        .where(change.c.id.in_([each.id for each in refused]))
        .where(change.c.state.in_((ChangeState.REFUSED, ChangeState.WAITING)))
        .values(
            state=ChangeState.WAITING,
            transaction=None,
            attempts=0,
            due_at=None,
            reason=None,
            error=None,
            finished_at=None,
        )
    )


def unblock(connection: sa.Connection, device: str, site: str) -> bool:
    """Let the blocked changes of a site on a device go; tells whether there were any."""
    return _enter(
        connection,
        sa.and_(
            change.c.device == device,
            change.c.site == site,
            change.c.state == ChangeState.BLOCKED,
        ),
        ChangeState.WAITING,
        due_at=None,
    )


def _enter(
    connection: sa.Connection, which: sa.ColumnElement[bool], state: ChangeState, **values: Any
) -> bool:
    """Write a state that the life of a change draws; tells whether there was anything to write."""
    done = connection.execute(
        sa.update(change)
        .where(which, change.c.state.in_(CHANGE_LIFE.before(state)))
        .values(state=state, **values)
    )
    return done.rowcount > 0


def kept_at(connection: sa.Connection, site: str) -> dict[str, tuple[str, frozenset[Path]]]:
    """Return by device which rollback task has left paths of the site to somebody else, and which.

    Only where nothing has been brought out for the site on the device since.
    """
    rows = connection.execute(
        sa.select(change.c.device, change.c.task_id, change.c.kept)
        .ext(distinct_on(change.c.device))
        .where(change.c.site == site, change.c.state == ChangeState.DONE)
        .order_by(change.c.device, change.c.id.desc())
    )
    return {
        row.device: (row.task_id, frozenset(tuple(path) for path in row.kept))
        for row in rows
        if row.kept
    }


def of_item(connection: sa.Connection, order_id: str, item_id: str) -> list[Change]:
    """Return the item's changes."""
    return _read(
        connection,
        sa.select(change)
        .where(change.c.order_id == order_id, change.c.item_id == item_id)
        .order_by(change.c.id),
    )


def of_task(connection: sa.Connection, task_id: str, *, lock: bool = False) -> list[Change]:
    """Return the changes a task has asked for so far; with ``lock`` no writer claims them now."""
    query = sa.select(change).where(change.c.task_id == task_id).order_by(change.c.id)
    return _read(connection, query.with_for_update() if lock else query)


def of_numbers(connection: sa.Connection, numbers: Collection[int]) -> list[Change]:
    """Return changes by their ids."""
    query = sa.select(change).where(change.c.id.in_(list(numbers))).order_by(change.c.id)
    return _read(connection, query)


def unsettled(connection: sa.Connection) -> set[tuple[str, str]]:
    """Return ``(device, site)`` of everything that is still to become true."""
    rows = connection.execute(
        sa.select(change.c.device, change.c.site).where(change.c.state.in_(UNSETTLED))
    )
    return {(row.device, row.site) for row in rows}


def unsettled_by_device(connection: sa.Connection) -> dict[str, int]:
    """Return how many changes each device has yet to take."""
    rows = connection.execute(
        sa.select(change.c.device, sa.func.count())
        .where(change.c.state.in_(UNSETTLED))
        .group_by(change.c.device)
    )
    return {row[0]: row[1] for row in rows}


def unchanged_devices(connection: sa.Connection, order_id: str) -> list[str]:
    """Return the devices that held what the order wants already, so that nothing was sent."""
    return sorted(
        connection.scalars(
            sa.select(change.c.device)
            .where(change.c.order_id == order_id, change.c.state == ChangeState.DONE)
            .where(change.c.transaction.is_(None))
            .distinct()
        )
    )


def sites_waiting(connection: sa.Connection, device: str) -> list[str]:
    """Return the sites whose changes wait for the device, or were claimed for it."""
    return list(
        connection.scalars(
            sa.select(change.c.site)
            .where(change.c.device == device, change.c.state.in_(QUEUED), _DUE)
            .distinct()
        )
    )


def due_devices(connection: sa.Connection) -> set[str]:
    """Return the devices that have something to write now, or something left by a dead writer."""
    waits = sa.and_(change.c.state == ChangeState.WAITING, _DUE)
    return set(
        connection.scalars(
            sa.select(change.c.device)
            .where(sa.or_(waits, change.c.state == ChangeState.CLAIMED))
            .distinct()
        )
    )


def _of_items(items: Sequence[Item]) -> sa.ColumnElement[bool]:
    return sa.and_(
        change.c.order_id == items[0].order_id,
        change.c.item_id.in_([item.item_id for item in items]),
    )


def _read(connection: sa.Connection, query: sa.Select[Any]) -> list[Change]:
    return [_change(dict(row)) for row in connection.execute(query).mappings()]


def _change(row: Mapping[str, Any]) -> Change:
    return Change(
        **{
            **row,
            "kind": ChangeKind(row["kind"]),
            "policy": Policy(row["policy"]),
            "state": ChangeState(row["state"]),
            "kept": tuple(tuple(path) for path in row["kept"]),
        }
    )
