"""Amendment: a PATCH of an order, of its attributes at any time, of its items while nothing of
them has left. A patch is taken as a whole or not at all.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rom.documents.patching import PatchKind, patched
from rom.fulfilment.transitions import Transitions
from rom.model.deed import GATEWAY, Actor, DeedKind
from rom.model.errors import CancelImpossible, NotPossible, UnknownOrder
from rom.model.life import Life, State
from rom.model.order import Order
from rom.model.order_states import (
    CLIENT_ITEM_TRANSITIONS,
    CLIENT_ORDER_TRANSITIONS,
    FINAL_ORDER_STATES,
    ITEM_LIFE,
    ORDER_LIFE,
    ItemState,
    OrderState,
)
from rom.orders.cancel.cancellation import Cancellations
from rom.orders.documents import OrderDocuments
from rom.orders.fallout import Decision, Fallout
from rom.orders.patch.amended import Amended, read_amended
from rom.orders.patch.replanning import Replanner
from rom.store import order_items, orders, posted
from rom.store.database import Connection, Engine
from rom.trail import trail

_CANCELLING = frozenset({OrderState.ASSESSING_CANCELLATION, OrderState.PENDING_CANCELLATION})
_BEFORE_START = frozenset({"requestedStartDate", "orderType", "category"})


class Amendments:
    """Patches and deletes orders."""

    def __init__(
        self,
        engine: Engine,
        documents: OrderDocuments,
        transitions: Transitions,
        replanner: Replanner,
        cancellations: Cancellations,
        fallout: Fallout,
        wake_site: Callable[[str], None],
        wake_device: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._documents = documents
        self._transitions = transitions
        self._replanner = replanner
        self._cancellations = cancellations
        self._fallout = fallout
        self._wake_site = wake_site
        self._wake_device = wake_device

    def patch(
        self,
        order_id: str,
        kind: PatchKind,
        patch: object,
        requester: str = "",
        by: Actor = GATEWAY,
    ) -> dict[str, Any]:
        """Change an order as it is shown and return it.

        Raises ``UnknownOrder``, ``OrderRefused`` naming the field, ``PatchRefused``,
        ``IllegalTransition``, ``NotPossible``, ``CancelImpossible`` and ``ResourceExhausted``;
        then nothing has been written.
        """
        with self._engine.begin() as connection:
            row = orders.lock_order(connection, order_id)
            if row is None:
                raise UnknownOrder(order_id)
            shown = self._document(connection, row)
            stored = order_items.items_of_orders(connection, [order_id])
            amended = read_amended(
                row.document,
                shown,
                patched(shown, kind, patch),
                self._documents.server_notes(connection, row.id),
            )
            if amended.attributes or amended.items:
                _refuse_unless_open(row, amended)
                self._replanner.replan(connection, row, stored, amended)
                paths = amended.attributes | ({"orderItem"} if amended.items else set())
                self._transitions.changed(connection, order_id, paths)
            _record(connection, order_id, amended, by, {item.site for item in stored})
            decision = Decision("asked for by its state", requester, by)
            devices = self._take_states(connection, order_id, amended, decision)
            document = self._document(connection, row)
        for device in sorted(devices):
            self._wake_device(device)
        if amended.items or amended.state or amended.item_states:
            self._wake_all(order_id)
        return document

    def delete(self, order_id: str, by: Actor = GATEWAY) -> None:
        """Delete a final order: nobody is shown it any more.

        Its items stay on record, because they are what its sites have, and the ledger names it.
        Raises ``UnknownOrder`` and ``NotPossible``.
        """
        with self._engine.begin() as connection:
            row = orders.lock_order(connection, order_id)
            if row is None:
                raise UnknownOrder(order_id)
            if row.state not in FINAL_ORDER_STATES:
                raise NotPossible(
                    "orderOpen",
                    f"order {order_id} is {row.state}; only a final order can be deleted",
                    "Cancel it with POST cancelResourceOrder and delete it when it is final",
                )
            items = order_items.items_of_orders(connection, [order_id])
            sites = {item.site for item in items}
            trail.record(connection, by, DeedKind.ORDER_DELETED, sites=sites, order_id=order_id)
            self._transitions.deleted(connection, order_id)
            posted.forget(connection, order_id)
            orders.hide(connection, order_id)

    def _take_states(
        self, connection: Connection, order_id: str, amended: Amended, decision: Decision
    ) -> set[str]:
        """Do what the written states ask for; returns the devices that have work by it."""
        row = orders.lock_order(connection, order_id)
        if row is None:
            raise UnknownOrder(order_id)
        devices: set[str] = set()
        items = {item.item_id: item for item in order_items.items_of_orders(connection, [order_id])}
        for item_id in amended.item_states:
            old, new = items[item_id].state, amended.item_states[item_id]
            _check(ITEM_LIFE, CLIENT_ITEM_TRANSITIONS, old, new)
        if amended.state is not None:
            _check(ORDER_LIFE, CLIENT_ORDER_TRANSITIONS, row.state, amended.state)
        again = [
            items[item_id]
            for item_id, state in amended.item_states.items()
            if state == ItemState.IN_PROGRESS
        ]
        if amended.state == OrderState.IN_PROGRESS:
            again = list(items.values())
        devices |= self._fallout.set_going(connection, again, decision)
        gone = [
            item_id
            for item_id, state in amended.item_states.items()
            if state != ItemState.IN_PROGRESS
        ]
        if amended.state not in (None, OrderState.IN_PROGRESS):
            self._cancellations.open_task(
                connection, row, document={}, requester=decision.requester, by=decision.by
            )
        elif gone:
            self._fallout.cancel_items(connection, row, gone, decision)
        return devices

    def _document(self, connection: Connection, row: Order) -> dict[str, Any]:
        found = orders.find_order(connection, row.id)
        if found is None:
            raise UnknownOrder(row.id)
        return self._documents.render(connection, [found])[0]

    def _wake_all(self, order_id: str) -> None:
        with self._engine.connect() as connection:
            sites = {item.site for item in order_items.items_of_orders(connection, [order_id])}
        for site in sorted(sites):
            self._wake_site(site)


def _record(
    connection: Connection, order_id: str, amended: Amended, by: Actor, sites: set[str]
) -> None:
    changed = sorted(amended.attributes)
    states = {item: str(state) for item, state in amended.item_states.items()}
    if not (changed or amended.items or states or amended.state):
        return
    trail.record(
        connection,
        by,
        DeedKind.ORDER_AMENDED,
        sites=sites,
        order_id=order_id,
        details={
            "attributes": changed,
            "itemsChanged": amended.items,
            "itemStates": states,
            "state": None if amended.state is None else str(amended.state),
        },
    )


def _refuse_unless_open(row: Order, amended: Amended) -> None:
    if row.state in FINAL_ORDER_STATES:
        raise NotPossible(
            "orderFinal",
            f"order {row.id} is {row.state}, which is final",
            "Send a new order for what shall change",
        )
    if row.state in _CANCELLING:
        raise CancelImpossible(
            "cancellationOpen",
            f"order {row.id} is being cancelled",
            "Wait until its cancellation is done",
        )
    late = sorted(amended.attributes & _BEFORE_START)
    if late and row.state != OrderState.ACKNOWLEDGED:
        raise NotPossible(
            "orderStarted",
            f"{late[0]}: cannot be changed once order {row.id} has started",
            "Leave it out",
        )


def _check(
    life: Life[State], asked_for: Mapping[State, frozenset[State]], old: State, new: State
) -> None:
    """Refuse a state that the diagram does not draw, or that only the gateway may bring about."""
    life.check(old, new)
    if new not in asked_for.get(old, frozenset()):
        raise NotPossible(
            "gatewayOnly",
            f"state: only the gateway takes an {life.of} from {old} to {new}",
            "Ask for a retry (inProgress) of what is held, or for a cancellation",
        )
