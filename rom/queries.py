"""Lists and single things for whoever shows them; every list is answered by PostgreSQL."""

from typing import Any
from uuid import UUID

from inventory import news
from inventory.condition_sql import bounded
from inventory.conditions import Comparison, Listing, Operator
from rom.documents.patching import PatchKind, patched
from rom.model.access import EVERYTHING, Scope
from rom.orders.cancel.document import document as cancellation_document
from rom.orders.documents import API_PATH, OrderDocuments
from rom.resources.changes import annotated
from rom.resources.documents import BASE_PATH, resource_document
from rom.store import annotations
from rom.store.database import Connection, Engine
from rom.store.order_query import find_cancellations, find_orders
from rom.store.resource_query import find_resources

Document = dict[str, Any]


class Queries:
    """What the API shows of orders and resources, and what it lets clients say of resources.

    Thread-safe. Lists raise ``ListingRefused`` for a pattern that is none and for what takes too
    long; ``within`` limits what is seen at all.
    """

    def __init__(self, engine: Engine, documents: OrderDocuments, base_url: str) -> None:
        self._engine = engine
        self._documents = documents
        self._orders = f"{base_url}{API_PATH}"
        self._resources = f"{base_url}{BASE_PATH}"

    def orders(self, asked: Listing, within: Scope = EVERYTHING) -> tuple[list[Document], int]:
        """Return a page of orders as TMF652 documents and how many match in all."""
        with self._engine.begin() as connection:
            with bounded(connection):
                rows, total = find_orders(connection, asked, within)
            return self._documents.render(connection, rows), total

    def cancellations(
        self, asked: Listing, within: Scope = EVERYTHING
    ) -> tuple[list[Document], int]:
        """Return a page of TMF652 CancelResourceOrders and how many match in all."""
        with self._engine.begin() as connection, bounded(connection):
            rows, total = find_cancellations(connection, asked, within)
        return [cancellation_document(row, self._orders) for row in rows], total

    def resources(self, asked: Listing, within: Scope = EVERYTHING) -> tuple[list[Document], int]:
        """Return a page of resources as TMF639 documents and how many match in all."""
        with self._engine.begin() as connection, bounded(connection):
            rows, total = find_resources(connection, asked, within)
        return [self._resource(row) for row in rows], total

    def resource(self, resource_id: str, within: Scope = EVERYTHING) -> Document | None:
        """Return one resource as a TMF639 document, or ``None``."""
        with self._engine.begin() as connection:
            row = _row(connection, resource_id, within)
        return None if row is None else self._resource(row)

    def change_resource(
        self, resource_id: str, kind: PatchKind, patch: object, within: Scope = EVERYTHING
    ) -> tuple[Document, Document] | None:
        """Patch what clients may say of a resource; return it before and after, or ``None``.

        Raises ``PatchRefused`` and ``ChangeRefused``; nothing is written then.
        """
        with self._engine.begin() as connection:
            # One at a time for a resource, also before it has anything to lock.
            annotations.lock(connection, resource_id)
            row = _row(connection, resource_id, within)
            if row is None:
                return None
            before = self._resource(row)
            said = annotated(row, before, patched(before, kind, patch))
            with news.of_resources(connection, [UUID(resource_id)]):
                annotations.keep(connection, resource_id, said)
        return before, self._resource(row | {"annotation": said})

    def _resource(self, row: Document) -> Document:
        return resource_document(row, f"{self._resources}/{row['resource_id']}")


def _row(connection: Connection, resource_id: str, within: Scope) -> Document | None:
    only = Comparison(("id",), Operator.EQ, (resource_id,))
    rows, _ = find_resources(connection, Listing(only, limit=1), within)
    return rows[0] if rows else None
