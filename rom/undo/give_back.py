"""Giving back what was taken back: resources, items, and word of both.

What goes follows from items: all that nothing standing at the site needs. Order items keep their
final states, because final is final; they only are in force no more.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from inventory import holding
from inventory.listing import list_resources
from inventory.model import ResourceRequest
from inventory.records import ResourceFilter
from rom.catalog.characteristics import typed_characteristics
from rom.catalog.loader import Catalog
from rom.catalog.planning import resource_requests
from rom.model.order import Action, Item
from rom.model.order_states import GIVING
from rom.store import cancellations, order_items, rollbacks, site_items
from rom.store.database import Connection
from rom.undo import standing

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Held:
    """Something the site holds."""

    name: str
    pool: str
    value: str
    resource: str
    amount: int | None
    """The share of a quantity; none for a thing."""


class GiveBack:
    """Gives back within the caller's transaction."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def reserve(self, connection: Connection, site: str, taken: Sequence[Item]) -> None:
        """Hold what earlier items need more of than ``taken``; raises ``ResourceExhausted``."""
        shares = _shares(connection, site)
        earlier = standing.earlier_items(connection, site, taken)
        for name, amount in self._amounts(earlier).items():
            if amount > shares.get(name, amount):
                holding.adjust(connection, site, name, amount)

    def would_go(self, connection: Connection, site: str, taken: Sequence[Item]) -> list[Held]:
        """Return what the site holds and nothing needs once ``taken`` is taken back."""
        needed = self._names(self._after(connection, site, taken))
        return [each for each in _held(connection, site) if each.name not in needed]

    def names(self, items: Iterable[Item]) -> set[str]:
        """Return the names under which the items reserve something."""
        return self._names(items)

    def settle(
        self,
        connection: Connection,
        site: str,
        taken: Sequence[Item],
        *,
        names: Collection[str],
        left: Collection[str] = (),
        unclean: bool = False,
        unused: bool = False,
    ) -> list[Held]:
        """Release those of ``names`` that nothing needs any more, and retire the items.

        Things rest as their pool says, or without end where a device may still use them
        (``unclean``); ``unused`` ones, of which no device was ever told, are free at once.
        Quantities stay counted for items of the keys ``left`` on a device, which may still give
        them.
        """
        going = self.release(
            connection, site, taken, names=names, left=left, unclean=unclean, unused=unused
        )
        for item in standing.earlier_items(connection, site, taken):
            order_items.reinstate(connection, item)
        for item in taken:
            order_items.retire(connection, item)
        return going

    def release(
        self,
        connection: Connection,
        site: str,
        taken: Sequence[Item],
        *,
        names: Collection[str],
        left: Collection[str] = (),
        unclean: bool = False,
        unused: bool = False,
    ) -> list[Held]:
        """Release as ``settle`` does, and leave the items as they are: a retry may follow."""
        after = self._after(connection, site, taken)
        counted = self._still_given(connection, site, left)
        needed = self._names(after)
        going = [
            each
            for each in _held(connection, site)
            if each.name in names and each.name not in needed
            and (each.amount is None or each.name not in counted)
        ]  # fmt: skip
        holding.release(
            connection,
            site,
            now=datetime.now(UTC),
            names={each.name for each in going},
            indefinitely=unclean,
            unused=unused and not unclean,
        )
        shares = _shares(connection, site)
        for name, amount in self._amounts(after).items():
            if name not in counted and shares.get(name, amount) != amount:
                holding.adjust(connection, site, name, amount)
        return going

    def _after(self, connection: Connection, site: str, taken: Sequence[Item]) -> list[Item]:
        """Return what gives the site something, or is about to, once ``taken`` is taken back."""
        gone = {(item.order_id, item.item_id) for item in taken}
        stays = [
            item
            for item in site_items.giving_items(connection, [site])
            if (item.order_id, item.item_id) not in gone and item.step in GIVING
        ]
        return stays + standing.earlier_items(connection, site, taken)

    def _still_given(self, connection: Connection, site: str, left: Collection[str]) -> set[str]:
        """Return the shares that items of these keys have, or have had."""
        if not left:
            return set()
        items = site_items.items_of_site(connection, site)
        return set(self._amounts(item for item in items if item.key in left))

    def _names(self, items: Iterable[Item]) -> set[str]:
        return {request.name for item in items for request in self._requests(item)}

    def _amounts(self, items: Iterable[Item]) -> dict[str, int]:
        """Return how much is needed by name: the most, where one item is to change another."""
        found: dict[str, int] = {}
        for item in items:
            for request in self._requests(item):
                if request.amount is not None:
                    found[request.name] = max(request.amount, found.get(request.name, 0))
        return found

    def _requests(self, item: Item) -> tuple[ResourceRequest, ...]:
        if item.action not in (Action.ADD, Action.MODIFY):
            return ()
        spec = self._catalog.specification(item.specification, item.version)
        return resource_requests(spec, item.site, typed_characteristics(spec, item.characteristics))


def end_of_waiting(connection: Connection, site: str) -> None:
    """Nothing of the site is anywhere any more: what was left there before need not wait."""
    left = rollbacks.resting(connection, site) + cancellations.resting(connection, site)
    holding.limit_quarantine(connection, left, datetime.now(UTC))


def _held(connection: Connection, site: str) -> list[Held]:
    return [
        Held(holder.name, found.pool, found.value, found.resource_id, found.amount)
        for found in list_resources(connection, ResourceFilter(site=site), limit=_MOST).rows
        for holder in found.holders
        if holder.site == site
    ]


def _shares(connection: Connection, site: str) -> dict[str, int]:
    return {each.name: each.amount for each in _held(connection, site) if each.amount is not None}
