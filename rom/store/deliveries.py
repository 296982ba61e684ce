"""Deliveries: each event that a listener has yet to take, and the dead letters among them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from rom.model.event import DELIVERY_LIFE, DeadLetter, DeliveryState, DueDelivery, NewDelivery
from rom.store.event_tables import delivery, hub_subscription
from rom.store.tables import event_outbox

_NOW = sa.func.clock_timestamp()
_LETTERS: sa.Select[Any] = sa.select(
    delivery.c.id,
    delivery.c.listener_id,
    hub_subscription.c.callback,
    delivery.c.stream,
    event_outbox.c.event_type,
    event_outbox.c.time,
    delivery.c.attempts,
    delivery.c.dead_at,
    delivery.c.error,
    event_outbox.c.payload,
).select_from(delivery.join(event_outbox).join(hub_subscription))


def add(connection: sa.Connection, new: Sequence[NewDelivery]) -> None:
    """Enter what listeners are to get."""
    if new:
        connection.execute(sa.insert(delivery), [asdict(each) for each in new])


def due(connection: sa.Connection, listener_id: str, most: int) -> list[DueDelivery]:
    """Return what can be sent now, in order; a stream whose first has to wait waits whole."""
    query = (
        sa.select(delivery.c.id, delivery.c.sequence, delivery.c.stream, event_outbox.c.payload)
        .join(event_outbox, event_outbox.c.sequence == delivery.c.sequence)
        .where(due_to(listener_id))
        .order_by(delivery.c.position)
        .limit(most)
    )
    return [DueDelivery(*row) for row in connection.execute(query)]


def due_to(listener_id: str | sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a delivery can be sent to a listener now.

    Only the first of a stream is ever tried, so only that one can have to wait.
    """
    first = delivery.alias("first")
    waits = sa.exists().where(
        first.c.listener_id == delivery.c.listener_id,
        first.c.stream == delivery.c.stream,
        first.c.state == DeliveryState.WAITING,
        first.c.due_at > _NOW,
    )
    waiting = delivery.c.state == DeliveryState.WAITING
    return sa.and_(delivery.c.listener_id == listener_id, waiting, ~waits)


def remove(connection: sa.Connection, *delivery_ids: int) -> None:
    """Forget deliveries that their listener has taken, or may not have any more."""
    connection.execute(sa.delete(delivery).where(delivery.c.id.in_(delivery_ids)))


def attempts(connection: sa.Connection, delivery_id: int) -> int | None:
    """Return how often a delivery was tried, ``None`` when its listener has been removed."""
    return connection.scalar(sa.select(delivery.c.attempts).where(delivery.c.id == delivery_id))


def note_failure(
    connection: sa.Connection,
    delivery_id: int,
    *,
    attempts: int,
    error: str,
    pause: timedelta,
    max_age: timedelta,
    exhausted: bool,
) -> None:
    """Note a failed attempt: again after ``pause``; never if ``exhausted`` or of ``max_age``."""
    over = sa.or_(delivery.c.since < _NOW - max_age, sa.literal(exhausted))
    values = {
        "attempts": attempts,
        "error": error,
        "due_at": _NOW + pause,
        "state": sa.case((over, DeliveryState.DEAD), else_=DeliveryState.WAITING),
        "dead_at": sa.case((over, _NOW), else_=None),
    }
    connection.execute(sa.update(delivery).where(delivery.c.id == delivery_id).values(values))


def bury_old(connection: sa.Connection, max_age: timedelta, error: str) -> int:
    """Make dead letters of what has waited ``max_age`` for a listener that is down.

    ``error`` is noted where no attempt has left one. A listener that is merely slow gets
    everything, however late. Returns how many those are.
    """
    down = sa.select(hub_subscription.c.id).where(hub_subscription.c.failures > 0)
    statement = (
        sa.update(delivery)
        .where(
            delivery.c.listener_id.in_(down),
            delivery.c.state.in_(DELIVERY_LIFE.before(DeliveryState.DEAD)),
            delivery.c.since < _NOW - max_age,
        )
        .values(
            state=DeliveryState.DEAD, dead_at=_NOW, error=sa.func.coalesce(delivery.c.error, error)
        )
    )
    return connection.execute(statement).rowcount


def dead_letters(
    connection: sa.Connection,
    *,
    offset: int,
    limit: int,
    listener: str | None = None,
    order: str | None = None,
) -> tuple[list[DeadLetter], int]:
    """Return a page in the order of the events, and the number of all that match."""
    conditions = _chosen(None, listener, order)
    total = sa.select(sa.func.count()).select_from(delivery).where(*conditions)
    query = (
        _LETTERS.where(*conditions).order_by(delivery.c.position, delivery.c.id)
        .offset(offset).limit(limit)
    )  # fmt: skip
    found = [DeadLetter(**row._mapping) for row in connection.execute(query)]
    return found, connection.scalar(total) or 0


def dead_letter(connection: sa.Connection, number: int) -> DeadLetter | None:
    """Return one dead letter, or ``None``."""
    row = connection.execute(_LETTERS.where(*_chosen(number, None, None))).one_or_none()
    return None if row is None else DeadLetter(**row._mapping)


def revive(
    connection: sa.Connection,
    *,
    number: int | None = None,
    listener: str | None = None,
    order: str | None = None,
) -> list[str]:
    """Have dead letters sent again from the start, in order; return the listener of each."""
    again = (
        sa.update(delivery)
        .where(*_chosen(number, listener, order))
        .values(state=DeliveryState.WAITING, attempts=0, since=_NOW, due_at=_NOW, dead_at=None)
        .returning(delivery.c.listener_id)
    )
    return list(connection.scalars(again))


def _chosen(
    number: int | None, listener: str | None, order: str | None
) -> list[sa.ColumnElement[bool]]:
    asked: dict[str, Any] = {"id": number, "listener_id": listener, "stream": order}
    found = [delivery.c[name] == value for name, value in asked.items() if value is not None]
    return [delivery.c.state == DeliveryState.DEAD, *found]


def forget_dead(connection: sa.Connection, keep: timedelta, most: int) -> int:
    """Delete some dead letters that nobody has sent again for so long; return how many."""
    over = (
        sa.select(delivery.c.id)
        .where(delivery.c.state == "dead")
        .where(delivery.c.dead_at < sa.func.clock_timestamp() - keep)
        .limit(most)
    )
    return connection.execute(sa.delete(delivery).where(delivery.c.id.in_(over))).rowcount
