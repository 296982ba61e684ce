"""Every event in the order of its place, for who follows them live."""

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from rom.access.scope import EVERYTHING, Scope, resource_within, stream_within
from rom.events.apis import EVENT_TYPES, Api
from rom.store.event_tables import event_position
from rom.store.tables import event_outbox, order_item

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a follower wants to see; fields left out do not matter."""

    order: str | None = None
    site: str | None = None
    event_types: frozenset[str] = field(default_factory=frozenset)
    scope: Scope = EVERYTHING


@dataclass(frozen=True, slots=True)
class Placed:
    """An event at its place; places only grow, and a smaller one never appears later."""

    position: int
    event_type: str
    stream: str
    payload: Document


class EventLog:
    """Reads events by place; safe in any thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def newest(self) -> int:
        """Return the last place given, 0 before the first."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(sa.func.max(event_position.c.position))) or 0

    def after(self, position: int, wanted: Wanted, limit: int) -> tuple[list[Placed], int]:
        """Return the next events wanted, and the place to go on from."""
        query = (
            sa.select(
                event_position.c.position,
                event_outbox.c.event_type,
                event_outbox.c.order_id,
                event_outbox.c.payload,
            )
            .join_from(event_position, event_outbox)
            .where(event_position.c.position > position, *_conditions(wanted))
            .order_by(event_position.c.position)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            # Asked first: what is placed after this is found the next time.
            newest = connection.scalar(sa.select(sa.func.max(event_position.c.position)))
            found = [Placed(*row) for row in connection.execute(query)]
        if len(found) == limit:
            return found, found[-1].position
        return found, max(position, newest or 0, *(each.position for each in found))

    def grown(self, after: int | None) -> list[tuple[int, str]]:
        """Return the last place of every stream with events placed after ``after``, rising.

        Without ``after`` only the last one of all, if there is any.
        """
        last = sa.func.max(event_position.c.position)
        stream = sa.func.coalesce(event_outbox.c.task_id, event_outbox.c.order_id).label("stream")
        query = sa.select(last, stream).join_from(event_position, event_outbox).group_by(stream)
        if after is None:
            newest = sa.select(sa.func.max(event_position.c.position)).scalar_subquery()
            query = query.where(event_position.c.position == newest)
        else:
            query = query.where(event_position.c.position > after)
        with self._engine.connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(query.order_by(last))]


def of_stream(stream: str) -> sa.ColumnElement[bool]:
    """Return the condition that an event is an order's, or a rollback task's with its resources."""
    return sa.or_(event_outbox.c.order_id == stream, event_outbox.c.task_id == stream)


def _conditions(wanted: Wanted) -> list[sa.ColumnElement[bool]]:
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


def _of_site(site: str) -> sa.ColumnElement[bool]:
    """Tell of orders with an item at the site; of an item's own event, that the item is there."""
    event = event_outbox.c.payload["event"]
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
