"""Giving back what rolled-back orders had: resources, items, and word of both.

Order items keep their final states, because final is final; a note says that their effect is gone.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from inventory import holding
from inventory.listing import list_resources
from inventory.records import Holder, ResourceFilter, ResourceRecord
from rom.catalog.characteristics import typed_characteristics
from rom.catalog.loader import Catalog
from rom.catalog.planning import resource_requests
from rom.events.resources import caused_by
from rom.rollback import standing
from rom.store import orders
from rom.store.order_tables import cancel_task
from rom.store.tables import order_item, rollback_task

UNTIL_CLEANED = "until cleaned"
BY_POOL = "by pool"
_MOST = 10_000


class GiveBack:
    """Gives back within the caller's transaction."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def reserve(self, connection: sa.Connection, site: str, order_ids: list[str]) -> None:
        """Hold what the earlier items need more of; raises ``ResourceExhausted``."""
        held = _shares(connection, site)
        wanted = self._amounts(standing.earlier_items(connection, site, order_ids))
        for name, amount in wanted.items():
            if amount > held.get(name, amount):
                holding.adjust(connection, site, name, amount)

    def release(
        self, connection: sa.Connection, row: sa.Row[Any], *, indefinitely: bool
    ) -> list[dict[str, Any]]:
        """Release what the task's orders had reserved, and note their items; inventory tells of it.

        Things rest in their pool's quarantine, or without end where a device may still use them;
        shares of quantities stay with the site then. What an earlier rollback of the site had to
        leave without end rests from now on as its pool says, once all is clean.
        """
        site, order_ids = row.site, list(row.target["orders"])
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
                _set_in_force(connection, item)
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

    def _hold_what_stands(self, connection: sa.Connection, site: str) -> None:
        """Hold of each quantity what the items in force need, no more."""
        held = _shares(connection, site)
        for name, amount in self._amounts(standing.items_in_force(connection, site)).items():
            if held.get(name, amount) != amount:
                holding.adjust(connection, site, name, amount)

    def _amounts(self, items: Iterable[sa.Row[Any]]) -> dict[str, int]:
        found: dict[str, int] = {}
        for item in items:
            spec = self._catalog.specification(item.specification, item.version)
            typed = typed_characteristics(spec, item.characteristics)
            for request in resource_requests(spec, item.site, typed):
                if request.amount is not None:
                    found[request.name] = request.amount
        return found


def _shares(connection: sa.Connection, site: str) -> dict[str, int]:
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


def _end_of_waiting(connection: sa.Connection, site: str) -> None:
    """Nothing of the site is anywhere any more: what was left there before need not wait."""
    earlier = connection.scalars(
        sa.select(rollback_task.c.result).where(
            rollback_task.c.site == site,
            rollback_task.c.result["quarantine"].astext == UNTIL_CLEANED,
        )
    )
    left = [each["resource"] for result in earlier for each in result["released"]]
    here = cancel_task.c.sites[site]
    cancelled = connection.scalars(sa.select(here["resting"]).where(here.has_key("resting")))
    left += [each for resting in cancelled for each in resting]
    holding.limit_quarantine(connection, left, datetime.now(UTC))


def _resources(
    connection: sa.Connection, site: str, order_ids: list[str]
) -> dict[str, ResourceRecord]:
    return {
        row.resource_id: row
        for order_id in order_ids
        for row in list_resources(
            connection, ResourceFilter(site=site, order_id=order_id), limit=_MOST
        ).rows
    }


def _note_items(connection: sa.Connection, row: sa.Row[Any], order_id: str) -> None:
    items = connection.execute(
        sa.update(order_item)
        .where(
            order_item.c.order_id == order_id,
            order_item.c.site == row.site,
            order_item.c.in_force,
        )
        .values(in_force=False)
        .returning(order_item.c.item_id)
    ).all()
    words = [f"ROLLED_BACK: by {row.id}", row.reason, row.ticket and f"ticket {row.ticket}"]
    for item in items:
        orders.add_note(connection, order_id, item.item_id, ", ".join(filter(None, words)))


def _set_in_force(connection: sa.Connection, item: sa.Row[Any]) -> None:
    connection.execute(
        sa.update(order_item)
        .where(order_item.c.order_id == item.order_id, order_item.c.item_id == item.item_id)
        .values(in_force=True)
    )
