"""Orders as documents: rows of the database become what TMF652 answers."""

from collections.abc import Mapping
from typing import Any

from inventory.queries import allocations_of_sites
from rom.catalog.characteristics import typed_characteristics
from rom.catalog.errors import ExpressionError
from rom.catalog.loader import Catalog
from rom.catalog.planning import shown_resource
from rom.model.order import Item, Order
from rom.orders.render import ItemStatus, Note, OrderStatus, render_order
from rom.store import order_items, orders
from rom.store.database import Connection

API_PATH = "/tmf-api/resourceOrdering/v4"


class OrderDocuments:
    """Renders stored orders; ``base_url`` is the gateway's address without a path."""

    def __init__(self, catalog: Catalog, base_url: str) -> None:
        self._catalog = catalog
        self._base_url = f"{base_url}{API_PATH}"

    def render(self, connection: Connection, rows: list[Order]) -> list[dict[str, Any]]:
        """Return the TMF652 document of each order row, in their sequence."""
        ids = [row.id for row in rows]
        items: dict[str, list[Item]] = {}
        for item in order_items.items_of_orders(connection, ids):
            items.setdefault(item.order_id, []).append(item)
        notes: dict[tuple[str, str | None], list[Note]] = {}
        for row in orders.notes_of_orders(connection, ids):
            note = Note(str(row.id), row.text, row.author, row.date)
            notes.setdefault((row.order_id, row.item_id), []).append(note)
        sites = {item.site for group in items.values() for item in group}
        held = allocations_of_sites(connection, sites)
        return [
            render_order(
                row.document,
                OrderStatus(
                    id=row.id,
                    state=row.state,
                    order_date=row.created_at,
                    items={
                        item.item_id: ItemStatus(
                            item.state,
                            tuple(notes.get((row.id, item.item_id), ())),
                            self._resource(item, held[item.site]),
                        )
                        for item in items[row.id]
                    },
                    notes=tuple(notes.get((row.id, None), ())),
                    start_date=row.started_at,
                    completion_date=row.completed_at,
                    cancellation_date=row.cancelled_at,
                    cancellation_reason=row.cancellation_reason,
                ),
                self._base_url,
            )
            for row in rows
        ]

    def server_notes(self, connection: Connection, order_id: str) -> frozenset[str]:
        """Return the ids of the notes that the gateway itself has written on an order."""
        rows = orders.notes_of_orders(connection, [order_id])
        return frozenset(str(row.id) for row in rows)

    def _resource(self, item: Item, held: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """What was allocated for an item, laid over its resource; nothing before it is."""
        shown = self.shown(item, held)
        return {} if shown is None else {"value": shown}

    def shown(self, item: Item, held: Mapping[str, Mapping[str, Any]]) -> str | None:
        """Return what the allocation table shows for an item, ``None`` before it has anything."""
        spec = self._catalog.specification(item.specification, item.version)
        typed = typed_characteristics(spec, item.characteristics)
        try:
            return shown_resource(spec, typed, held)
        except ExpressionError:
            return None

    def resource_label(self, item: Item) -> str:
        """Return what kind of thing the item's resource is, such as ``VLAN ID``."""
        return self._catalog.specification(item.specification, item.version).resource_type.label

    def resource_category(self, item: Item) -> str:
        """Return ``Physical`` or ``Logical``."""
        return self._catalog.specification(item.specification, item.version).resource_type.category
