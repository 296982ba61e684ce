"""Writing an event: always in the transaction of what it tells."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from rom.store.tables import event_outbox


def emit(
    connection: sa.Connection, stream: str, event: dict[str, Any], *, task_id: str | None = None
) -> None:
    """Write one notification; those of one ``stream``, an order's for instance, keep their order.

    The stream is locked until the transaction ends, so its owner's row has to be locked before.
    """
    emit_many(connection, [(stream, event)], task_id=task_id)


def emit_many(
    connection: sa.Connection,
    events: Sequence[tuple[str, dict[str, Any]]],
    *,
    task_id: str | None = None,
) -> None:
    """Write several notifications, each with its stream."""
    rows = [
        {
            "order_id": stream,
            "event_type": event["eventType"],
            "payload": event,
            "task_id": task_id,
        }
        for stream, event in events
    ]
    if rows:
        connection.execute(sa.insert(event_outbox), rows)
