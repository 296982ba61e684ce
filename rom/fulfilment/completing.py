"""Completing an item: what it holds is in use, and nothing more is handed out for it."""

import sqlalchemy as sa

from inventory import holding
from rom.catalog.planning import resource_requests
from rom.fulfilment import staging
from rom.fulfilment.changing import finish_delete, finish_modify
from rom.fulfilment.transitions import Transitions
from rom.fulfilment.view import Item, SiteView
from rom.orders.model import Action
from rom.orders.states import ItemState
from rom.store.tables import ztp_ticket


def complete(
    connection: sa.Connection,
    transitions: Transitions,
    view: SiteView,
    item: Item,
    *,
    note: str = "",
) -> None:
    """Take an item that is on its devices to ``completed``."""
    if item.action == Action.DELETE:
        finish_delete(connection, view, item)
        transitions.move(connection, item, ItemState.COMPLETED, step="done", note=note)
        return
    names = [
        request.name
        for request in resource_requests(view.specification(item), view.site, view.typed(item))
    ]
    holding.mark(connection, view.site, names, "in-use")
    serial = connection.scalar(
        sa.select(ztp_ticket.c.serial).where(
            ztp_ticket.c.order_id == item.order_id, ztp_ticket.c.item_id == item.item_id
        )
    )
    if serial is not None:
        staging.close(connection, serial)
    if item.action == Action.MODIFY:
        finish_modify(connection, view, item)
    transitions.move(connection, item, ItemState.COMPLETED, step="done", note=note)
