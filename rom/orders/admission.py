"""Admission: what an order asks for against what its sites have, before anything is written."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from inventory import queries
from inventory.names import names_of_sites, refusals
from rom.catalog.characteristics import typed_characteristics, with_derived
from rom.catalog.errors import CharacteristicError
from rom.catalog.loader import Catalog
from rom.model.errors import OrderRefused
from rom.model.order import Action, Item, NewItem, NewOrder
from rom.model.order_states import ItemState
from rom.store import site_items
from rom.store.database import Connection

Live = Mapping[tuple[str, str], Item]
"""What sites have or are about to have, by site and key."""


def admit(
    connection: Connection,
    catalog: Catalog,
    order: NewOrder,
    *,
    existing: Collection[str] = (),
) -> NewOrder:
    """Return the order with what changes laid over what the sites have.

    ``existing`` items are admitted already; only their preconditions are looked at again.

    Raises ``OrderRefused`` for a name that a platform cannot take, an add of what is there, a
    change of what is not, a precondition that can never be met and a delete that something else
    still needs.
    """
    refuse_unfit_names(connection, order, existing)
    live = site_items.live_items(connection, {item.site for item in order.items})
    items = []
    for index, item in enumerate(order.items):
        if item.id not in existing:
            items.append(_admitted(connection, catalog, live, order, index))
            continue
        items.append(item)
        if item.action is Action.ADD:
            _refuse_what_can_never_be_met(catalog, live, order, index)
    return replace(order, items=tuple(items))


def refuse_unfit_names(connection: Connection, order: NewOrder, existing: Collection[str]) -> None:
    """Refuse to add to a site whose names some platform of the network cannot take."""
    new = {
        item.site: index
        for index, item in reversed(list(enumerate(order.items)))
        if item.action is Action.ADD and item.id not in existing
    }
    if not new:
        return
    platforms = {name for names in queries.profiles_by_role(connection).values() for name in names}
    for site, values in names_of_sites(connection, new).items():
        for found in refusals(platforms, values):
            raise OrderRefused(
                f"orderItem[{new[site]}].resource.place",
                f"{found.value} of site {site} {found.reason}",
                f"{found.mend}, and load the inventory with another name first",
            )


def _admitted(
    connection: Connection, catalog: Catalog, live: Live, order: NewOrder, index: int
) -> NewItem:
    item = order.items[index]
    present = live.get((item.site, item.key))
    if item.action is Action.ADD:
        _refuse_a_second_one(present, item, index)
        _refuse_what_can_never_be_met(catalog, live, order, index)
        return item
    if present is None or present.state is not ItemState.COMPLETED:
        state = "nothing of it" if present is None else f"one that is {present.state}"
        raise OrderRefused(
            f"orderItem[{index}].action",
            f"site {item.site} has {state}: {item.specification}",
            "name only what is completed, or send add",
        )
    if item.action is Action.DELETE:
        _refuse_what_is_needed(connection, catalog, order, index)
    if item.action in (Action.DELETE, Action.NO_CHANGE):
        return replace(
            item,
            characteristics=present.characteristics,
            specification_version=present.version,
        )
    return _laid_over(catalog, item, present, index)


def _laid_over(catalog: Catalog, item: NewItem, present: Item, index: int) -> NewItem:
    spec = catalog.specification(item.specification, item.specification_version)
    together = {**present.characteristics, **item.characteristics}
    try:
        typed = typed_characteristics(spec, together)
        with_derived(spec, typed)
    except CharacteristicError as error:
        raise OrderRefused(
            f"orderItem[{index}].resource.resourceCharacteristic[{error.name}]",
            error.problem,
            error.fix,
        ) from error
    return replace(item, characteristics=together, typed=typed)


def _refuse_a_second_one(earlier: Item | None, item: NewItem, index: int) -> None:
    if earlier is not None:
        raise OrderRefused(
            f"orderItem[{index}].resource.place",
            f"site {item.site} has {earlier.specification} from order {earlier.order_id} "
            f"already, {earlier.state}",
            "order what the site does not have yet, or send modify",
        )


def _refuse_what_can_never_be_met(
    catalog: Catalog, live: Live, order: NewOrder, index: int
) -> None:
    item = order.items[index]
    spec = catalog.specification(item.specification, item.specification_version)
    coming = {other.key for other in order.items if other.site == item.site}
    for key in sorted(spec.needed_keys - coming):
        if (item.site, key) not in live:
            raise OrderRefused(
                f"orderItem[{index}].resourceSpecification",
                f"{spec.id} needs a {key} at site {item.site}, which has none",
                f"order the {key} with it or before it",
            )


def _refuse_what_is_needed(
    connection: Connection, catalog: Catalog, order: NewOrder, index: int
) -> None:
    item = order.items[index]
    leaving = {
        other.key
        for other in order.items
        if other.site == item.site and other.action is Action.DELETE
    }
    for other in site_items.completed_items_of_site(connection, item.site):
        spec = catalog.specification(other.specification, other.version)
        needs = spec.needed_keys
        if item.key in needs and other.key not in leaving:
            raise OrderRefused(
                f"orderItem[{index}].action",
                f"{other.specification} at site {item.site} needs the {item.key}",
                f"delete {other.specification} with it",
            )
