"""Fallout: what people do about items that are held. Nothing here talks to the network."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from rom.catalog.loader import Catalog
from rom.catalog.site_view import load_view
from rom.fulfilment.completing import complete
from rom.fulfilment.transitions import Transitions
from rom.model.change import Change, ChangeState
from rom.model.deed import GATEWAY, Actor, DeedKind
from rom.model.errors import NotPossible, UnknownItem, UnknownOrder
from rom.model.order import Item, Order
from rom.model.order_states import COMMITTED, FINAL_ITEM_STATES, ItemState
from rom.model.reason import Reason
from rom.model.verdict import Outcome, VerdictKind
from rom.orders.cancel.cancellation import Cancellations
from rom.orders.cancel.giving_up import give_up, wanted_of
from rom.orders.documents import OrderDocuments
from rom.store import cancellations, change_list, changes, order_items, orders, verdicts
from rom.store.database import Connection, Engine
from rom.trail import trail


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decided, and why."""

    reason: str = ""
    requester: str = ""
    by: Actor = GATEWAY

    @property
    def words(self) -> str:
        """The decision as a note has it after its code."""
        by = f"by {self.requester}" if self.requester else "by hand"
        return f"{by}: {self.reason}" if self.reason else by


class Fallout:
    """Retries, completes and cancels held items."""

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        documents: OrderDocuments,
        transitions: Transitions,
        cancellations: Cancellations,
        wake_site: Callable[[str], None],
        wake_device: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._documents = documents
        self._transitions = transitions
        self._cancellations = cancellations
        self._wake_site = wake_site
        self._wake_device = wake_device

    def retry(
        self, order_id: str, decision: Decision, item_id: str | None = None
    ) -> dict[str, Any]:
        """Set all held items of an order going again, or one; a stuck cancellation as well.

        Returns the order. Raises ``UnknownOrder`` and ``NotPossible`` when nothing is held.
        """
        with self._engine.begin() as connection:
            row = _locked(connection, order_id)
            items = _items(connection, order_id, item_id)
            devices = self.set_going(connection, items, decision)
            task = cancellations.open_of_order(connection, order_id)
            if task is not None:
                devices |= _send_again(connection, wanted_of(connection, task))
            if not devices and not any(_is_held(item) for item in items):
                raise NotPossible(
                    "notHeld",
                    f"nothing of order {order_id} is held"
                    if item_id is None
                    else f"item {item_id} of order {order_id} is {items[0].state}, not held",
                    "Retry what is held; everything else goes on by itself",
                )
            held = [item for item in items if _is_held(item)]
            _record(connection, DeedKind.ORDER_RETRIED, decision, order_id, held or items)
            document = self._documents.render(connection, [_reread(connection, row.id)])[0]
        for device in sorted(devices):
            self._wake_device(device)
        for site in sorted({item.site for item in items}):
            self._wake_site(site)
        return document

    def set_going(
        self, connection: Connection, items: Sequence[Item], decision: Decision
    ) -> set[str]:
        """Take the held ones among locked items back to work; returns devices that have some."""
        devices: set[str] = set()
        for item in items:
            if not _is_held(item):
                continue
            devices |= _send_again(
                connection, change_list.of_item(connection, item.order_id, item.item_id)
            )
            self._transitions.move(
                connection,
                item,
                ItemState.IN_PROGRESS,
                note=f"{Reason.RETRIED}: {decision.words}",
                attempts=0,
            )
        return devices

    def complete(self, order_id: str, item_id: str, decision: Decision) -> dict[str, Any]:
        """Complete a held item whose configuration is on its devices: a person vouches for it.

        Returns the order. Raises ``UnknownOrder`` and ``NotPossible``.
        """
        with self._engine.begin() as connection:
            row = _locked(connection, order_id)
            (item,) = _items(connection, order_id, item_id)
            _refuse_unless_held(item)
            if item.step not in COMMITTED:
                raise NotPossible(
                    "notConfigured",
                    f"item {item_id} of order {order_id} is not on its devices yet",
                    "Retry it, or cancel it; only what is configured can be vouched for",
                )
            verdicts.keep(
                connection,
                order_id=order_id,
                item_id=item_id,
                site=item.site,
                kind=VerdictKind.MANUAL,
                result=Outcome.INDETERMINATE,
                evidence={"reason": decision.reason, "requester": decision.requester},
            )
            view = load_view(connection, self._catalog, item.site, "", lock=False)
            note = f"{Reason.COMPLETED_BY_HAND}: {decision.words}"
            complete(connection, self._transitions, view, item, note=note)
            _record(connection, DeedKind.ITEM_COMPLETED, decision, order_id, [item])
            document = self._documents.render(connection, [_reread(connection, row.id)])[0]
        self._wake_site(item.site)
        return document

    def cancel(self, order_id: str, item_id: str, decision: Decision) -> dict[str, Any]:
        """Cancel a held item and take back what it has got; returns the task.

        Raises ``UnknownOrder``, ``CancelImpossible``, and ``NotPossible`` for an item that is not
        held or that others of its order need.
        """
        with self._engine.begin() as connection:
            row = _locked(connection, order_id)
            task = self.cancel_items(connection, row, [item_id], decision)
            (item,) = _items(connection, order_id, item_id)
        self._wake_site(item.site)
        return task

    def give_up(self, order_id: str, device: str, decision: Decision) -> dict[str, Any]:
        """Let the order's cancellation go on without a device that it is stuck at.

        Returns the task; what the order had then rests without end. Raises ``UnknownOrder`` and
        ``NotPossible``.
        """
        with self._engine.begin() as connection:
            task = cancellations.open_of_order(connection, order_id, lock=True)
            _locked(connection, order_id)
            if task is None:
                raise NotPossible(
                    "notCancelling",
                    f"order {order_id} has no open cancellation",
                    "Only a cancellation can go on without a device",
                )
            sites = give_up(connection, task, device, decision.words)
            if not sites:
                raise NotPossible(
                    "notStuck",
                    f"cancellation {task.id} is not stuck at {device}",
                    "Read the task's notes; what is under way is waited for",
                )
            trail.record(
                connection,
                decision.by,
                DeedKind.DEVICE_GIVEN_UP,
                sites=sites,
                devices=[device],
                order_id=order_id,
                subject=task.id,
                reason=decision.reason,
                details={"requester": decision.requester},
            )
            shown = self._cancellations.shown(connection, task.id)
        for site in sites:
            self._wake_site(site)
        return shown

    def cancel_items(
        self,
        connection: Connection,
        row: Order,
        item_ids: Collection[str],
        decision: Decision,
    ) -> dict[str, Any]:
        """Write a task that cancels held items of a locked order; raises as ``cancel`` does."""
        items = _items(connection, row.id, None)
        chosen = [item for item in items if item.item_id in item_ids]
        if missing := set(item_ids) - {item.item_id for item in chosen}:
            raise UnknownItem(sorted(missing)[0])
        for item in chosen:
            _refuse_unless_held(item)
            needed_by = self._needed_by(item, [each for each in items if each not in chosen])
            if needed_by:
                raise NotPossible(
                    "itemNeeded",
                    f"item {item.item_id} is needed by {', '.join(needed_by)}",
                    "Cancel those first, or the whole order",
                )
        return self._cancellations.open_task(
            connection,
            row,
            document={"cancellationReason": decision.reason} if decision.reason else {},
            items=sorted(item_ids),
            requester=decision.requester,
            by=decision.by,
        )

    def _needed_by(self, item: Item, others: Sequence[Item]) -> list[str]:
        found = []
        for other in others:
            if other.state in FINAL_ITEM_STATES - {ItemState.COMPLETED} or not other.in_force:
                continue
            spec = self._catalog.specification(other.specification, other.version)
            needs = spec.needed_keys
            waits = other.state != ItemState.COMPLETED and item.item_id in other.depends_on
            if waits or (other.site == item.site and item.key in needs):
                found.append(other.item_id)
        return found


def _record(
    connection: Connection,
    kind: DeedKind,
    decision: Decision,
    order_id: str,
    items: Sequence[Item],
) -> None:
    trail.record(
        connection,
        decision.by,
        kind,
        sites={item.site for item in items},
        order_id=order_id,
        reason=decision.reason,
        details={
            "requester": decision.requester,
            "items": sorted(item.item_id for item in items),
        },
    )


def _locked(connection: Connection, order_id: str) -> Order:
    row = orders.lock_order(connection, order_id)
    if row is None:
        raise UnknownOrder(order_id)
    return row


def _reread(connection: Connection, order_id: str) -> Order:
    row = orders.find_order(connection, order_id)
    if row is None:
        raise UnknownOrder(order_id)
    return row


def _items(connection: Connection, order_id: str, item_id: str | None) -> list[Item]:
    found = [
        item
        for item in order_items.items_of_orders(connection, [order_id])
        if item_id is None or item.item_id == item_id
    ]
    if not found:
        raise UnknownItem(item_id or "any")
    return found


def _is_held(item: Item) -> bool:
    return item.state is ItemState.HELD


def _refuse_unless_held(item: Item) -> None:
    if not _is_held(item):
        raise NotPossible(
            "notHeld",
            f"item {item.item_id} of order {item.order_id} is {item.state}, not held",
            "Only what is held is for people to decide",
        )


def _send_again(connection: Connection, rows: Sequence[Change]) -> set[str]:
    """Let refused changes, and those that wait out a pause, be tried now."""
    again = [
        row
        for row in rows
        if row.state is ChangeState.REFUSED or (row.state is ChangeState.WAITING and row.due_at)
    ]
    changes.again(connection, again)
    return {row.device for row in again}
