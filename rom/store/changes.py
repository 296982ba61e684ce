"""Changes in PostgreSQL: asked for, claimed by a device's writer, settled."""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from device_profiles.tree import Path
from rom.model.change import (
    CHANGE_LIFE,
    LIVE_KINDS,
    QUEUED,
    SETTLED,
    Change,
    ChangeKind,
    ChangeState,
    Policy,
)
from rom.model.order import Item
from rom.model.reason import Reason
from rom.store.change_list import DUE, of_items, read_changes
from rom.store.tables import change


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
    waiting = read_changes(
        connection,
        sa.select(change)
        .where(change.c.device == device, change.c.state == ChangeState.WAITING, DUE)
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
    if taken:
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
        sa.and_(of_items(items), change.c.state.in_((ChangeState.WAITING, ChangeState.BLOCKED))),
        ChangeState.REFUSED,
        reason=Reason.CANCELLED,
        error="withdrawn before it was sent",
        due_at=None,
        finished_at=sa.func.clock_timestamp(),
    )
    claimed = sa.exists().where(of_items(items), change.c.state == ChangeState.CLAIMED)
    return not connection.scalar(sa.select(claimed))


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
    refuse(
        connection, read_changes(connection, queued), transaction=None, reason=reason, error=error
    )


def give_up(connection: sa.Connection, asked: Change, *, after: int, reason: str) -> bool:
    """Refuse a waiting change that was tried ``after`` times in vain.

    Never one that a writer has in hand. Tells whether it did.
    """
    if asked.attempts < after:
        return False
    found = read_changes(
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


def drop(connection: sa.Connection, items: Sequence[Item]) -> None:
    """Drop the settled changes of one order's items that are backed out: a retry asks for others.

    What they have done is in transactions, snapshots and the verdict.
    """
    connection.execute(sa.delete(change).where(of_items(items), change.c.state.in_(SETTLED)))


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
