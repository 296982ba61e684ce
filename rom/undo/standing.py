"""What stands at a site once orders are taken back: earlier items, and what can never stand again.

Resources that were given back may be another site's tomorrow. A target that needs them is
therefore refused: the site has to be ordered again, with resources of its own.
"""

from collections.abc import Collection

from rom.model.order import Item
from rom.store import rollbacks, site_items, snapshots
from rom.store.database import Connection


class TargetGone(Exception):
    """The site has given back since then what the target needs."""


def refuse_what_is_gone(connection: Connection, site: str, number: int) -> None:
    """Raise ``TargetGone`` for a snapshot older than a rollback or delete of what it shows."""
    for task in rollbacks.finished_after(connection, site, number):
        for order_id in task.orders:
            first = snapshots.first_of_order(connection, site, order_id)
            if first is not None and first <= number:
                message = f"order {order_id}, which it shows, was taken back by {task.id}"
                raise TargetGone(message)
    deleted = snapshots.deleted_since(connection, site, number)
    if deleted is not None:
        message = f"order {deleted} has deleted something since and given its resources back"
        raise TargetGone(message)


def earlier_items(connection: Connection, site: str, taken_back: Collection[str]) -> list[Item]:
    """Return the items that stand again once modifies of the orders ``taken_back`` are undone.

    Of each key the latest completed one before them that no earlier rollback has taken back.
    """
    gone = rollbacks.orders_taken_back(connection, site) | set(taken_back)
    undone = site_items.modified_keys(connection, site, taken_back)
    found = site_items.completed_of_keys(connection, site, undone, gone)
    latest = {item.key: item for item in found}
    return list(latest.values())
