"""Completing an item: what it holds is in use, and nothing more is handed out for it."""

from inventory import holding
from inventory.states import HoldingState
from rom.catalog.planning import resource_requests
from rom.catalog.site_view import SiteView
from rom.fulfilment import staging
from rom.fulfilment.changing import finish_delete, finish_modify
from rom.fulfilment.transitions import Transitions
from rom.model.order import Action, Item
from rom.model.order_states import ItemState, Step
from rom.store import tickets
from rom.store.database import Connection


def complete(
    connection: Connection,
    transitions: Transitions,
    view: SiteView,
    item: Item,
    *,
    note: str = "",
) -> None:
    """Take an item that is on its devices to ``completed``."""
    if item.action is Action.DELETE:
        finish_delete(connection, view, item)
        transitions.move(connection, item, ItemState.COMPLETED, step=Step.DONE, note=note)
        return
    names = [
        request.name
        for request in resource_requests(view.specification(item), view.site, view.typed(item))
    ]
    holding.mark(connection, view.site, names, HoldingState.IN_USE)
    serial = tickets.serial_of_item(connection, item)
    if serial is not None:
        staging.close(connection, serial)
    if item.action is Action.MODIFY:
        finish_modify(connection, view, item)
    transitions.move(connection, item, ItemState.COMPLETED, step=Step.DONE, note=note)
