"""Giving up a device that does not let a cancellation in: somebody decides to go on without it.

What the items had may still be configured there, so all of it rests without end afterwards. The
ledger still knows what the site has on the device: a rollback of the site takes it away.
"""

from dataclasses import replace

from rom.model.change import Change, ChangeState
from rom.model.reason import Reason
from rom.model.task import Cancellation
from rom.store import cancellations, change_list, changes, order_items, orders
from rom.store.database import Connection
from rom.undo.way_back import is_stuck


def give_up(connection: Connection, task: Cancellation, device: str, words: str) -> list[str]:
    """Let a locked cancellation go on without ``device``; returns the sites that concerns.

    Empty, and then nothing is written, unless the device keeps the task from going on. What a
    writer has in hand is never taken from it.
    """
    rows = [
        row
        for row in change_list.of_task(connection, task.id, lock=True)
        if row.device == device and is_stuck(row) and row.site in task.sites
    ]
    waiting = [row for row in rows if row.state is ChangeState.WAITING]
    changes.refuse(
        connection, waiting, transaction=None, reason=Reason.CANCEL_GIVEN_UP, error=words
    )
    sites = dict(task.sites)
    for row in rows:
        found = sites[row.site]
        left = {name: why for name, why in found.devices.items() if name != device}
        sites[row.site] = replace(found, devices=left, given_up={**found.given_up, device: words})
    concerned = sorted({row.site for row in rows})
    if concerned:
        cancellations.write_sites(connection, task.id, sites)
    for site in concerned:
        _note(connection, task, site, f"{Reason.CANCEL_GIVEN_UP}: {device} {words}")
    return concerned


def wanted_of(connection: Connection, task: Cancellation) -> list[Change]:
    """Return the cancellation's changes but those of devices it goes on without."""
    return [
        row
        for row in change_list.of_task(connection, task.id)
        if row.site not in task.sites or row.device not in task.sites[row.site].given_up
    ]


def _note(connection: Connection, task: Cancellation, site: str, text: str) -> None:
    for item in order_items.items_of_orders(connection, [task.order_id]):
        if item.site == site and task.means(item.item_id):
            orders.add_note(connection, task.order_id, item.item_id, text)
