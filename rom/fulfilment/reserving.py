"""Reserving: everything a site needs for an order in one database transaction, or nothing."""

from datetime import timedelta

from inventory import reservation
from inventory.model import (
    BundleRequest,
    ReservationConflictError,
    ResourceExhausted,
    ResourceRequest,
    UnknownEntryError,
)
from rom.catalog.errors import CatalogError
from rom.catalog.planning import resource_requests
from rom.catalog.site_view import SiteView
from rom.fulfilment.changing import grow
from rom.fulfilment.fairness import pools_short_of, refuse_overtaking
from rom.fulfilment.transitions import Transitions
from rom.model.order import Action, Item
from rom.model.order_states import ItemState, Step
from rom.model.reason import Reason
from rom.store import order_items
from rom.store.database import Connection


class Reserver:
    """Reserves for items that are being assessed, and for those held for want of resources."""

    def __init__(self, transitions: Transitions, retry_seconds: float) -> None:
        self._transitions = transitions
        self._retry = timedelta(seconds=retry_seconds)

    def reserve(self, connection: Connection, view: SiteView, *states: ItemState) -> bool:
        """Reserve for one order's items in one of these states; tells whether anything moved.

        One order a transaction, so that pools and orders are never locked in a circle.
        """
        waiting = [
            item for item in view.open_items if item.step is Step.ASSESSING and item.state in states
        ]
        if states == (ItemState.HELD,):
            # What a device has refused for want of resources has no time at which it is tried.
            short = Reason.RESOURCE_EXHAUSTED
            waiting = [item for item in waiting if item.reason == short and item.due_at]
        if not waiting:
            return False
        group = [item for item in waiting if item.order_id == waiting[0].order_id]
        return self._bundle(connection, view, group)

    def _bundle(self, connection: Connection, view: SiteView, group: list[Item]) -> bool:
        wanted: tuple[ResourceRequest, ...] = ()
        try:
            bundle = _bundle(view, group)
            wanted = bundle.requests
            with connection.begin_nested():
                reservation.reserve(connection, bundle)
                for item in group:
                    if item.action in (Action.ADD, Action.MODIFY):
                        grow(connection, view, item)
                refuse_overtaking(connection, group, wanted)
        except ResourceExhausted as error:
            return self._hold_exhausted(connection, group, error, pools_short_of(error, wanted))
        except (CatalogError, UnknownEntryError, ReservationConflictError, ValueError) as error:
            for item in group:
                self._transitions.hold(connection, item, Reason.CANNOT_RESERVE, str(error))
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
        for item in group:
            self._transitions.move(
                connection,
                item,
                ItemState.HELD,
                reason=Reason.RESOURCE_EXHAUSTED,
                note=""
                if item.state == ItemState.HELD
                else f"{Reason.RESOURCE_EXHAUSTED}: {error}",
                due_at=self._retry,
                short_of=short_of,
            )
        return any(item.state != ItemState.HELD for item in group)


def _bundle(view: SiteView, group: list[Item]) -> BundleRequest:
    requests = [
        (request, item.item_id)
        for item in sorted(group, key=lambda item: view.catalog.sequence(item.key))
        if item.action in (Action.ADD, Action.MODIFY)
        for request in resource_requests(view.specification(item), view.site, view.typed(item))
    ]
    return BundleRequest(
        site=view.site,
        order_id=group[0].order_id,
        requests=tuple(request for request, _ in requests),
        items={request.name: item_id for request, item_id in requests},
    )
