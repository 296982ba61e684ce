"""Every event in the order of its place, and the events of one stream."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from rom.model.access import Scope
from rom.model.event import EventFilter, OutboxEvent, PlacedEvent
from rom.model.event_types import EVENT_TYPES, Api
from rom.store.event_tables import event_position
from rom.store.scope import resource_within, stream_within
from rom.store.tables import event_outbox, order_item

_NEWEST = sa.select(sa.func.max(event_position.c.position))
_PLACED = sa.select(
    event_position.c.position,
    event_outbox.c.sequence,
    event_outbox.c.order_id,
    event_outbox.c.event_type,
    event_outbox.c.payload,
).join_from(event_position, event_outbox)


def newest(connection: sa.Connection) -> int:
    """Return the last place given, 0 before the first."""
    return connection.scalar(_NEWEST) or 0


def after(
    connection: sa.Connection, position: int, wanted: EventFilter, limit: int
) -> list[PlacedEvent]:
    """Return the next events that are wanted, at most ``limit``."""
    query = (
        _PLACED.where(event_position.c.position > position, *_conditions(wanted))
        .order_by(event_position.c.position)
        .limit(limit)
    )
    return [PlacedEvent(*row) for row in connection.execute(query)]


def placed(connection: sa.Connection, sequences: Collection[int]) -> list[PlacedEvent]:
    """Return events that have their place, in its order."""
    chosen = event_outbox.c.sequence.in_(list(sequences))
    query = _PLACED.where(chosen).order_by(event_position.c.position)
    return [PlacedEvent(*row) for row in connection.execute(query)]


def visible(connection: sa.Connection, scope: Scope, sequences: Collection[int]) -> set[int]:
    """Return which of the events a client with these limits may see."""
    if not scope.limited:
        return set(sequences)
    chosen = event_outbox.c.sequence.in_(list(sequences))
    query = sa.select(event_outbox.c.sequence).where(chosen, event_within(scope))
    return set(connection.scalars(query))


def of_order(connection: sa.Connection, stream: str, sequence: int) -> list[OutboxEvent]:
    """Return the events of an order or a rollback task that were written after ``sequence``."""
    rows = connection.execute(
        sa.select(
            event_outbox.c.sequence,
            event_outbox.c.order_id,
            event_outbox.c.event_type,
            event_outbox.c.payload,
        )
        .where(of_stream(stream), event_outbox.c.sequence > sequence)
        .order_by(event_outbox.c.sequence)
    )
    return [OutboxEvent(*row) for row in rows]


def grown(connection: sa.Connection, after: int | None) -> list[tuple[int, str]]:
    """Return the last place of every stream with events placed after ``after``, rising.

    Without ``after`` only the last one of all, if there is any.
    """
    last = sa.func.max(event_position.c.position)
    stream = sa.func.coalesce(event_outbox.c.task_id, event_outbox.c.order_id).label("stream")
    query = sa.select(last, stream).join_from(event_position, event_outbox).group_by(stream)
    if after is None:
        query = query.where(event_position.c.position == _NEWEST.scalar_subquery())
    else:
        query = query.where(event_position.c.position > after)
    return [(row[0], row[1]) for row in connection.execute(query.order_by(last))]


def of_stream(stream: str) -> sa.ColumnElement[bool]:
    """Return the condition that an event is an order's, or a rollback task's with its resources."""
    return sa.or_(event_outbox.c.order_id == stream, event_outbox.c.task_id == stream)


def event_within(scope: Scope) -> sa.ColumnElement[bool]:
    """Return the condition that a client with these limits may see an event.

    The catalog belongs to no site: everybody may read it, and hear of it.
    """
    resource = sa.cast(event_outbox.c.payload["event"]["resource"]["id"].astext, sa.Uuid)
    return sa.or_(
        event_outbox.c.event_type.in_(EVENT_TYPES[Api.CATALOG]),
        stream_within(scope, event_outbox.c.order_id),
        resource_within(scope, resource),
    )


def _conditions(wanted: EventFilter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.order is not None:
        found.append(of_stream(wanted.order))
    if wanted.event_types:
        found.append(event_outbox.c.event_type.in_(wanted.event_types))
    if wanted.site is not None:
        found.append(_of_site(wanted.site))
    if wanted.scope.limited:
        found.append(event_within(wanted.scope))
    return found


def _of_site(site: str) -> sa.ColumnElement[bool]:
    """Tell of orders with an item at the site; of an item's own event, that the item is there."""
    event: Any = event_outbox.c.payload["event"]
    item = event["resourceOrderItem"]["id"].astext
    ordered = sa.exists().where(
        order_item.c.order_id == event_outbox.c.order_id,
        order_item.c.site == site,
        sa.or_(item.is_(None), order_item.c.item_id == item),
    )
    return sa.or_(
        ordered,
        event["siteRollback"]["site"].astext == site,
        event["resource"]["place"]["id"].astext == site,
    )
