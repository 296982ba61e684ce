"""Gives events their place in the order of delivery, and each listener its share of them.

One gateway at a time does it, so places are given in the order in which they become visible; who
reads by place never misses an event that was committed late.
"""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from rom.events.apis import Api, api_of
from rom.events.query import EventQuery, parse_query
from rom.store.event_tables import delivery, event_pending, event_position, hub_subscription
from rom.store.tables import event_outbox

_LOCK = 688_001  # any number, the same in every process
_MOST = 500


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
        for listener_id, query in listeners.get(api_of(row.event_type), ())
        if query.matches(row.payload)
    ]


def _listeners(connection: sa.Connection) -> dict[Api | None, list[tuple[str, EventQuery]]]:
    # Locked against removal, else a delivery could be made for a listener that is gone.
    query = sa.select(
        hub_subscription.c.id, hub_subscription.c.api, hub_subscription.c.query
    ).with_for_update(read=True, key_share=True)
    found: dict[Api | None, list[tuple[str, EventQuery]]] = defaultdict(list)
    for listener_id, api, text in connection.execute(query):
        found[Api(api)].append((listener_id, parse_query(Api(api), text)))
    return found
