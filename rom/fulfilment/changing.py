"""Changes of what a site has: modify and delete, by the same intents and the same writer as add.

A modify renders everything of the site anew, because one value may show in several places (a rate
in the OLT, the BNG and the router's shaper), and asks only those devices whose part differs. A
delete takes one item's share out of every intent.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from device_profiles.fragment import Fragment
from device_profiles.render import render
from inventory import holding
from rom.catalog.planning import configurations, resource_requests
from rom.catalog.site_view import SiteView
from rom.devices.directory import DeviceDirectory
from rom.model.change import ChangeKind
from rom.model.device import Device
from rom.model.order import Action, Item
from rom.store import changes, effects, intents, order_items, tickets
from rom.store.database import Connection
from rom.undo.way_back import is_one_way


def kept_items(view: SiteView, item: Item) -> list[Item]:
    """Return the items that make up the site once ``item`` has changed it."""
    kept = {other.key: other for other in view.completed}
    kept[item.key] = item
    return list(kept.values())


def is_needed(view: SiteView, item: Item) -> bool:
    """Tell whether something the site still has needs what ``item`` deletes."""
    return any(
        item.key in view.specification(other).needed_keys
        for other in view.completed
        if other.key != item.key
    )


def rendering(
    connection: Connection, devices: DeviceDirectory, view: SiteView, items: Iterable[Item]
) -> dict[str, tuple[Device, dict[str, Fragment]]]:
    """Return what the items ask of each device now, by its name and by item key."""
    found: dict[str, tuple[Device, dict[str, Fragment]]] = {}
    for item in items:
        for entry in configurations(view.specification(item), view.typed(item)):
            device = devices.find(connection, entry.role, view.allocations)
            profile = devices.profile(device)
            if entry.fragment in profile.fragments:
                fragment = render(profile, entry.fragment, view.context(device.as_context()))
                found.setdefault(device.name, (device, {}))[1][item.key] = fragment
    return found


def request_modify(
    connection: Connection, devices: DeviceDirectory, view: SiteView, item: Item
) -> list[str]:
    """Lay the new rendering into the intents and ask the devices whose part has changed."""
    touched = []
    rendered_anew = rendering(connection, devices, view, kept_items(view, item))
    for name, (device, rendered) in rendered_anew.items():
        known = intents.fragments(connection, name, view.site)
        if all(known.get(key) == fragment for key, fragment in rendered.items()):
            continue
        known.update(rendered)
        _keep(connection, view, name, device.role, known)
        _request(connection, view, item, name, ChangeKind.MODIFY)
        touched.append(name)
    return touched


def request_delete(
    connection: Connection, devices: DeviceDirectory, view: SiteView, item: Item
) -> list[str]:
    """Take the item's share out of every intent and ask the devices that held any of it."""
    touched = []
    for place in intents.devices_of_site(connection, view.site):
        known = intents.fragments(connection, place.device, view.site)
        if known.pop(item.key, None) is None:
            continue
        _keep(connection, view, place.device, place.role, known)
        if not known and is_one_way(connection, devices, view.site, place.device):
            effects.forget_site(connection, place.device, view.site)
            tickets.tear_up_of(connection, place.device, view.site)
            continue
        _request(connection, view, item, place.device, ChangeKind.DELETE)
        touched.append(place.device)
    return touched


def grow(connection: Connection, view: SiteView, item: Item) -> None:
    """Reserve what an item needs more of than the site has already; raises ``ResourceExhausted``.

    Less is given back only when a change is proven. An add finds a share where an earlier one has
    left something on a device that was given up.
    """
    for name, amount in _amounts(view, item).items():
        held = view.allocations.get(name)
        if held is not None and amount > held.get("value", 0):
            holding.adjust(connection, view.site, name, amount)


def finish_modify(connection: Connection, view: SiteView, item: Item) -> None:
    """Put the new item in the earlier one's place and give back what it needs less of."""
    for name, amount in _amounts(view, item).items():
        holding.adjust(connection, view.site, name, amount)
    order_items.supersede(connection, item)


def finish_delete(connection: Connection, view: SiteView, item: Item) -> None:
    """Release what the deleted item had, into quarantine."""
    names = [
        request.name
        for request in resource_requests(view.specification(item), view.site, view.typed(item))
        if request.name in view.allocations
    ]
    holding.release(connection, view.site, now=datetime.now(UTC), names=names)
    order_items.supersede(connection, item)
    order_items.resources_came(connection)
    intents.drop_empty(connection, view.site)


REQUESTS: dict[Action, Callable[[Connection, DeviceDirectory, SiteView, Item], list[str]]] = {
    Action.MODIFY: request_modify,
    Action.DELETE: request_delete,
}


def _amounts(view: SiteView, item: Item) -> dict[str, int]:
    requests = resource_requests(view.specification(item), view.site, view.typed(item))
    return {r.name: r.amount for r in requests if r.amount is not None}


def _keep(
    connection: Connection,
    view: SiteView,
    device: str,
    role: str,
    fragments: dict[str, Fragment],
) -> None:
    intents.keep(connection, device=device, site=view.site, role=role, fragments=fragments)


def _request(
    connection: Connection, view: SiteView, item: Item, device: str, kind: ChangeKind
) -> None:
    changes.request(
        connection,
        device=device,
        site=view.site,
        kind=kind,
        order_id=item.order_id,
        item_id=item.item_id,
    )
