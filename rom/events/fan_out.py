"""Gives events their place in the order of delivery, and each listener its share of them.

One gateway at a time does it, so places are given in the order in which they become visible; who
reads by place never misses an event that was committed late.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from rom.access.model import Scope
from rom.events.apis import Api, api_of
from rom.events.log import event_within
from rom.events.query import EventQuery, parse_query
from rom.store.event_tables import delivery, event_pending, event_position, hub_subscription
from rom.store.tables import event_outbox

_LOCK = 688_001  # any number, the same in every process
_MOST = 500
_Listener = tuple[str, EventQuery, Scope]


def fan_out(engine: sa.Engine) -> int:
    """Take in what has become visible; return how many events that were, 0 if another is at it."""
    with engine.begin() as connection:
        if not _anything(connection):
            return 0
        if not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_LOCK))):
            return 0
        taken = _take(connection)
        if not taken:
            return 0
        positions = _place(connection, taken)
        rows = _deliveries(connection, positions)
        if rows:
            connection.execute(sa.insert(delivery), rows)
        return len(taken)


def _anything(connection: sa.Connection) -> bool:
    return bool(connection.scalar(sa.select(sa.exists().select_from(event_pending))))


def _take(connection: sa.Connection) -> list[int]:
    first = sa.select(event_pending.c.sequence).order_by(event_pending.c.sequence).limit(_MOST)
    statement = sa.delete(event_pending).where(event_pending.c.sequence.in_(first))
    return sorted(connection.scalars(statement.returning(event_pending.c.sequence)))


def _place(connection: sa.Connection, sequences: list[int]) -> dict[int, int]:
    """Append events in the order of their numbers, which within a stream is that of commits."""
    ordered = (
        sa.select(event_outbox.c.sequence)
        .where(event_outbox.c.sequence.in_(sequences))
        .order_by(event_outbox.c.sequence)
    )
    statement = sa.insert(event_position).from_select(["sequence"], ordered)
    written = statement.returning(event_position.c.sequence, event_position.c.position)
    return {row.sequence: row.position for row in connection.execute(written)}


def _deliveries(connection: sa.Connection, positions: dict[int, int]) -> list[dict[str, Any]]:
    listeners = _listeners(connection)
    if not listeners:
        return []
    scopes = {scope for every in listeners.values() for _, _, scope in every}
    visible = _visible(connection, scopes, positions)
    rows = connection.execute(
        sa.select(event_outbox).where(event_outbox.c.sequence.in_(list(positions)))
    )
    return [
        {
            "listener_id": listener_id,
            "sequence": row.sequence,
            "position": positions[row.sequence],
            "stream": row.order_id,
        }
        for row in rows
        for listener_id, query, scope in listeners.get(api_of(row.event_type), ())
        if row.sequence in visible[scope] and query.matches(row.payload)
    ]


def _visible(
    connection: sa.Connection, scopes: Iterable[Scope], sequences: Iterable[int]
) -> dict[Scope, set[int]]:
    """Return by limits which of the events a listener with them may hear of."""
    every = list(sequences)
    chosen = sa.select(event_outbox.c.sequence).where(event_outbox.c.sequence.in_(every))
    return {
        scope: set(connection.scalars(chosen.where(event_within(scope))))
        if scope.limited
        else set(every)
        for scope in set(scopes)
    }


def _listeners(connection: sa.Connection) -> dict[Api | None, list[_Listener]]:
    # Locked against removal, else a delivery could be made for a listener that is gone.
    query = sa.select(
        hub_subscription.c.id,
        hub_subscription.c.api,
        hub_subscription.c.query,
        hub_subscription.c.customers,
        hub_subscription.c.sites,
    ).with_for_update(read=True, key_share=True)
    found: dict[Api | None, list[_Listener]] = defaultdict(list)
    for row in connection.execute(query):
        api, scope = Api(row.api), Scope(_limit(row.customers), _limit(row.sites))
        found[api].append((row.id, parse_query(api, row.query), scope))
    return found


def _limit(column: list[str] | None) -> frozenset[str] | None:
    return None if column is None else frozenset(column)
