"""What stands at a site, and what stands again once something is taken back.

Resources that were given back may be another site's tomorrow. A target that needs them is
therefore refused: the site has to be ordered again, with resources of its own.
"""

from collections.abc import Iterable
from datetime import datetime

from rom.model.order import Action, Item
from rom.model.order_states import ItemState
from rom.model.task import Cancellation, RollbackTask
from rom.store import cancellations, retention, rollbacks, site_items, snapshots
from rom.store.database import Connection
from rom.undo.history import Forgotten, History, TakenBack, history

NOTHING_CHANGED = "nothingChanged"
"""In the result of a rollback that stopped before it had changed anything."""


def history_of(connection: Connection, site: str) -> History:
    """Return the site's history."""
    items = site_items.items_of_site(connection, site)
    ways_back = [_rollback(task) for task in rollbacks.finished(connection, site)]
    ways_back += [_cancellation(task, items) for task in cancellations.finished(connection, site)]
    forgotten = Forgotten(*retention.forgotten(connection, site))
    return history(snapshots.entries(connection, site), items, ways_back, forgotten)


def _rollback(task: RollbackTask) -> TakenBack:
    orders = () if task.result.get(NOTHING_CHANGED) else task.orders
    return TakenBack(task.id, frozenset(orders), task.created_at, _end(task))


def _cancellation(task: Cancellation, items: Iterable[Item]) -> TakenBack:
    rest = [
        item
        for item in items
        if item.order_id == task.order_id
        and item.state is ItemState.COMPLETED
        and not task.means(item.item_id)
    ]
    orders = frozenset() if rest else frozenset({task.order_id})
    return TakenBack(task.id, orders, task.created_at, _end(task))


def _end(task: RollbackTask | Cancellation) -> datetime:
    return task.finished_at or datetime.max.replace(tzinfo=task.created_at.tzinfo)


def earlier_items(connection: Connection, site: str, taken: Iterable[Item]) -> list[Item]:
    """Return the items that stand again once the modifies among ``taken`` are undone.

    Of each key the latest completed one that is not taken back itself, now or before: by a
    rollback of the site, or by a cancellation.
    """
    taken = list(taken)
    undone = {item.key for item in taken if item.action is Action.MODIFY and item.in_force}
    if not undone:
        return []
    gone = {(item.order_id, item.item_id) for item in taken}
    orders = {
        order_id
        for task in rollbacks.finished(connection, site)
        for order_id in _rollback(task).orders
    }
    cancelled = cancellations.finished(connection, site)
    latest: dict[str, Item] = {}
    for item in site_items.items_of_site(connection, site):
        if item.key not in undone or item.state is not ItemState.COMPLETED:
            continue
        if item.action not in (Action.ADD, Action.MODIFY) or item.order_id in orders:
            continue
        if (item.order_id, item.item_id) in gone:
            continue
        if any(c.order_id == item.order_id and c.means(item.item_id) for c in cancelled):
            continue
        latest[item.key] = item
    return list(latest.values())
