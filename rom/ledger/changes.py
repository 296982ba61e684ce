"""Changes: a site's wish for a device, waiting until the device's writer takes it along."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from device_profiles.tree import Path
from rom.ledger.model import Policy
from rom.store.tables import change

DUE = sa.or_(change.c.due_at.is_(None), change.c.due_at <= sa.func.now())


def request(
    connection: sa.Connection,
    *,
    device: str,
    site: str,
    kind: str,
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
            state="blocked" if blocked else "waiting",
        )
        .returning(change.c.id)
    ).scalar_one()
    return number


LIVE_KINDS = ("modify", "delete", "rollback")
"""Changes of services that customers use already; fewer of them go out together."""


def claim(
    connection: sa.Connection, device: str, transaction: str, *, sites: int, live_sites: int
) -> dict[str, list[sa.Row[Any]]]:
    """Take the waiting changes of the oldest one's class for several sites, oldest first.

    Changes of live services and new ones are never mixed; ``live_sites`` caps what one mistake
    could hit.
    """
    waiting = connection.execute(
        sa.select(change)
        .where(change.c.device == device, change.c.state == "waiting", DUE)
        .order_by(change.c.id)
        .with_for_update(skip_locked=True)
    ).all()
    taken: dict[str, list[sa.Row[Any]]] = {}
    live = bool(waiting) and waiting[0].kind in LIVE_KINDS
    limit = live_sites if live else sites
    for row in waiting:
        if (row.kind in LIVE_KINDS) != live:
            continue
        if row.site in taken or len(taken) < limit:
            taken.setdefault(row.site, []).append(row)
    numbers = [row.id for rows in taken.values() for row in rows]
    if numbers:
        connection.execute(
            sa.update(change)
            .where(change.c.id.in_(numbers))
            .values(state="claimed", transaction=transaction)
        )
    return taken


def finish(
    connection: sa.Connection,
    rows: Iterable[sa.Row[Any]],
    *,
    transaction: str | None,
    edits: int = 0,
    kept: Iterable[Path] = (),
) -> None:
    """The device holds what the changes asked for, but for paths ``kept`` by their policy."""
    _settle(
        connection, rows, state="done", transaction=transaction, edits=edits,
        kept=[list(path) for path in kept], reason=None,
    )  # fmt: skip


def refuse(
    connection: sa.Connection,
    rows: Iterable[sa.Row[Any]],
    *,
    transaction: str | None,
    reason: str,
    error: str,
) -> None:
    """The device, or a rule of ours, said no; repeating the same would not help."""
    _settle(connection, rows, state="refused", transaction=transaction, reason=reason, error=error)


def _settle(connection: sa.Connection, rows: Iterable[sa.Row[Any]], **values: Any) -> None:
    connection.execute(
        sa.update(change)
        .where(change.c.id.in_([row.id for row in rows]))
        .values(finished_at=sa.func.clock_timestamp(), due_at=None, **values)
    )


def postpone(
    connection: sa.Connection, device: str, *, seconds: float, reason: str, error: str
) -> None:
    """Put everything the device's writer holds or waits for off for a while."""
    connection.execute(
        sa.update(change)
        .where(change.c.device == device, change.c.state.in_(("waiting", "claimed")))
        .values(
            state="waiting",
            transaction=None,
            attempts=change.c.attempts + 1,
            due_at=sa.func.now() + timedelta(seconds=seconds),
            reason=reason,
            error=error,
        )
    )


def refuse_all(connection: sa.Connection, device: str, *, reason: str, error: str) -> None:
    """Refuse everything that waits for a device which will not let us in by waiting longer."""
    rows = connection.execute(
        sa.select(change).where(
            change.c.device == device, change.c.state.in_(("waiting", "claimed"))
        )
    ).all()
    refuse(connection, rows, transaction=None, reason=reason, error=error)


def reclaim(connection: sa.Connection, device: str) -> None:
    """Give back what a dead writer had claimed; only under the lease, with none open."""
    connection.execute(
        sa.update(change)
        .where(change.c.device == device, change.c.state == "claimed")
        .values(state="waiting", transaction=None)
    )


def forget(connection: sa.Connection, order_id: str, item_ids: Collection[str]) -> None:
    """Drop the withdrawn changes of items whose plan is redone; nothing of them ever left."""
    connection.execute(
        sa.delete(change).where(
            change.c.order_id == order_id,
            change.c.item_id.in_(list(item_ids)),
            change.c.state == "refused",
            change.c.transaction.is_(None),
        )
    )


def kept_at(connection: sa.Connection, site: str) -> dict[str, tuple[str, frozenset[Path]]]:
    """Return by device which rollback task has left paths of the site to somebody else, and which.

    Only where nothing has been brought out for the site on the device since.
    """
    rows = connection.execute(
        sa.select(change.c.device, change.c.task_id, change.c.kept)
        .ext(distinct_on(change.c.device))
        .where(change.c.site == site, change.c.state == "done")
        .order_by(change.c.device, change.c.id.desc())
    )
    return {
        row.device: (row.task_id, frozenset(tuple(path) for path in row.kept))
        for row in rows
        if row.kept
    }


def again(connection: sa.Connection, rows: Iterable[sa.Row[Any]]) -> None:
    """Let refused changes, and those that wait out a pause, be tried anew and at once."""
    connection.execute(
        sa.update(change)
        .where(change.c.id.in_([row.id for row in rows]))
        .where(change.c.state.in_(("refused", "waiting")))
        .values(
            state="waiting",
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
    done = connection.execute(
        sa.update(change)
        .where(change.c.device == device, change.c.site == site, change.c.state == "blocked")
        .values(state="waiting", due_at=None)
    )
    return done.rowcount > 0


def of_item(connection: sa.Connection, order_id: str, item_id: str) -> list[sa.Row[Any]]:
    """Return the item's changes."""
    return list(
        connection.execute(
            sa.select(change)
            .where(change.c.order_id == order_id, change.c.item_id == item_id)
            .order_by(change.c.id)
        )
    )


def of_task(connection: sa.Connection, task_id: str, *, lock: bool = False) -> list[sa.Row[Any]]:
    """Return the changes a task has asked for so far; with ``lock`` no writer claims them now."""
    query = sa.select(change).where(change.c.task_id == task_id).order_by(change.c.id)
    return list(connection.execute(query.with_for_update() if lock else query))


def due_devices(connection: sa.Connection) -> Collection[str]:
    """Return the devices that have something to write now, or something left by a dead writer."""
    rows = connection.execute(
        sa.select(change.c.device)
        .where(sa.or_(sa.and_(change.c.state == "waiting", DUE), change.c.state == "claimed"))
        .distinct()
    )
    return [row.device for row in rows]
