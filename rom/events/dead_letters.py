"""What could not be delivered, kept until somebody has it sent again."""

from typing import Any

import sqlalchemy as sa

from rom.store.event_tables import delivery, hub_subscription
from rom.store.tables import event_outbox

Document = dict[str, Any]


class DeadLetters:
    """Lists and replays dead letters; safe in any thread."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def page(
        self, *, offset: int, limit: int, listener: str | None = None, order: str | None = None
    ) -> tuple[list[Document], int]:
        """Return a page in the order of the events, and the number of all that match."""
        conditions = _chosen(listener, order)
        total = sa.select(sa.func.count()).select_from(delivery).where(*conditions)
        query = (
            _letters().where(*conditions).order_by(delivery.c.position, delivery.c.id)
            .offset(offset).limit(limit)
        )  # fmt: skip
        with self._engine.connect() as connection:
            rows = [_document(row) for row in connection.execute(query)]
            return rows, connection.scalar(total) or 0

    def find(self, number: int) -> Document | None:
        """Return one dead letter with its notification, or ``None``."""
        query = _letters().where(delivery.c.id == number, delivery.c.state == "dead")
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _document(row) | {"notification": row.payload}

    def replay(
        self, *, number: int | None = None, listener: str | None = None, order: str | None = None
    ) -> int:
        """Have what matches sent again from the start, in order; return how many those are."""
        conditions = _chosen(listener, order)
        if number is not None:
            conditions.append(delivery.c.id == number)
        now = sa.func.clock_timestamp()
        with self._engine.begin() as connection:
            again = connection.execute(
                sa.update(delivery)
                .where(*conditions)
                .values(state="waiting", attempts=0, since=now, due_at=now, dead_at=None)
                .returning(delivery.c.listener_id)
            ).all()
            # Whoever asks for it knows that the listener is up again.
            connection.execute(
                sa.update(hub_subscription)
                .where(hub_subscription.c.id.in_({row.listener_id for row in again}))
                .values(paused_until=None)
            )
        return len(again)


def _chosen(listener: str | None, order: str | None) -> list[sa.ColumnElement[bool]]:
    found = [delivery.c.state == "dead"]
    if listener is not None:
        found.append(delivery.c.listener_id == listener)
    if order is not None:
        found.append(delivery.c.stream == order)
    return found


def _letters() -> sa.Select[Any]:
    return sa.select(
        delivery,
        event_outbox.c.event_type,
        event_outbox.c.payload,
        event_outbox.c.time,
        hub_subscription.c.callback,
    ).select_from(delivery.join(event_outbox).join(hub_subscription))


def _document(row: sa.Row[Any]) -> Document:
    return {
        "id": str(row.id),
        "listener": row.listener_id,
        "callback": row.callback,
        "order": row.stream,
        "eventId": row.payload.get("eventId"),
        "eventType": row.event_type,
        "eventTime": row.time.isoformat(),
        "attempts": row.attempts,
        "deadSince": row.dead_at.isoformat(),
        "error": row.error,
    }
