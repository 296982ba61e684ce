"""Giving back what rolled-back orders had: resources, items, and word of both.

Order items keep their final states, because final is final; a note says that their effect is gone.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from inventory import holding
from inventory.listing import list_resources
from inventory.records import Holder, ResourceFilter, ResourceRecord
from rom.catalog.characteristics import typed_characteristics
from rom.catalog.loader import Catalog
from rom.catalog.planning import resource_requests
from rom.events.resources import caused_by
from rom.model.order import Item
from rom.model.task import RollbackTask
from rom.store import cancellations, order_items, orders, rollbacks, site_items
from rom.store.database import Connection
from rom.undo import standing

_MOST = 10_000


class GiveBack:
    """Gives back within the caller's transaction."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def reserve(self, connection: Connection, site: str, order_ids: list[str]) -> None:
        """Hold what the earlier items need more of; raises ``ResourceExhausted``."""
        held = _shares(connection, site)
        wanted = self._amounts(standing.earlier_items(connection, site, order_ids))
        for name, amount in wanted.items():
            if amount > held.get(name, amount):
                holding.adjust(connection, site, name, amount)

    def release(
        self, connection: Connection, row: RollbackTask, *, indefinitely: bool
    ) -> list[dict[str, Any]]:
        """Release what the task's orders had reserved, and note their items; inventory tells of it.

        Things rest in their pool's quarantine, or without end where a device may still use them;
        shares of quantities stay with the site then. What an earlier rollback of the site had to
        leave without end rests from now on as its pool says, once all is clean.
        """
        site, order_ids = row.site, list(row.orders)
        before = _resources(connection, site, order_ids)
        things = {
            held.name
            for each in before.values()
            for held in _held_by(each, site)
            if each.amount is None
        }
        earlier = standing.earlier_items(connection, site, order_ids)
        with caused_by(row.id):
            for order_id in order_ids:
                holding.release(
                    connection,
                    site,
                    now=datetime.now(UTC),
                    order_id=order_id,
                    names=things if indefinitely else None,
                    indefinitely=indefinitely,
                )
            for order_id in order_ids:
                _note_items(connection, row, order_id)
            for item in earlier:
                order_items.reinstate(connection, item)
            if not indefinitely:
                self._hold_what_stands(connection, site)
                _end_of_waiting(connection, site)
        return [
            {
                "name": held.name,
                "pool": found.pool,
                "value": found.value,
                "resource": found.resource_id,
            }
            for found in before.values()
            for held in _held_by(found, site)
            if held.name in things or not indefinitely
        ]

    def _hold_what_stands(self, connection: Connection, site: str) -> None:
        """Hold of each quantity what the items in force need, no more."""
        held = _shares(connection, site)
        for name, amount in self._amounts(site_items.items_in_force(connection, site)).items():
            if held.get(name, amount) != amount:
                holding.adjust(connection, site, name, amount)

    def _amounts(self, items: Iterable[Item]) -> dict[str, int]:
        found: dict[str, int] = {}
        for item in items:
            spec = self._catalog.specification(item.specification, item.version)
            typed = typed_characteristics(spec, item.characteristics)
            for request in resource_requests(spec, item.site, typed):
                if request.amount is not None:
                    found[request.name] = request.amount
        return found


def _shares(connection: Connection, site: str) -> dict[str, int]:
    """Return the quantities a site holds a share of, by name."""
    found = list_resources(connection, ResourceFilter(site=site), limit=_MOST).rows
    return {
        held.name: row.amount
        for row in found
        if row.amount is not None
        for held in _held_by(row, site)
    }


def _held_by(found: ResourceRecord, site: str) -> list[Holder]:
    return [held for held in found.holders if held.site == site]


def _end_of_waiting(connection: Connection, site: str) -> None:
    """Nothing of the site is anywhere any more: what was left there before need not wait."""
    left = rollbacks.resting(connection, site) + cancellations.resting(connection, site)
    holding.limit_quarantine(connection, left, datetime.now(UTC))


def _resources(
    connection: Connection, site: str, order_ids: list[str]
) -> dict[str, ResourceRecord]:
    return {
        row.resource_id: row
        for order_id in order_ids
        for row in list_resources(
            connection, ResourceFilter(site=site, order_id=order_id), limit=_MOST
        ).rows
    }


def _note_items(connection: Connection, row: RollbackTask, order_id: str) -> None:
    words = [f"ROLLED_BACK: by {row.id}", row.reason, row.ticket and f"ticket {row.ticket}"]
    for item_id in order_items.retire_order_at(connection, order_id, row.site):
        orders.add_note(connection, order_id, item_id, ", ".join(filter(None, words)))
