"""Gives events their place in the order of delivery, and each listener its share of them.

Places are given in the order in which events become visible; who reads by place never misses one
that was committed late.
"""

from collections import defaultdict

import structlog

from rom.events.query import EventQuery, parse_query
from rom.model.access import Scope
from rom.model.event import NewDelivery
from rom.model.event_types import Api, api_of
from rom.store import deliveries, event_log, outbox, subscriptions
from rom.store.database import Connection, Engine

_MOST = 500
log = structlog.get_logger(__name__)
_Listener = tuple[str, EventQuery, Scope]


def fan_out(engine: Engine) -> int:
    """Take in what has become visible; return how many events that were, 0 if another is at it."""
    with engine.begin() as connection:
        if not outbox.anything_pending(connection) or not outbox.may_place(connection):
            return 0
        sequences = outbox.place_pending(connection, _MOST)
        if sequences:
            deliveries.add(connection, _deliveries(connection, sequences))
        return len(sequences)


def _deliveries(connection: Connection, sequences: list[int]) -> list[NewDelivery]:
    listeners = _listeners(connection)
    if not listeners:
        return []
    scopes = {scope for every in listeners.values() for _, _, scope in every}
    visible = {scope: event_log.visible(connection, scope, sequences) for scope in scopes}
    return [
        NewDelivery(listener_id, event.sequence, event.position, event.stream)
        for event in event_log.placed(connection, sequences)
        for listener_id, query, scope in listeners.get(api_of(event.event_type), ())
        if event.sequence in visible[scope] and query.matches(event.payload)
    ]


def _listeners(connection: Connection) -> dict[Api | None, list[_Listener]]:
    found: dict[Api | None, list[_Listener]] = defaultdict(list)
    # Locked against removal, else a delivery could be made for a listener that is gone.
    for each in subscriptions.every_locked(connection):
        try:
            query = parse_query(each.api, each.query)
        except Exception:  # supervised: one that cannot be read keeps no other from its events
            log.exception("listener.unreadable", listener=each.id)
            continue
        found[each.api].append((each.id, query, each.scope))
    return found
