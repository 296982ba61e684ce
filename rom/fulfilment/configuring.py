"""Configuring: an item's share is laid into the intents, and the devices concerned are asked."""

from collections.abc import Callable, Iterator

from device_profiles.errors import ProfileError
from device_profiles.fragment import Fragment
from device_profiles.render import render
from rom.catalog.errors import CatalogError
from rom.catalog.planning import configurations
from rom.catalog.site_view import SiteView
from rom.catalog.specification import Configure
from rom.devices.directory import DeviceDirectory, NoDevice
from rom.fulfilment import staging
from rom.fulfilment.changing import REQUESTS, is_needed
from rom.fulfilment.transitions import Transitions
from rom.model.change import ChangeKind
from rom.model.device import Device
from rom.model.order import Action, Item
from rom.model.order_states import ItemState, Step
from rom.model.reason import Reason
from rom.store import change_list, changes, intents
from rom.store.database import Connection

Wake = Callable[[str], None]


class Configurer:
    """Asks devices for what an item adds, changes or takes away."""

    def __init__(self, transitions: Transitions, devices: DeviceDirectory) -> None:
        self._transitions = transitions
        self._devices = devices

    def queue(self, connection: Connection, view: SiteView, item: Item, wake: Wake) -> bool:
        """Ask for a reserved item, if it may go; ``wake`` gets the devices that have work now."""
        return self._may_queue(view, item) and self._ask(connection, view, item, wake)

    def go_on(self, connection: Connection, view: SiteView, item: Item, wake: Wake) -> bool:
        """Let a staged item's configure step follow once its preconditions are met."""
        return (
            view.precondition_met(item, "configure")
            and self.waits_to_configure(connection, view, item)
            and self._ask(connection, view, item, wake)
        )

    def _ask(self, connection: Connection, view: SiteView, item: Item, wake: Wake) -> bool:
        try:
            with connection.begin_nested():
                request = REQUESTS.get(item.action)
                devices = (
                    self._request_changes(connection, view, item)
                    if request is None
                    else request(connection, self._devices, view, item)
                )
        except (ProfileError, CatalogError, NoDevice) as error:
            self._transitions.hold(connection, item, Reason.CANNOT_RENDER, str(error))
            return True
        self._transitions.move(connection, item, ItemState.IN_PROGRESS, step=Step.QUEUED)
        for device in devices:
            wake(device)
        return True

    @staticmethod
    def _may_queue(view: SiteView, item: Item) -> bool:
        if not view.dependencies_met(item):
            return False
        if item.action == Action.DELETE:
            return not is_needed(view, item)
        if item.action == Action.MODIFY and not view.precondition_met(item, "configure"):
            return False  # a modify goes out in one step
        return view.precondition_met(item, view.specification(item).first_step_out)

    def waits_to_configure(self, connection: Connection, view: SiteView, item: Item) -> bool:
        """Tell whether an item has been staged and the rest of it has not been asked for."""
        spec = view.specification(item)
        if item.action is not Action.ADD or spec.first_step_out == "configure":
            return False
        return any(True for _ in self._left_to_ask(connection, view, item))

    def _left_to_ask(
        self, connection: Connection, view: SiteView, item: Item
    ) -> Iterator[tuple[Configure, Device]]:
        asked = {row.device for row in change_list.of_item(connection, item.order_id, item.item_id)}
        for entry in configurations(view.specification(item), view.typed(item)):
            if self._has_fragment(connection, view, entry):
                device = self._devices.find(connection, entry.role, view.allocations)
                if device.name not in asked:
                    yield entry, device

    def _request_changes(self, connection: Connection, view: SiteView, item: Item) -> list[str]:
        """Ask the devices of each step whose preconditions are met, every one once."""
        devices = []
        for entry, device in self._left_to_ask(connection, view, item):
            if not view.precondition_met(item, entry.step):
                continue
            self._extend_intent(connection, view, item, entry, device)
            by_ztp = entry.via == "ztp"
            changes.request(
                connection,
                device=device.name,
                site=view.site,
                kind=ChangeKind.APPLY,
                order_id=item.order_id,
                item_id=item.item_id,
                blocked=by_ztp and not staging.arrived(connection, device.name),
            )
            if by_ztp:
                staging.stage(connection, view, item, device, entry.fragment)
            else:
                devices.append(device.name)
        return devices

    def _has_fragment(self, connection: Connection, view: SiteView, entry: Configure) -> bool:
        """An optional entry asks nothing of a platform that has no part in it."""
        if not entry.optional:
            return True
        device = self._devices.find(connection, entry.role, view.allocations)
        return entry.fragment in self._devices.profile(device).fragments

    def _extend_intent(
        self,
        connection: Connection,
        view: SiteView,
        item: Item,
        entry: Configure,
        device: Device,
    ) -> None:
        fragment = render(
            self._devices.profile(device), entry.fragment, view.context(device.as_context())
        )
        known: dict[str, Fragment] = intents.fragments(connection, device.name, view.site)
        known[item.key] = fragment
        intents.keep(
            connection,
            device=device.name,
            site=view.site,
            role=device.role,
            fragments={key: known[key] for key in sorted(known, key=view.catalog.sequence)},
        )
