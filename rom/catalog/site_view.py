"""All that decisions about one site are made from, read in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from device_profiles.profile import Profile, load_profile
from inventory import queries
from inventory.model import Allocations, UnknownEntryError
from rom.catalog.characteristics import typed_characteristics, with_derived
from rom.catalog.context import inserting_device, site_context
from rom.catalog.errors import ContextError
from rom.catalog.loader import Catalog
from rom.catalog.specification import Point, Specification
from rom.model.order import Action, Item
from rom.model.order_states import CANCELLING_ITEM_STATES, COMMITTED, GIVING, ItemState
from rom.store import order_items, site_items
from rom.store.database import Connection


@dataclass(frozen=True)
class SiteView:
    """A site's items, allocations and records at one moment."""

    catalog: Catalog
    site: str
    open_items: tuple[Item, ...]
    completed: tuple[Item, ...]
    allocations: Allocations
    site_record: Mapping[str, Any]
    customer: Mapping[str, Any]
    network: Mapping[str, Any]
    boot_url: str
    inserting: Profile | None = None
    """The platform that inserts DHCP option 82 on the site's line, where it is known."""
    order_states: Mapping[tuple[str, str], ItemState] = field(default_factory=dict)
    """State of every item, whatever its site, of the orders that have open items here."""

    def specification(self, item: Item) -> Specification:
        """Return the item's specification in the version it was ordered."""
        return self.catalog.specification(item.specification, item.version)

    def typed(self, item: Item) -> dict[str, Any]:
        """Return the item's characteristics with the catalog's types."""
        return typed_characteristics(self.specification(item), item.characteristics)

    @cached_property
    def values(self) -> dict[str, dict[str, Any]]:
        """Characteristics and derived values of the site by key; the latest item of a key wins."""
        return {
            item.key: with_derived(self.specification(item), self.typed(item))
            for item in (*self.completed, *self.open_items)
            if item.action in (Action.ADD, Action.MODIFY) and item.step in GIVING
        }

    def context(self, device: Mapping[str, Any]) -> dict[str, Any]:
        """Return what templates see when they render for ``device``."""
        return site_context(
            self.site_record,
            self.customer,
            self.network,
            self.values,
            self.allocations,
            device,
            self.inserting,
        )

    def dependencies_met(self, item: Item) -> bool:
        """Tell whether all items it names in its order are completed, at whichever site."""
        return all(
            self.order_states[item.order_id, name] == ItemState.COMPLETED
            for name in item.depends_on
            if (item.order_id, name) in self.order_states
        )

    def precondition_met(self, item: Item, point: Point) -> bool:
        """Tell whether what must hold before ``point`` of the item holds."""
        return all(
            self._reached(key, precondition.reached)
            for precondition in self.specification(item).preconditions
            if precondition.before == point
            for key in precondition.needs
        )

    def _reached(self, key: str, how_far: str) -> bool:
        if any(item.key == key for item in self.completed):
            return True
        return how_far == "committed" and any(
            item.key == key and item.action != Action.DELETE and item.step in COMMITTED
            for item in self.open_items
        )


def load_view(
    connection: Connection, catalog: Catalog, site: str, boot_url: str, *, lock: bool = True
) -> SiteView:
    """Read the site's view and lock its open items until the transaction ends.

    Who has locked items before must not ``lock`` more: two could wait for each other.
    """
    record = queries.site_record(connection, site)
    open_items = tuple(
        item
        for item in site_items.open_items_of_site(connection, site, lock=lock)
        if item.state not in CANCELLING_ITEM_STATES  # their cancellation has them in hand
    )
    allocations = queries.site_allocations(connection, site)
    return SiteView(
        catalog=catalog,
        site=site,
        open_items=open_items,
        completed=tuple(site_items.completed_items_of_site(connection, site)),
        allocations=allocations,
        site_record=record.model_dump(include={"key", "name", "timezone"}),
        customer=queries.customer_record(connection, record.customer).model_dump(),
        network=queries.network_parameters(connection),
        boot_url=boot_url,
        inserting=_inserting(connection, allocations),
        order_states={
            (row.order_id, row.item_id): row.state
            for row in order_items.items_of_orders(
                connection, {item.order_id for item in open_items}
            )
        },
    )


def _inserting(connection: Connection, allocations: Allocations) -> Profile | None:
    """Return the inserting platform, ``None`` where the context has to tell what is wrong."""
    try:
        device = inserting_device(allocations)
        if device is None:
            return None
        return load_profile(queries.device_record(connection, device).profile)
    except (ContextError, UnknownEntryError):
        return None
