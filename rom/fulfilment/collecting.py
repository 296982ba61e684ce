"""Collecting: what the device writers have made of an item's changes."""

from inventory import holding
from inventory.states import HoldingState
from rom.catalog.planning import resource_requests
from rom.catalog.site_view import SiteView
from rom.fulfilment.completing import complete
from rom.fulfilment.configuring import Configurer
from rom.fulfilment.transitions import Transitions
from rom.model.change import Change, ChangeState
from rom.model.order import Action, Item
from rom.model.order_states import ItemState, Step
from rom.model.reason import Reason
from rom.store import change_list, tickets
from rom.store.database import Connection


class Collector:
    """Takes an item on once its devices hold what they should, or says what they wait for."""

    def __init__(self, transitions: Transitions, configurer: Configurer) -> None:
        self._transitions = transitions
        self._configurer = configurer

    def collect(self, connection: Connection, view: SiteView, item: Item) -> bool:
        """See what the writers have made of the item's changes."""
        rows = change_list.of_item(connection, item.order_id, item.item_id)
        refused = [row for row in rows if row.state is ChangeState.REFUSED]
        if refused:
            first = refused[0]
            self._transitions.hold(
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
        if done and self._configurer.waits_to_configure(connection, view, item):
            return False
        if done:
            holding.mark(connection, view.site, _names(view, item), HoldingState.STANDBY)
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


def _names(view: SiteView, item: Item) -> list[str]:
    requests = resource_requests(view.specification(item), view.site, view.typed(item))
    return [request.name for request in requests]


def _awaited(connection: Connection, rows: list[Change]) -> tuple[str, str]:
    blocked = next(row for row in rows if row.state is ChangeState.BLOCKED)
    state = tickets.state_of(connection, blocked.device)
    return Reason.AWAITING_CPE, f"router {blocked.device} is {state}; waiting for it at the site"
