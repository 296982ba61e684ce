"""Giving up a device that does not let a cancellation in: somebody decides to go on without it.

What the items had may still be configured there, so all of it rests without end afterwards. The
ledger still knows what the site has on the device: a rollback of the site takes it away.
"""

from typing import Any

import sqlalchemy as sa

from rom.fulfilment.compensation import is_stuck
from rom.ledger import changes
from rom.orders.reasons import Reason
from rom.store import cancel_tasks, orders


def give_up(connection: sa.Connection, task: sa.Row[Any], device: str, words: str) -> list[str]:
    """Let a locked cancellation go on without ``device``; returns the sites that concerns.

    Empty, and then nothing is written, unless the device keeps the task from going on. What a
    writer has in hand is never taken from it.
    """
    rows = [
        row
        for row in changes.of_task(connection, task.id, lock=True)
        if row.device == device and is_stuck(row) and row.site in task.sites
    ]
    waiting = [row for row in rows if row.state == "waiting"]
    changes.refuse(
        connection, waiting, transaction=None, reason=Reason.CANCEL_GIVEN_UP, error=words
    )
    sites = dict(task.sites)
    for row in rows:
        found = sites[row.site]
        left = {name: why for name, why in found.get("devices", {}).items() if name != device}
        given_up = {**found.get("given_up", {}), device: words}
        sites[row.site] = {**found, "devices": left, "given_up": given_up}
    concerned = sorted({row.site for row in rows})
    if concerned:
        cancel_tasks.write(connection, task.id, sites=sites)
    for site in concerned:
        _note(connection, task, site, f"{Reason.CANCEL_GIVEN_UP}: {device} {words}")
    return concerned


def wanted_of(connection: sa.Connection, task: sa.Row[Any]) -> list[sa.Row[Any]]:
    """Return the cancellation's changes but those of devices it goes on without."""
    return [
        row
        for row in changes.of_task(connection, task.id)
        if row.device not in task.sites.get(row.site, {}).get("given_up", {})
    ]


def _note(connection: sa.Connection, task: sa.Row[Any], site: str, text: str) -> None:
    for item in orders.items_of_orders(connection, [task.order_id]):
        if item.site == site and (task.item_ids is None or item.item_id in task.item_ids):
            orders.add_note(connection, task.order_id, item.item_id, text)
