"""Hubs: who listens to which API's events, and how delivery to each of them stands."""

import asyncio
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from rom.access.model import current_scope
from rom.events.apis import Api
from rom.events.callback import CallbackPolicy
from rom.events.query import parse_query
from rom.model.snapshot import Sealer
from rom.store.event_tables import delivery, hub_subscription

Document = dict[str, Any]


class DuplicateListener(Exception):
    """The same callback with the same query is registered at this hub already."""


class TooManyListeners(Exception):
    """Each listener has connections of its own, so their number is bounded."""


class Listeners:
    """The hubs' operations; safe in any thread."""

    def __init__(
        self, engine: sa.Engine, sealer: Sealer, policy: CallbackPolicy, most: int
    ) -> None:
        self._engine = engine
        self._sealer = sealer
        self._policy = policy
        self._most = most

    def subscribe(
        self, api: Api, callback: str, query: str, secret: str | None, owner: str = ""
    ) -> Document:
        """Register a listener and return ``id``, ``callback`` and ``query``.

        It hears of no more than its ``owner``, whose request this is, may see now.

        Raises ``CallbackRefused``, ``BadQuery``, ``DuplicateListener`` and ``TooManyListeners``.
        The secret is kept sealed and shown to nobody again.
        """
        parse_query(api, query)
        asyncio.run(self._policy.address(self._policy.target(callback)))
        row = {
            "id": str(uuid4()), "api": api.value, "callback": callback, "query": query,
            "owner": owner,
        }  # fmt: skip
        scope = current_scope()
        limits = {"customers": _column(scope.customers), "sites": _column(scope.sites)}
        sealed = None if secret is None else self._sealer.seal(secret.encode())
        with self._engine.begin() as connection:
            if self._count(connection) >= self._most:
                message = f"there are {self._most} listeners already"
                raise TooManyListeners(message)
            statement = insert(hub_subscription).values(**row, **limits, sealed_secret=sealed)
            kept = statement.on_conflict_do_nothing().returning(hub_subscription.c.id)
            written = connection.scalar(kept)
            if written is None:
                same = connection.scalar(
                    sa.select(hub_subscription.c.id).where(
                        *(hub_subscription.c[name] == row[name] for name in row if name != "id")
                    )
                )
                message = f"listener {same} has the same callback and query"
                raise DuplicateListener(message)
        return {name: row[name] for name in ("id", "callback", "query")}

    def unsubscribe(
        self, listener_id: str, api: Api | None = None, owner: str | None = None
    ) -> bool:
        """Remove a listener, of this ``owner`` if given, with all that waits for it.

        Tells whether there was one.
        """
        statement = sa.delete(hub_subscription).where(hub_subscription.c.id == listener_id)
        if api is not None:
            statement = statement.where(hub_subscription.c.api == api.value)
        if owner is not None:
            statement = statement.where(hub_subscription.c.owner == owner)
        with self._engine.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def find(self, listener_id: str) -> Document | None:
        """Return one listener with its delivery's state, or ``None``."""
        found = self._shown(hub_subscription.c.id == listener_id)
        return found[0] if found else None

    def all(self, api: Api | None = None) -> list[Document]:
        """Return every listener, the oldest first, or those of one API."""
        return self._shown(sa.true() if api is None else hub_subscription.c.api == api.value)

    def _count(self, connection: sa.Connection) -> int:
        return connection.scalar(sa.select(sa.func.count()).select_from(hub_subscription)) or 0

    def _shown(self, condition: sa.ColumnElement[bool]) -> list[Document]:
        def count(state: str) -> sa.ColumnElement[int]:
            return sa.func.count().filter(delivery.c.state == state)

        waiting = delivery.c.state == "waiting"
        query = (
            sa.select(
                hub_subscription,
                count("waiting").label("waiting"),
                count("dead").label("dead"),
                sa.func.min(delivery.c.since).filter(waiting).label("waiting_since"),
            )
            .select_from(hub_subscription.outerjoin(delivery))
            .where(condition)
            .group_by(hub_subscription.c.id)
            .order_by(hub_subscription.c.created_at, hub_subscription.c.id)
        )
        with self._engine.connect() as connection:
            return [_document(row) for row in connection.execute(query)]


def _column(limit: frozenset[str] | None) -> list[str] | None:
    return None if limit is None else sorted(limit)


def _document(row: sa.Row[Any]) -> Document:
    return {
        "id": row.id,
        "api": row.api,
        "callback": row.callback,
        "query": row.query,
        "owner": row.owner,
        "signed": row.sealed_secret is not None,
        "createdDate": _moment(row.created_at),
        "delivery": {
            "state": _state(row),
            "delivered": row.delivered,
            "waiting": row.waiting,
            "waitingSince": _moment(row.waiting_since),
            "deadLetters": row.dead,
            "failuresInARow": row.failures,
            "nextAttempt": _moment(row.paused_until),
            "lastSuccess": _moment(row.last_success_at),
            "lastFailure": _moment(row.last_failure_at),
            "lastError": row.last_error,
        },
    }


def _state(row: sa.Row[Any]) -> str:
    if row.failures or (row.waiting and _failed_last(row)):
        return "failing"
    return "delivering" if row.waiting else "idle"


def _failed_last(row: sa.Row[Any]) -> bool:
    failed, succeeded = row.last_failure_at, row.last_success_at
    return failed is not None and (succeeded is None or failed > succeeded)


def _moment(value: Any) -> str | None:
    return None if value is None else value.isoformat()
