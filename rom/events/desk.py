"""Deliveries in the database: taking a listener, what is due to it, what became of each attempt.

A gateway takes a listener for the length of a lease and posts only while an answer would still
come within it, so no two gateways ever post to one listener at the same time.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from rom.events.settings import DeliverySettings
from rom.store.event_tables import delivery, hub_subscription
from rom.store.tables import event_outbox

_BATCH = 50
_NOW = sa.func.clock_timestamp()


@dataclass(frozen=True, slots=True)
class Due:
    """One notification that waits for its listener."""

    id: int
    stream: str
    payload: dict[str, Any]


class Desk:
    """Reads and writes deliveries for one gateway, whose name is ``holder``."""

    def __init__(self, engine: sa.Engine, settings: DeliverySettings, holder: str) -> None:
        self._engine = engine
        self._settings = settings
        self._holder = holder

    def take(self, busy: Collection[str]) -> Sequence[sa.Row[Any]]:
        """Take every listener that has something due and that nobody has; not the ``busy``."""
        listener = hub_subscription.c
        free = sa.or_(
            listener.lease_until.is_(None),
            listener.lease_until < _NOW,
            listener.lease_holder == self._holder,
        )
        rested = sa.or_(listener.paused_until.is_(None), listener.paused_until <= _NOW)
        something = sa.exists().where(_is_due(delivery, listener.id))
        chosen = (
            sa.select(listener.id)
            .where(listener.id.not_in(list(busy)), free, rested, something)
            .with_for_update(skip_locked=True, key_share=True)
        )
        with self._engine.begin() as connection:
            ids = connection.scalars(chosen).all()
            return self._lease(connection, ids) if ids else []

    def renew(self, ids: Collection[str]) -> set[str]:
        """Prolong the leases of listeners; return those that are still ours."""
        with self._engine.begin() as connection:
            mine = hub_subscription.c.lease_holder == self._holder
            return {row.id for row in self._lease(connection, ids, mine)}

    def give_back(self, listener_id: str) -> None:
        """Let any gateway take the listener."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(hub_subscription)
                .where(
                    hub_subscription.c.id == listener_id,
                    hub_subscription.c.lease_holder == self._holder,
                )
                .values(lease_holder=None, lease_until=None)
            )

    def _lease(
        self, connection: sa.Connection, ids: Collection[str], *conditions: sa.ColumnElement[bool]
    ) -> Sequence[sa.Row[Any]]:
        until = _NOW + timedelta(seconds=self._settings.lease)
        return connection.execute(
            sa.update(hub_subscription)
            .where(hub_subscription.c.id.in_(list(ids)), *conditions)
            .values(lease_holder=self._holder, lease_until=until)
            .returning(hub_subscription)
        ).all()

    def due(self, listener_id: str) -> list[Due]:
        """Return what can be sent now, in order; a stream whose first has to wait waits whole."""
        query = (
            sa.select(delivery.c.id, delivery.c.stream, event_outbox.c.payload)
            .join(event_outbox, event_outbox.c.sequence == delivery.c.sequence)
            .where(_is_due(delivery, listener_id))
            .order_by(delivery.c.position)
            .limit(_BATCH)
        )
        with self._engine.connect() as connection:
            return [Due(*row) for row in connection.execute(query)]

    def delivered(self, listener_id: str, delivery_id: int) -> None:
        """Forget a delivery that its listener has taken."""
        listener = hub_subscription.c
        with self._engine.begin() as connection:
            # The listener before its deliveries, as its removal does: neither waits in turn.
            connection.execute(
                sa.update(hub_subscription)
                .where(listener.id == listener_id)
                .values(
                    delivered=listener.delivered + 1,
                    failures=0,
                    paused_until=None,
                    last_success_at=_NOW,
                )
            )
            connection.execute(sa.delete(delivery).where(delivery.c.id == delivery_id))

    def failed(self, listener_id: str, delivery_id: int, error: str) -> None:
        """Note a failed attempt: again after a pause, or never once it was tried enough."""
        settings = self._settings
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(hub_subscription)
                .where(hub_subscription.c.id == listener_id)
                .values(last_failure_at=_NOW, last_error=error)
            )
            mine = delivery.c.id == delivery_id
            attempts = connection.scalar(sa.select(delivery.c.attempts).where(mine))
            if attempts is None:
                return  # the listener has been removed meanwhile
            attempts += 1
            old = delivery.c.since < _NOW - timedelta(seconds=settings.max_age)
            over = sa.or_(old, sa.literal(attempts >= settings.max_attempts))
            due = _NOW + timedelta(seconds=settings.pause(attempts, _chance()))
            values = {"attempts": attempts, "error": error, "due_at": due, **_dead_if(over)}
            connection.execute(sa.update(delivery).where(mine).values(values))

    def pause(self, listener_id: str, failures: int) -> None:
        """Leave a listener alone for a while: nothing has got through ``failures`` times."""
        until = _NOW + timedelta(seconds=self._settings.pause(failures, _chance()))
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(hub_subscription)
                .where(hub_subscription.c.id == listener_id)
                .values(failures=failures, paused_until=until)
            )


def _is_due(table: sa.Table, listener_id: Any) -> sa.ColumnElement[bool]:
    """Only the first of a stream is ever tried, so only that one can have to wait."""
    first = delivery.alias("first")
    waits = sa.exists().where(
        first.c.listener_id == table.c.listener_id,
        first.c.stream == table.c.stream,
        first.c.state == "waiting",
        first.c.due_at > _NOW,
    )
    return sa.and_(table.c.listener_id == listener_id, table.c.state == "waiting", ~waits)


def _dead_if(over: sa.ColumnElement[bool]) -> dict[str, Any]:
    return {
        "state": sa.case((over, "dead"), else_="waiting"),
        "dead_at": sa.case((over, _NOW), else_=None),
    }


def _chance() -> float:
    return random.random()  # noqa: S311 - spreads attempts, keeps no secret
