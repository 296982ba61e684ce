"""Compensation: what an order's items have got at one site is taken back, and nothing else.

What has not left for a device is withdrawn; where something has, the site's intent without these
items goes out by the same change and the same writer as everything else. What a writer has in hand
is waited for, never stopped.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from device_profiles.fragment import Fragment
from inventory import holding
from rom.catalog.characteristics import typed_characteristics
from rom.catalog.loader import Catalog
from rom.catalog.planning import resource_requests
from rom.devices.directory import DeviceDirectory
from rom.fulfilment.changing import is_one_way
from rom.model.change import Change, ChangeKind, ChangeState
from rom.model.order import Action, Item
from rom.model.snapshot import Sealer
from rom.store import (
    changes,
    effects,
    intents,
    order_items,
    site_items,
    snapshots,
    tickets,
    transactions,
)
from rom.store.database import Connection
from rom.undo import standing
from rom.undo.target import Target, at_number, places

GIVE_UP_AFTER = 4
"""Attempts at a device that cannot be reached before the others are done without it."""
_LATEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a site is: clean, or waiting for a device, or for people where one refuses."""

    is_clean: bool = False
    wake: str | None = None
    stuck: Mapping[str, str] | None = None
    """By device, why it does not let the change in."""


class Compensation:
    """Takes items back at a site, one device at a time against the order of activation."""

    def __init__(self, devices: DeviceDirectory, sealer: Sealer, catalog: Catalog) -> None:
        self._devices = devices
        self._sealer = sealer
        self._catalog = catalog

    def step(
        self,
        connection: Connection,
        task_id: str,
        site: str,
        items: Sequence[Item],
        given_up: Collection[str] = (),
    ) -> Progress:
        """Take the next step that is possible; ``items`` are one order's, at this site.

        Nobody waits for devices that are ``given_up``.
        """
        if not changes.withdraw(connection, items):
            return Progress()
        tickets.tear_up(connection, items)
        asked = {
            row.device: row for row in changes.of_task(connection, task_id) if row.site == site
        }
        target = self._target(connection, site, items)
        stuck: dict[str, str] = {}
        for place in places(connection, site):
            row = asked.get(place.device)
            if row is None:
                if self._ask(connection, task_id, site, place.device, place.role, items, target):
                    return Progress(wake=place.device)
            elif is_stuck(row):
                if place.device not in given_up:
                    stuck[place.device] = f"{row.reason}: {row.error}"
            elif row.state is not ChangeState.DONE:
                return Progress()
        return Progress(stuck=stuck) if stuck else Progress(is_clean=True)

    def give_back(
        self, connection: Connection, site: str, items: Sequence[Item], *, unclean: bool
    ) -> dict[str, list[str]]:
        """Release what the items had, once their devices are clean.

        What was never sent anywhere is free at once, the rest rests in its pool's quarantine, or
        without end where a device may still use it (``unclean``). Returns the names ``released``
        and, by their ids, the resources that are ``resting`` without end.
        """
        order_id = items[0].order_id
        names = self._names(connection, site, items)
        resting = holding.things(connection, site, names) if unclean else []
        released = holding.release(
            connection,
            site,
            now=datetime.now(UTC),
            names=names,
            indefinitely=unclean,
            unused=not unclean and not anything_sent(connection, site, items),
        )
        changed = {item.key for item in items if item.action == Action.MODIFY}
        for earlier in standing.earlier_items(connection, site, [order_id]):
            if earlier.key in changed:
                order_items.reinstate(connection, earlier)
                for name, amount in self._amounts(earlier).items():
                    holding.adjust(connection, site, name, amount)
        for item in items:
            order_items.retire(connection, item)
        intents.drop_empty(connection, site)
        return {"released": list(released), "resting": resting}

    def _target(self, connection: Connection, site: str, items: Sequence[Item]) -> Target | None:
        """Return the site before the order, which only what changes or deletes has to know."""
        if all(item.action in (Action.ADD, Action.NO_CHANGE) for item in items):
            return None
        first = snapshots.first_of_order(connection, site, items[0].order_id)
        return at_number(connection, self._sealer, site, _LATEST if first is None else first - 1)

    def _ask(
        self,
        connection: Connection,
        task_id: str,
        site: str,
        device: str,
        role: str,
        items: Sequence[Item],
        target: Target | None,
    ) -> bool:
        """Lay down what the device shall hold without the items; tells whether to send it."""
        now = intents.fragments(connection, device, site)
        wanted = _without(items, now, target.wanted(device) if target else {})
        if wanted != now:
            intents.keep(connection, device=device, site=site, role=role, fragments=wanted)
        if not was_sent(connection, device, site, items):
            return False
        if not wanted and is_one_way(connection, self._devices, site, device):
            effects.forget_site(connection, device, site)
            return False
        changes.request(
            connection, device=device, site=site, kind=ChangeKind.ROLLBACK, task_id=task_id
        )
        return True

    def _names(self, connection: Connection, site: str, items: Sequence[Item]) -> list[str]:
        """Return the names that the items reserved and nothing that stays needs."""
        mine = {item.item_id for item in items}
        wanted = {name for item in items for name in self._requested(item)}
        others = site_items.giving_items(connection, [site])
        for other in others:
            if other.order_id != items[0].order_id or other.item_id not in mine:
                wanted -= self._requested(other)
        return sorted(wanted)

    def _requested(self, item: Item) -> set[str]:
        if item.action not in (Action.ADD, Action.MODIFY):
            return set()
        spec = self._catalog.specification(item.specification, item.version)
        typed = typed_characteristics(spec, item.characteristics)
        return {request.name for request in resource_requests(spec, item.site, typed)}

    def _amounts(self, item: Item) -> dict[str, int]:
        spec = self._catalog.specification(item.specification, item.version)
        typed = typed_characteristics(spec, item.characteristics)
        return {
            request.name: request.amount
            for request in resource_requests(spec, item.site, typed)
            if request.amount is not None
        }


def was_sent(connection: Connection, device: str, site: str, items: Sequence[Item]) -> bool:
    """Tell whether anything of the items may have had an effect on the device."""
    taken = changes.was_taken(connection, items, device)
    return taken or transactions.may_have_left(connection, site, items, device)


def anything_sent(connection: Connection, site: str, items: Sequence[Item]) -> bool:
    """Tell whether anything of the items may have had an effect on any device."""
    taken = changes.was_taken(connection, items)
    return taken or transactions.may_have_left(connection, site, items)


def _without(
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
        if action == Action.ADD:
            continue
        if action == Action.MODIFY or (again and action is None):
            found[key] = before.get(key, fragment)
        else:
            found[key] = fragment
    for key, fragment in before.items():
        if actions.get(key) == Action.DELETE:
            found.setdefault(key, fragment)
    return found


def is_stuck(row: Change) -> bool:
    """Tell whether a change was refused, or has been tried in vain more than a few times."""
    late = row.state is ChangeState.WAITING and row.attempts >= GIVE_UP_AFTER
    return late or row.state is ChangeState.REFUSED
