"""Entries of the trail: appended with the deed's transaction, read in the order of their places."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from rom.model.deed import Actor, Deed, DeedKind, Entry, Head
from rom.store.trail_tables import trail_entry, trail_head

_entry = trail_entry.c
_READ_AT_ONCE = 1000


class Asked(NamedTuple):
    """What a list of entries is narrowed down to; fields left out do not matter."""

    site: str | None = None
    device: str | None = None
    order_id: str | None = None
    actor: str | None = None
    kind: DeedKind | None = None
    since: datetime | None = None
    until: datetime | None = None


def append(connection: sa.Connection, time: datetime, deed: Deed, digest: bytes) -> None:
    """Write a deed; it gets its place when the transaction commits, in the order of commits."""
    connection.execute(
        sa.insert(trail_entry).values(
            time=time,
            kind=deed.kind,
            actor=deed.actor.name,
            actor_kind=deed.actor.kind,
            client=deed.actor.client,
            request_id=deed.actor.request_id,
            sites=list(deed.sites),
            devices=list(deed.devices),
            order_id=deed.order_id,
            subject=deed.subject,
            ticket=deed.ticket,
            reason=deed.reason,
            details=dict(deed.details),
            digest=digest,
        )
    )


def head(connection: sa.Connection) -> Head:
    """Return the head that is kept beside the entries."""
    row = connection.execute(sa.select(trail_head.c.place, trail_head.c.link)).one()
    return Head(row.place, bytes(row.link))


def every(connection: sa.Connection) -> Iterator[Entry]:
    """Yield the entries in the order of their places; a few are in memory at a time."""
    after = 0
    while True:
        query = (
            sa.select(trail_entry)
            .where(_entry.place > after)
            .order_by(_entry.place)
            .limit(_READ_AT_ONCE)
        )
        rows = connection.execute(query).mappings().all()
        yield from map(_entry_of, rows)
        if len(rows) < _READ_AT_ONCE:
            return
        after = rows[-1]["place"]


def unplaced(connection: sa.Connection) -> int:
    """Return how many entries have no place, which none has that was committed as it should be."""
    query = sa.select(sa.func.count()).where(_entry.place.is_(None))
    return connection.scalar(query.select_from(trail_entry)) or 0


def page(
    connection: sa.Connection, asked: Asked, *, offset: int, limit: int
) -> tuple[list[Entry], int]:
    """Return a page, the newest first, and how many match in all."""
    wanted = [_entry.place.is_not(None), *_conditions(asked)]
    total = connection.scalar(sa.select(sa.func.count()).select_from(trail_entry).where(*wanted))
    query = (
        sa.select(trail_entry)
        .where(*wanted)
        .order_by(_entry.place.desc())
        .offset(offset)
        .limit(limit)
    )
    return [_entry_of(row) for row in connection.execute(query).mappings()], total or 0


def latest(
    connection: sa.Connection, kind: DeedKind, actor: Actor, subject: str
) -> Mapping[str, Any] | None:
    """Return the details of somebody's last deed of a kind that was about ``subject``."""
    query = (
        sa.select(_entry.details)
        .where(_entry.kind == kind, _entry.actor == actor.name, _entry.subject == subject)
        .order_by(_entry.place.desc().nulls_last())
        .limit(1)
    )
    return connection.scalar(query)


def find(connection: sa.Connection, place: int) -> Entry | None:
    """Return the entry of a place, or ``None``."""
    query = sa.select(trail_entry).where(_entry.place == place)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _entry_of(row)


def _conditions(asked: Asked) -> Iterator[sa.ColumnElement[bool]]:
    for among, one in ((_entry.sites, asked.site), (_entry.devices, asked.device)):
        if one is not None:
            yield among.contains([one])
    for column, value in (
        (_entry.order_id, asked.order_id),
        (_entry.actor, asked.actor),
        (_entry.kind, asked.kind),
    ):
        if value is not None:
            yield column == value
    if asked.since is not None:
        yield _entry.time >= asked.since
    if asked.until is not None:
        yield _entry.time < asked.until


def _entry_of(row: Mapping[Any, Any]) -> Entry:
    actor = Actor(row["actor"], row["actor_kind"], row["client"], row["request_id"])
    deed = Deed(
        kind=row["kind"],
        actor=actor,
        sites=tuple(row["sites"]),
        devices=tuple(row["devices"]),
        order_id=row["order_id"],
        subject=row["subject"],
        ticket=row["ticket"],
        reason=row["reason"],
        details=row["details"],
    )
    return Entry(
        row["place"],
        row["time"],
        deed,
        bytes(row["digest"]),
        bytes(row["previous"] or b""),
        bytes(row["link"] or b""),
    )
