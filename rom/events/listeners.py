"""Hubs: who listens to which API's events, and how delivery to each of them stands."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import uuid4

from rom.events.callback import CallbackPolicy
from rom.events.query import parse_query
from rom.model.access import NOBODY, Owner, current_scope
from rom.model.deed import GATEWAY, Actor, DeedKind
from rom.model.errors import DuplicateListener, TooManyListeners
from rom.model.event import NewSubscription, SubscriptionStatus
from rom.model.event_types import Api
from rom.store import subscriptions
from rom.store.database import Engine
from rom.trail import trail
from rom.vault.vault import Vault

Document = dict[str, Any]


class Listeners:
    """The hubs' operations; safe in any thread."""

    def __init__(self, engine: Engine, vault: Vault, policy: CallbackPolicy, most: int) -> None:
        self._engine = engine
        self._vault = vault
        self._policy = policy
        self._most = most

    def subscribe(
        self,
        api: Api,
        callback: str,
        query: str,
        secret: str | None,
        owner: Owner = NOBODY,
        by: Actor = GATEWAY,
    ) -> Document:
        """Register a listener and return ``id``, ``callback`` and ``query``.

        It hears of no more than its ``owner``, whose request this is, may see at any time.

        Raises ``CallbackRefused``, ``BadQuery``, ``DuplicateListener`` and ``TooManyListeners``.
        The secret is kept sealed and shown to nobody again.
        """
        parse_query(api, query)
        target = self._policy.target(callback)
        asyncio.run(self._policy.address(target))
        new = NewSubscription(
            id=str(uuid4()),
            api=api,
            callback=callback,
            query=query,
            owner=owner.name,
            by_token=owner.by_token,
            scope=current_scope(),
            sealed_secret=None if secret is None else self._vault.seal(secret.encode()),
        )
        with self._engine.begin() as connection:
            if subscriptions.count(connection) >= self._most:
                message = f"there are {self._most} listeners already"
                raise TooManyListeners(message)
            same = subscriptions.add(connection, new)
            if same is not None:
                message = f"listener {same} has the same callback and query"
                raise DuplicateListener(message)
            trail.record(
                connection,
                by,
                DeedKind.LISTENER_REGISTERED,
                subject=new.id,
                details={
                    "api": str(api),
                    "callback": f"{target.scheme}://{target.authority}",
                    "query": query,
                    "signed": secret is not None,
                },
            )
        return {"id": new.id, "callback": callback, "query": query}

    def unsubscribe(
        self,
        listener_id: str,
        api: Api | None = None,
        owner: str | None = None,
        by: Actor = GATEWAY,
    ) -> bool:
        """Remove a listener, of this ``owner`` if given, with all that waits for it.

        Tells whether there was one.
        """
        with self._engine.begin() as connection:
            removed = subscriptions.remove(connection, listener_id, api, owner)
            if removed:
                trail.record(connection, by, DeedKind.LISTENER_REMOVED, subject=listener_id)
            return removed

    def find(self, listener_id: str) -> Document | None:
        """Return one listener with its delivery's state, or ``None``."""
        with self._engine.connect() as connection:
            found = subscriptions.status(connection, listener_id)
        return None if found is None else _document(found)

    def all(self, api: Api | None = None) -> list[Document]:
        """Return every listener, the oldest first, or those of one API."""
        with self._engine.connect() as connection:
            return [_document(each) for each in subscriptions.statuses(connection, api)]


def _document(status: SubscriptionStatus) -> Document:
    kept = status.subscription
    return {
        "id": kept.id,
        "api": kept.api.value,
        "callback": kept.callback,
        "query": kept.query,
        "owner": kept.owner,
        "signed": kept.sealed_secret is not None,
        "createdDate": kept.created_at.isoformat(),
        "delivery": {
            "state": status.state.value,
            "delivered": kept.delivered,
            "waiting": status.waiting,
            "waitingSince": _moment(status.waiting_since),
            "deadLetters": status.dead,
            "failuresInARow": kept.failures,
            "nextAttempt": _moment(kept.paused_until),
            "lastSuccess": _moment(kept.last_success_at),
            "lastFailure": _moment(kept.last_failure_at),
            "lastError": kept.last_error,
        },
    }


def _moment(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
