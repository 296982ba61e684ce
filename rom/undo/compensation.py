"""Compensation: what an order's items have got at one site is taken back, and nothing else.

What has not left for a device is withdrawn; where something has, the site's intent without these
items goes the way back. What a writer has in hand is waited for, never stopped.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from device_profiles.fragment import Fragment
from rom.catalog.loader import Catalog
from rom.devices.directory import DeviceDirectory
from rom.model.order import Action, Item
from rom.model.order_states import Step
from rom.model.snapshot import Sealer
from rom.store import change_list, changes, intents, snapshots, tickets, transactions
from rom.store.database import Connection
from rom.undo.give_back import GiveBack
from rom.undo.target import at_number
from rom.undo.way_back import Errand, Progress, WayBack

_LATEST = 2**63 - 1
BEFORE_INTENT = frozenset({Step.ASSESSING, Step.RESERVED})
"""Steps at which no device's intent has anything of an item."""


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What was given back."""

    released: tuple[str, ...] = ()
    """Its names."""
    resting: tuple[str, ...] = ()
    """The resources that rest without end, by their ids."""


class Compensation:
    """Takes items back at a site."""

    def __init__(self, devices: DeviceDirectory, sealer: Sealer, catalog: Catalog) -> None:
        self._way_back = WayBack(devices)
        self._give_back = GiveBack(catalog)
        self._sealer = sealer

    def step(
        self,
        connection: Connection,
        task_id: str,
        site: str,
        items: Sequence[Item],
        given_up: Collection[str] = (),
    ) -> Progress:
        """Take the next step that is possible; ``items`` are one order's, at this site.

        A device that does not let it in is waited for, unless it is ``given_up``.
        """
        number = self._before_order(connection, site, items)
        errand = self._errand(connection, task_id, site, items, number)
        return self._step(connection, items, replace(errand, given_up=given_up))

    def back_out(
        self, connection: Connection, task_id: str, site: str, items: Sequence[Item]
    ) -> Progress:
        """Take a failed change back to what the site was before it, on every device it has reached.

        ``items`` are one order's modifies at this site. A device that does not let it in is not
        waited for. Its snapshots are the order's, as what it takes back was.
        """
        errand = self._errand(connection, task_id, site, items, before_change(connection, items))
        errand = replace(errand, waits=False, order_id=items[0].order_id)
        return self._step(connection, items, errand)

    def _step(self, connection: Connection, items: Sequence[Item], errand: Errand) -> Progress:
        if not changes.withdraw(connection, items):
            return Progress()
        tickets.tear_up(connection, items)
        return self._way_back.step(connection, errand)

    def _errand(
        self, connection: Connection, task_id: str, site: str, items: Sequence[Item], number: int
    ) -> Errand:
        laid = [item for item in items if item.step not in BEFORE_INTENT]
        # Only what changes or deletes has to know what was before.
        adds = all(item.action in (Action.ADD, Action.NO_CHANGE) for item in laid)
        before = {} if adds else at_number(connection, self._sealer, site, number)
        return Errand(
            task_id,
            site,
            lambda device, now: without(laid, now, before.get(device, {})),
            concerns=lambda device: was_sent(connection, device, site, items),
        )

    def settle_back_out(
        self,
        connection: Connection,
        site: str,
        items: Sequence[Item],
        *,
        left: Collection[str],
    ) -> None:
        """Count for the site again what it had before the ``items``; they may be tried anew.

        Shares stay counted for the keys ``left`` on a device.
        """
        self._give_back.release(
            connection,
            site,
            items,
            names=self._give_back.names(items),
            left=left,
            unclean=bool(left),
        )

    def give_back(
        self, connection: Connection, site: str, items: Sequence[Item], *, unclean: bool
    ) -> GivenBack:
        """Release what the items had, once their devices are clean.

        What was never sent anywhere is free at once, the rest rests in its pool's quarantine;
        where a device may still have it (``unclean``) it rests without end, and shares of
        quantities stay counted.
        """
        gone = self._give_back.settle(
            connection,
            site,
            items,
            names=self._give_back.names(items),
            left={item.key for item in items} if unclean else (),
            unclean=unclean,
            unused=not anything_sent(connection, site, items),
        )
        intents.drop_empty(connection, site)
        things = [each.resource for each in gone if each.amount is None]
        return GivenBack(
            tuple(sorted(each.name for each in gone)), tuple(sorted(things)) if unclean else ()
        )

    @staticmethod
    def _before_order(connection: Connection, site: str, items: Sequence[Item]) -> int:
        first = snapshots.first_of_order(connection, site, items[0].order_id)
        return _LATEST if first is None else first - 1


def before_change(connection: Connection, items: Sequence[Item]) -> int:
    """Return the number of the site's last snapshot before anything of the items was sent."""
    first = snapshots.first_of(connection, items[0].site, sent_with(connection, items))
    return _LATEST if first is None else first - 1


def sent_with(connection: Connection, items: Sequence[Item]) -> set[str]:
    """Return the device transactions that have carried the items' changes."""
    found = (change_list.of_item(connection, item.order_id, item.item_id) for item in items)
    return {each.transaction for rows in found for each in rows if each.transaction is not None}


def without(
    items: Sequence[Item], now: Mapping[str, Fragment], before: Mapping[str, Fragment]
) -> dict[str, Fragment]:
    """Return the fragments ``now`` as they are without the items.

    A modify renders the whole site anew, so with one all keys go back to what they were before.
    """
    actions = {item.key: item.action for item in items}
    again = Action.MODIFY in actions.values()
    found: dict[str, Fragment] = {}
    for key, fragment in now.items():
        action = actions.get(key)
        if action is Action.ADD:
            continue
        if action is Action.MODIFY and before and key not in before:
            continue  # it came to this device by the modify
        if action is Action.MODIFY or (again and action is None):
            found[key] = before.get(key, fragment)
        else:
            found[key] = fragment
    for key, fragment in before.items():
        if actions.get(key) is Action.DELETE:
            found.setdefault(key, fragment)
    return found


def was_sent(connection: Connection, device: str, site: str, items: Sequence[Item]) -> bool:
    """Tell whether anything of the items may have had an effect on the device."""
    taken = change_list.was_taken(connection, items, device)
    return taken or transactions.may_have_left(connection, site, items, device)


def anything_sent(connection: Connection, site: str, items: Sequence[Item]) -> bool:
    """Tell whether anything of the items may have had an effect on any device."""
    taken = change_list.was_taken(connection, items)
    return taken or transactions.may_have_left(connection, site, items)
