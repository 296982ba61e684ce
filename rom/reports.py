"""Reports: what an order got, what went to which device, and what was measured."""

from typing import Any

import sqlalchemy as sa

from inventory.queries import site_allocations
from rom.fulfilment.documents import OrderDocuments
from rom.store import orders
from rom.store.tables import change, device_txn, effect, site_intent, step_log, txn_site, verdict


class Reports:
    """Puts an order's story together from the tables."""

    def __init__(self, documents: OrderDocuments) -> None:
        self._documents = documents

    def report(self, connection: sa.Connection, order_id: str) -> dict[str, Any] | None:
        """Return the report of an order, ``None`` when there is no such order."""
        row = orders.find_order(connection, order_id)
        if row is None:
            return None
        return {
            "order": self._documents.render(connection, [row])[0],
            "allocations": self._allocations(connection, order_id),
            "transactions": _transactions(connection, order_id),
            "unchanged": _unchanged(connection, order_id),
            "measurements": [
                {**found.evidence, "item": found.item_id}
                for found in connection.execute(
                    sa.select(verdict)
                    .where(verdict.c.order_id == order_id, verdict.c.kind == "twamp")
                    .order_by(verdict.c.id)
                )
            ],
            "steps": [
                {
                    "item": entry.item_id,
                    "step": entry.step,
                    "state": entry.state,
                    "time": entry.time.isoformat(),
                    "note": entry.note,
                }
                for entry in connection.execute(
                    sa.select(step_log)
                    .where(step_log.c.order_id == order_id)
                    .order_by(step_log.c.id)
                )
            ],
        }

    def _allocations(self, connection: sa.Connection, order_id: str) -> list[dict[str, Any]]:
        items = orders.items_of_orders(connection, [order_id])
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


def _transactions(connection: sa.Connection, order_id: str) -> list[dict[str, Any]]:
    edits = (
        sa.select(effect.c.txn, sa.func.count().label("edits")).group_by(effect.c.txn).subquery()
    )
    mine = sa.select(txn_site.c.txn).where(txn_site.c.order_id == order_id)
    roles = {
        row.device: row.role
        for row in connection.execute(
            sa.select(site_intent.c.device, sa.func.min(site_intent.c.role).label("role")).group_by(
                site_intent.c.device
            )
        )
    }
    rows = connection.execute(
        sa.select(
            device_txn,
            sa.func.coalesce(edits.c.edits, 0).label("edits"),
            sa.select(sa.func.array_agg(txn_site.c.site))
            .where(txn_site.c.txn == device_txn.c.id)
            .scalar_subquery()
            .label("sites"),
        )
        .outerjoin(edits, edits.c.txn == device_txn.c.id)
        .where(device_txn.c.id.in_(mine))
        .order_by(device_txn.c.started_at)
    )
    return [
        {
            "id": row.id,
            "device": row.device,
            "role": roles.get(row.device, ""),
            "state": row.state,
            "sites": sorted(row.sites or []),
            "edits": row.edits,
            "sent": row.sent,
            "error": row.error,
            "seconds": (row.finished_at - row.started_at).total_seconds()
            if row.finished_at
            else None,
        }
        for row in rows
    ]


def _unchanged(connection: sa.Connection, order_id: str) -> list[str]:
    """Return the devices that held what the order wants already, so that nothing was sent."""
    return sorted(
        connection.scalars(
            sa.select(change.c.device)
            .where(change.c.order_id == order_id, change.c.state == "done")
            .where(change.c.transaction.is_(None))
            .distinct()
        )
    )
