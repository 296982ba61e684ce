"""Intake: a posted order becomes one stored order, however often and at once it is posted."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from threading import BoundedSemaphore
from typing import Any

from inventory.reservation import lock_sites
from rom.catalog.loader import Catalog
from rom.fulfilment.transitions import Transitions
from rom.model.deed import GATEWAY, Actor, DeedKind
from rom.model.errors import UnknownOrder
from rom.model.order import NewOrder
from rom.orders.admission import admit
from rom.orders.documents import OrderDocuments
from rom.orders.parse import parse_order
from rom.orders.validate import judge
from rom.store import orders, posted
from rom.store.database import Connection, Engine
from rom.store.posted import BODY, KEY, Post
from rom.store.scope import known_sites
from rom.trail import trail

AT_ONCE = 6
"""Orders taken at once in a process. Repeated POSTs wait for the first with a connection each, and
the first may need another one: without room left in the pool all would wait for each other.
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """An order as it is answered, and whether this POST has made it."""

    document: dict[str, Any]
    is_new: bool


class Intake:
    """Takes new orders."""

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        documents: OrderDocuments,
        transitions: Transitions,
        wake: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._documents = documents
        self._transitions = transitions
        self._wake = wake
        self._room = BoundedSemaphore(AT_ONCE)

    def take(
        self,
        body: object,
        *,
        key: str | None = None,
        requester: str | None = None,
        by: Actor = GATEWAY,
    ) -> Taken:
        """Take an order, acknowledged, or return the first one that this POST repeats.

        ``key`` is the request's Idempotency-Key: the same with an equal body is a repetition, with
        another body it raises ``KeyReused``. Without one an equal body with the same external
        references repeats the order of the same requester within a day. Raises ``OrderRefused``
        naming the field, and ``OutOfScope``; nothing is written then.
        """
        parsed = parse_order(body)
        who = requester or parsed.requester or ""
        post = _post(parsed, key, who)
        with self._room, self._engine.begin() as connection:
            order_id = orders.new_id()
            earlier = None if post is None else posted.claim(connection, post, order_id)
            if earlier is not None:
                return Taken(self._document(connection, earlier), is_new=False)
            order = judge(parsed, self._catalog, partial(known_sites, connection))
            sites = sorted({item.site for item in order.items})
            lock_sites(connection, sites)  # two orders for one site are admitted one by one
            order = replace(admit(connection, self._catalog, order), requester=who)
            orders.insert_order(connection, order, order_id)
            trail.record(
                connection,
                by,
                DeedKind.ORDER_CREATED,
                sites=sites,
                order_id=order_id,
                details=_told(order, who),
            )
            document = self._transitions.created(connection, order_id)
        for site in sites:
            self._wake(site)
        return Taken(document, is_new=True)

    def _document(self, connection: Connection, order_id: str) -> dict[str, Any]:
        row = orders.find_order(connection, order_id)
        if row is None:
            raise UnknownOrder(order_id)
        return self._documents.render(connection, [row])[0]


def _told(order: NewOrder, requester: str) -> dict[str, Any]:
    return {
        "requester": requester,
        "items": len(order.items),
        "externalReferences": [each.name for each in order.external_references],
    }


def _post(order: NewOrder, key: str | None, requester: str) -> Post | None:
    """Return what tells this POST from others, ``None`` when every one is an order of its own."""
    body_hash = _hash(order)
    if key is not None:
        return Post(requester, KEY, key, body_hash)
    if order.external_references:
        return Post(requester, BODY, body_hash, body_hash)
    return None


def _hash(order: NewOrder) -> str:
    """Return the hash of the order in its one spelling; references count as a set."""
    references = [[each.type, each.name] for each in order.external_references]
    document = {
        **{name: value for name, value in order.document.items() if name != "externalReference"},
        "externalReference": references,
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode()).hexdigest()
