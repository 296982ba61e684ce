"""Reports: what an order got, what went to which device, and what was measured."""

from typing import Any

from inventory.queries import site_allocations
from rom.model.verdict import VerdictKind
from rom.orders.documents import OrderDocuments
from rom.store import changes, intents, order_items, orders, transactions, verdicts
from rom.store.database import Connection


class Reports:
    """Puts an order's story together from the tables."""

    def __init__(self, documents: OrderDocuments) -> None:
        self._documents = documents

    def report(self, connection: Connection, order_id: str) -> dict[str, Any] | None:
        """Return the report of an order, ``None`` when there is no such order."""
        row = orders.find_order(connection, order_id)
        if row is None:
            return None
        return {
            "order": self._documents.render(connection, [row])[0],
            "allocations": self._allocations(connection, order_id),
            "transactions": _transactions(connection, order_id),
            "unchanged": changes.unchanged_devices(connection, order_id),
            "measurements": [
                {**found.evidence, "item": found.item_id}
                for found in verdicts.of_order(connection, order_id, VerdictKind.TWAMP)
            ],
            "steps": [
                {
                    "item": entry.item_id,
                    "step": entry.step,
                    "state": entry.state,
                    "time": entry.time.isoformat(),
                    "note": entry.note,
                }
                for entry in order_items.steps_of_order(connection, order_id)
            ],
        }

    def _allocations(self, connection: Connection, order_id: str) -> list[dict[str, Any]]:
        items = order_items.items_of_orders(connection, [order_id])
        held = {item.site: site_allocations(connection, item.site) for item in items}
        return [
            {
                "item": item.item_id,
                "specification": item.specification,
                "resource": self._documents.resource_label(item),
                "type": self._documents.resource_category(item),
                "value": self._documents.shown(item, held[item.site]),
                "site": item.site,
            }
            for item in items
        ]


def _transactions(connection: Connection, order_id: str) -> list[dict[str, Any]]:
    roles = intents.roles(connection)
    return [
        {
            "id": each.id,
            "device": each.device,
            "role": roles.get(each.device, ""),
            "state": each.state,
            "sites": list(each.sites),
            "edits": each.edits,
            "sent": each.sent,
            "error": each.error,
            "seconds": (each.finished_at - each.started_at).total_seconds()
            if each.finished_at
            else None,
        }
        for each in transactions.of_order(connection, order_id)
    ]
