"""The site handler: read the truth, take the next steps that are possible, write, wake.

Level-triggered and idempotent: however often it runs, and wherever it was killed, the next run
goes on from what the database says. Nothing here talks to the network.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import structlog

from device_profiles.errors import ProfileError
from device_profiles.fragment import Fragment
from device_profiles.render import render
from inventory import holding, reservation
from inventory.model import (
    BundleRequest,
    ReservationConflictError,
    ResourceExhausted,
    ResourceRequest,
    UnknownEntryError,
)
from rom.catalog.errors import CatalogError
from rom.catalog.planning import configurations, resource_requests
from rom.catalog.site_view import SiteView
from rom.catalog.specification import Configure
from rom.devices.directory import DeviceDirectory, NoDevice
from rom.fulfilment import staging
from rom.fulfilment.changing import REQUESTS, grow, is_needed
from rom.fulfilment.completing import complete
from rom.fulfilment.fairness import pools_short_of, refuse_overtaking
from rom.fulfilment.transitions import Transitions
from rom.model.change import Change, ChangeKind, ChangeState
from rom.model.device import Device
from rom.model.order import Action, Item
from rom.model.order_states import ItemState, Step
from rom.model.reason import Reason
from rom.store import changes, intents, order_items, tickets
from rom.store.database import Connection

log = structlog.get_logger(__name__)

KEY_ORDER = ("bearer", "vlan", "ip", "qos", "sla", "ce")
Wake = Callable[[str], None]


class SiteHandler:
    """Takes a site's items forward as far as the database alone decides."""

    def __init__(
        self, transitions: Transitions, devices: DeviceDirectory, retry_seconds: float
    ) -> None:
        self._transitions = transitions
        self._devices = devices
        self._retry = timedelta(seconds=retry_seconds)

    def advance(self, connection: Connection, view: SiteView, wake: Wake) -> bool:
        """Take every possible step once; ``wake`` gets the devices that have work now.

        Tells whether anything moved, so that the caller runs it again on a fresh view.
        """
        moved = self._reserve(connection, view, ItemState.ACKNOWLEDGED, ItemState.IN_PROGRESS)
        for item in view.open_items:
            if item.state is ItemState.HELD:
                continue
            if item.step is Step.RESERVED:
                moved = self._queue(connection, view, item, wake) or moved
            elif item.step is Step.QUEUED:
                moved = self._configure(connection, view, item, wake) or moved
                moved = self._collect(connection, view, item) or moved
        return moved

    def retry(self, connection: Connection, view: SiteView) -> bool:
        """Try again to reserve for a group that is held for want of resources."""
        return self._reserve(connection, view, ItemState.HELD)

    def _reserve(self, connection: Connection, view: SiteView, *states: ItemState) -> bool:
        """Reserve for one order's items; one order a transaction, so that pools and orders are
        never locked in a circle.
        """
        waiting = [
            item for item in view.open_items if item.step is Step.ASSESSING and item.state in states
        ]
        if states == (ItemState.HELD,):
            waiting = [item for item in waiting if item.reason == Reason.RESOURCE_EXHAUSTED]
        if not waiting:
            return False
        group = [item for item in waiting if item.order_id == waiting[0].order_id]
        return self._reserve_bundle(connection, view, group)

    def _reserve_bundle(self, connection: Connection, view: SiteView, group: list[Item]) -> bool:
        wanted: tuple[ResourceRequest, ...] = ()
        try:
            bundle = _bundle(view, group)
            wanted = bundle.requests
            with connection.begin_nested():
                reservation.reserve(connection, bundle)
                for item in group:
                    if item.action == Action.MODIFY:
                        grow(connection, view, item)
                refuse_overtaking(connection, group, wanted)
        except ResourceExhausted as error:
            return self._hold_exhausted(connection, group, error, pools_short_of(error, wanted))
        except (CatalogError, UnknownEntryError, ReservationConflictError, ValueError) as error:
            for item in group:
                self._hold(connection, item, Reason.CANNOT_RESERVE, str(error))
            return True
        for item in group:
            if item.action == Action.NO_CHANGE:
                self._transitions.move(connection, item, ItemState.COMPLETED, step=Step.DONE)
                order_items.retire(connection, item)
            else:
                self._transitions.move(connection, item, ItemState.IN_PROGRESS, step=Step.RESERVED)
        return True

    def _hold_exhausted(
        self,
        connection: Connection,
        group: list[Item],
        error: ResourceExhausted,
        short_of: set[str],
    ) -> bool:
        """Hold the group until something is given back or added; said once, however often tried."""
        due = datetime.now(UTC) + self._retry
        for item in group:
            self._transitions.move(
                connection,
                item,
                ItemState.HELD,
                reason=Reason.RESOURCE_EXHAUSTED,
                note=""
                if item.state == ItemState.HELD
                else f"{Reason.RESOURCE_EXHAUSTED}: {error}",
                due_at=due,
                short_of=short_of,
            )
        return any(item.state != ItemState.HELD for item in group)

    def _queue(self, connection: Connection, view: SiteView, item: Item, wake: Wake) -> bool:
        return self._may_queue(view, item) and self._ask(connection, view, item, wake)

    def _configure(self, connection: Connection, view: SiteView, item: Item, wake: Wake) -> bool:
        """Let a staged item's configure step follow once its preconditions are met."""
        return (
            view.precondition_met(item, "configure")
            and self._waits_to_configure(connection, view, item)
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
            self._hold(connection, item, Reason.CANNOT_RENDER, str(error))
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

    def _waits_to_configure(self, connection: Connection, view: SiteView, item: Item) -> bool:
        """Tell whether an item has been staged and the rest of it has not been asked for."""
        spec = view.specification(item)
        if item.action is not Action.ADD or spec.first_step_out == "configure":
            return False
        return any(True for _ in self._left_to_ask(connection, view, item))

    def _left_to_ask(
        self, connection: Connection, view: SiteView, item: Item
    ) -> Iterator[tuple[Configure, Device]]:
        asked = {row.device for row in changes.of_item(connection, item.order_id, item.item_id)}
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
            fragments={key: known[key] for key in sorted(known, key=_sequence)},
        )

    def _collect(self, connection: Connection, view: SiteView, item: Item) -> bool:
        """See what the writers have made of the item's changes."""
        rows = changes.of_item(connection, item.order_id, item.item_id)
        refused = [row for row in rows if row.state is ChangeState.REFUSED]
        if refused:
            first = refused[0]
            self._hold(
                connection,
                item,
                first.reason or Reason.DEVICE_REFUSED,
                f"{first.device}: {first.error}",
            )
            return True
        done = all(row.state is ChangeState.DONE for row in rows)
        if done and item.action is Action.DELETE:
            # Read back as absent on every device, which is all the proof there can be.
            complete(connection, self._transitions, view, item)
            return True
        if done and self._waits_to_configure(connection, view, item):
            return False
        if done:
            holding.mark(connection, view.site, _names(view, item), "standby")
            self._transitions.move(connection, item, ItemState.IN_PROGRESS, step=Step.VERIFYING)
            return True
        if any(row.state is ChangeState.BLOCKED for row in rows):
            return self._wait(connection, item, *_awaited(connection, rows))
        late = [row for row in rows if row.reason is not None and row.state is not ChangeState.DONE]
        if late and item.reason != late[0].reason:
            note = f"{late[0].reason}: {late[0].device}: {late[0].error}; trying again"
            self._transitions.move(
                connection, item, ItemState.IN_PROGRESS, reason=late[0].reason, note=note
            )
        elif not late and (item.state == ItemState.PENDING or item.reason is not None):
            self._transitions.move(connection, item, ItemState.IN_PROGRESS)
        return False

    def _wait(self, connection: Connection, item: Item, reason: str, text: str) -> bool:
        if item.reason != reason:
            self._transitions.move(
                connection, item, ItemState.PENDING, reason=reason, note=f"{reason}: {text}"
            )
        return False

    def _hold(self, connection: Connection, item: Item, reason: str, text: str) -> None:
        log.warning(
            "item.held",
            order_id=item.order_id,
            item_id=item.item_id,
            site=item.site,
            reason=reason,
        )
        self._transitions.move(
            connection, item, ItemState.HELD, reason=reason, note=f"{reason}: {text}"
        )


def _sequence(key: str) -> tuple[int, str]:
    return (KEY_ORDER.index(key) if key in KEY_ORDER else len(KEY_ORDER), key)


def _key_order(item: Item) -> tuple[int, str]:
    return _sequence(item.key)


def _names(view: SiteView, item: Item) -> list[str]:
    requests = resource_requests(view.specification(item), view.site, view.typed(item))
    return [request.name for request in requests]


def _bundle(view: SiteView, group: list[Item]) -> BundleRequest:
    requests = [
        (request, item.item_id)
        for item in sorted(group, key=_key_order)
        if item.action in (Action.ADD, Action.MODIFY)
        for request in resource_requests(view.specification(item), view.site, view.typed(item))
    ]
    return BundleRequest(
        site=view.site,
        order_id=group[0].order_id,
        requests=tuple(request for request, _ in requests),
        items={request.name: item_id for request, item_id in requests},
    )


def _awaited(connection: Connection, rows: list[Change]) -> tuple[str, str]:
    blocked = next(row for row in rows if row.state is ChangeState.BLOCKED)
    state = tickets.state_of(connection, blocked.device)
    return Reason.AWAITING_CPE, f"router {blocked.device} is {state}; waiting for it at the site"
