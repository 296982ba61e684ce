"""Orders: taken, shown, changed, cancelled, decided upon, and what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inventory.condition_sql import bounded
from inventory.conditions import Listing
from inventory.queries import site_allocations
from rom.answers.orders import (
    AllocationLine,
    BackOutLine,
    Document,
    OrderReport,
    StepLine,
    TransactionLine,
)
from rom.documents.patching import PatchKind
from rom.gateway.seam import reserving, searching
from rom.model.access import EVERYTHING, Scope
from rom.model.deed import Actor
from rom.model.errors import UnknownCancellation, UnknownOrder
from rom.model.order import Item
from rom.model.verdict import Verdict, VerdictKind
from rom.orders.cancel.cancellation import Cancellations
from rom.orders.cancel.document import document as cancellation_document
from rom.orders.documents import API_PATH, OrderDocuments
from rom.orders.fallout import Decision, Fallout
from rom.orders.intake import Intake, Taken
from rom.orders.patch.amendment import Amendments
from rom.store import change_list, intents, order_items, orders, transactions, verdicts
from rom.store.database import Connection, Engine
from rom.store.order_query import UNSEARCHABLE, find_cancellations, find_orders

__all__ = ["CANCEL_UNSEARCHABLE", "UNSEARCHABLE", "Decision", "Orders", "PatchKind", "Taken"]

CANCEL_UNSEARCHABLE = (("href",), ("resourceOrder", "href"))
_KEEPS = "The order keeps what it had; ask for less, or add to the named pool"


@dataclass(frozen=True)
class Orders:
    """What is done with orders. Thread-safe; methods block.

    Errors are those of ``rom.model.errors``; when one is raised, nothing has been written.
    """

    engine: Engine
    documents: OrderDocuments
    intake: Intake
    amendments: Amendments
    cancellations: Cancellations
    fallout: Fallout
    base_url: str

    def take(
        self,
        body: object,
        *,
        by: Actor,
        key: str | None = None,
        requester: str | None = None,
    ) -> Taken:
        """Take an order, or return the one that this POST repeats.

        Raises ``OrderRefused``, ``OutOfScope`` and ``KeyReused``.
        """
        return self.intake.take(body, key=key, requester=requester, by=by)

    def find(self, order_id: str) -> Document:
        """Return an order as TMF652 has it; raises ``UnknownOrder``."""
        with self.engine.connect() as connection:
            row = orders.find_order(connection, order_id)
            if row is None:
                raise UnknownOrder(order_id)
            return self.documents.render(connection, [row])[0]

    def page(self, asked: Listing, within: Scope = EVERYTHING) -> tuple[list[Document], int]:
        """Return a page of orders and how many match in all; raises ``SearchRefused``."""
        with searching(), self.engine.begin() as connection:
            with bounded(connection):
                rows, total = find_orders(connection, asked, within)
            return self.documents.render(connection, rows), total

    def patch(
        self, order_id: str, kind: PatchKind, patch: object, requester: str = "", *, by: Actor
    ) -> Document:
        """Change an order and return it.

        Raises ``UnknownOrder``, ``OrderRefused``, ``PatchRefused`` and any ``Conflict``.
        """
        with reserving("orderItem", _KEEPS):
            return self.amendments.patch(order_id, kind, patch, requester, by)

    def delete(self, order_id: str, *, by: Actor) -> None:
        """Delete a final order; raises ``UnknownOrder`` and ``NotPossible``."""
        self.amendments.delete(order_id, by)

    def cancel(self, body: object, requester: str = "", *, by: Actor) -> Document:
        """Take a CancelResourceOrder and return it.

        Raises ``OrderRefused``, ``UnknownOrder`` and ``CancelImpossible``.
        """
        return self.cancellations.request(body, requester, by)

    def find_cancellation(self, task_id: str) -> Document:
        """Return a CancelResourceOrder; raises ``UnknownCancellation``."""
        found = self.cancellations.find(task_id)
        if found is None:
            raise UnknownCancellation(task_id)
        return found

    def cancellations_page(
        self, asked: Listing, within: Scope = EVERYTHING
    ) -> tuple[list[Document], int]:
        """Return a page of CancelResourceOrders and how many match in all."""
        with searching(), self.engine.begin() as connection, bounded(connection):
            rows, total = find_cancellations(connection, asked, within)
        base = f"{self.base_url}{API_PATH}"
        return [cancellation_document(row, base) for row in rows], total

    def retry(self, order_id: str, decision: Decision, item_id: str | None = None) -> Document:
        """Set what is held of an order going again, or one item; return the order."""
        return self.fallout.retry(order_id, decision, item_id)

    def complete(self, order_id: str, item_id: str, decision: Decision) -> Document:
        """Complete a held item that is on its devices; return the order."""
        return self.fallout.complete(order_id, item_id, decision)

    def cancel_item(self, order_id: str, item_id: str, decision: Decision) -> Document:
        """Cancel a held item and take back what it has got; return the cancellation."""
        return self.fallout.cancel(order_id, item_id, decision)

    def give_up(self, order_id: str, device: str, decision: Decision) -> Document:
        """Let the order's cancellation go on without a device; return the cancellation."""
        return self.fallout.give_up(order_id, device, decision)

    def report(self, order_id: str) -> OrderReport:
        """Return what an order got, sent and measured; raises ``UnknownOrder``."""
        with self.engine.connect() as connection:
            row = orders.find_order(connection, order_id)
            if row is None:
                raise UnknownOrder(order_id)
            went_back = verdicts.of_order(connection, order_id, VerdictKind.ROLLBACK)
            measured = verdicts.of_order(connection, order_id, VerdictKind.TWAMP)
            return OrderReport(
                order=self.documents.render(connection, [row])[0],
                allocations=self._allocations(connection, order_id),
                transactions=_transactions(connection, order_id),
                unchanged=tuple(change_list.unchanged_devices(connection, order_id)),
                measurements=tuple(_measurement(found) for found in measured),
                back_outs=tuple(_back_out(found) for found in went_back),
                steps=_steps(connection, order_id),
            )

    def _allocations(self, connection: Connection, order_id: str) -> tuple[AllocationLine, ...]:
        items = order_items.items_of_orders(connection, [order_id])
        held = {item.site: site_allocations(connection, item.site) for item in items}
        return tuple(self._allocation(item, held[item.site]) for item in items)

    def _allocation(self, item: Item, held: Mapping[str, Mapping[str, Any]]) -> AllocationLine:
        return AllocationLine(
            item=item.item_id,
            specification=item.specification,
            resource=self.documents.resource_label(item),
            type=self.documents.resource_category(item),
            value=self.documents.shown(item, held),
            site=item.site,
        )


def _transactions(connection: Connection, order_id: str) -> tuple[TransactionLine, ...]:
    roles = intents.roles(connection)
    return tuple(
        TransactionLine(
            id=each.id,
            device=each.device,
            role=roles.get(each.device, ""),
            state=each.state,
            sites=tuple(each.sites),
            edits=each.edits,
            sent=each.sent,
            error=each.error,
            seconds=(each.finished_at - each.started_at).total_seconds()
            if each.finished_at
            else None,
        )
        for each in transactions.of_order(connection, order_id)
    )


def _measurement(found: Verdict) -> dict[str, Any]:
    return {**found.evidence, "item": found.item_id}


def _back_out(found: Verdict) -> BackOutLine:
    return BackOutLine.model_validate(
        {**found.evidence, "item": found.item_id, "time": found.time.isoformat()}
    )


def _steps(connection: Connection, order_id: str) -> tuple[StepLine, ...]:
    return tuple(
        StepLine(
            item=entry.item_id,
            step=entry.step,
            state=entry.state,
            time=entry.time.isoformat(),
            note=entry.note,
        )
        for entry in order_items.steps_of_order(connection, order_id)
    )
