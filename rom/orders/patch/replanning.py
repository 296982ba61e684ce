"""Replanning an order under way: while nothing of a site's items has left, its plan is redone.

Reservations are exchanged in the caller's transaction: either the order has all it needs for the
amended items, or it keeps what it had and stays as it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from inventory import holding, reservation
from inventory.model import BundleRequest, ResourceRequest
from inventory.requests import references
from rom.catalog.characteristics import typed_characteristics
from rom.catalog.loader import Catalog
from rom.catalog.planning import resource_requests
from rom.fulfilment.fairness import refuse_overtaking
from rom.fulfilment.transitions import Transitions
from rom.model.errors import NotPossible, OrderRefused
from rom.model.order import Action, Item, NewItem, NewOrder, Order
from rom.model.order_states import FINAL_ITEM_STATES, ItemState, Step
from rom.model.reason import Reason
from rom.orders.admission import admit
from rom.orders.parse import parse_order
from rom.orders.patch.amended import Amended
from rom.orders.validate import check_customer, judge
from rom.store import changes, order_items, orders
from rom.store.database import Connection
from rom.store.scope import known_sites
from rom.undo.compensation import Compensation, anything_sent


class Replanner:
    """Writes an amended order within the caller's transaction."""

    def __init__(
        self, catalog: Catalog, transitions: Transitions, compensation: Compensation
    ) -> None:
        self._catalog = catalog
        self._transitions = transitions
        self._compensation = compensation

    def replan(
        self,
        connection: Connection,
        row: Order,
        stored: Sequence[Item],
        amended: Amended,
    ) -> None:
        """Write the order as it shall be; its items and the order are locked.

        Raises ``OrderRefused``, ``NotPossible`` and ``ResourceExhausted``.
        """
        sites = {item.site for item in amended.order.items}
        check_customer(amended.order, known_sites(connection, sites))
        orders.amend(connection, row.id, amended.order.document, amended.order.customer or "")
        # Events show the document, so it is there before its items move.
        if amended.items:
            self._replan_items(connection, row, stored, amended.order)

    def _replan_items(
        self, connection: Connection, row: Order, stored: Sequence[Item], new: NewOrder
    ) -> None:
        rows = {item.item_id: item for item in stored}
        before = {item.id: item for item in parse_order(row.document).items}
        order = self._judged(connection, rows, new)
        removed = [rows[name] for name in rows if name not in {item.id for item in order.items}]
        changed = [
            item for item in order.items if item.id in rows and _differs(before[item.id], item)
        ]
        added = [item for item in order.items if item.id not in rows]
        for old in [*removed, *(rows[item.id] for item in changed)]:
            _refuse_final(old)
        for item in changed:
            _refuse_all_but_add(item)
        sites = {old.site for old in removed} | {item.site for item in (*changed, *added)}
        held = {site: self._recall(connection, site, stored) for site in sorted(sites)}
        self._write(connection, row.id, order, removed, changed, rows)
        for site, was_reserved in held.items():
            if was_reserved:
                self._exchange(connection, row.id, site, stored)
        _set_going(connection, self._transitions, row.id, sites, changed)

    def _judged(self, connection: Connection, rows: Mapping[str, Item], new: NewOrder) -> NewOrder:
        """Type the items by their specifications, known ones in the version of their order."""
        items = []
        for index, item in enumerate(new.items):
            old = rows.get(item.id)
            if old is None:
                items.append(item)
                continue
            for name, is_other in (
                ("action", item.action != old.action),
                ("resourceSpecification", item.specification != old.specification),
                ("resource.place", item.site != old.site),
            ):
                if is_other:
                    raise OrderRefused(
                        f"orderItem[{index}].{name}",
                        f"of item {item.id} cannot be changed",
                        "remove the item and add another one",
                    )
            items.append(replace(item, specification_version=old.version))
        return judge(
            replace(new, items=tuple(items)),
            self._catalog,
            partial(known_sites, connection),
            existing=rows.keys(),
        )

    def _recall(
        self,
        connection: Connection,
        site: str,
        stored: Sequence[Item],
    ) -> bool:
        """Take the order's changes at a site back before they leave; tells whether it holds things.

        Raises ``NotPossible`` when something has left already.
        """
        here = [item for item in stored if item.site == site]
        if not here:
            return False
        if anything_sent(connection, site, here):
            names = ", ".join(item.item_id for item in here if item.state not in FINAL_ITEM_STATES)
            raise NotPossible(
                "itemStarted",
                f"orderItem: devices of site {site} have got something of {names} already",
                "Wait until it is completed and send a modify order, or cancel this one",
            )
        queued = [item for item in here if item.step is Step.QUEUED]
        if queued:
            self._compensation.step(connection, "", site, queued)
            changes.forget(connection, queued[0].order_id, [item.item_id for item in queued])
        return any(
            item.step is not Step.ASSESSING for item in here if item.state not in FINAL_ITEM_STATES
        )

    def _write(
        self,
        connection: Connection,
        order_id: str,
        order: NewOrder,
        removed: Sequence[Item],
        changed: Sequence[NewItem],
        known: Mapping[str, Item],
    ) -> None:
        order_items.remove_items(connection, order_id, [item.item_id for item in removed])
        admitted = admit(connection, self._catalog, order, existing=set(known))
        added = [item for item in admitted.items if item.id not in known]
        position = {item.id: index for index, item in enumerate(order.items)}
        order_items.insert_items(
            connection, order_id, [(position[item.id], item) for item in added]
        )
        new = {item.id: item for item in changed}
        for name, index in position.items():
            order_items.amend_item(connection, order_id, name, index, new.get(name))

    def _exchange(
        self, connection: Connection, order_id: str, site: str, stored: Sequence[Item]
    ) -> None:
        """Give back what is no longer wanted as it is, and reserve what is; all or nothing."""
        now = [
            item
            for item in order_items.items_of_orders(connection, [order_id])
            if item.site == site and item.state not in FINAL_ITEM_STATES
        ]
        old = self._requests([item for item in stored if item.site == site])
        new = self._requests(now)
        stale = {
            name
            for name, request in old.items()
            if name not in new or not _is_same(request, new[name])
        }
        while more := {
            name
            for name, request in new.items()
            if name not in stale and {each.name for each in references(request).values()} & stale
        }:
            stale |= more
        holding.release(
            connection, site, now=datetime.now(UTC), names=stale, order_id=order_id, unused=True
        )
        if now:
            reservation.reserve(connection, self._bundle(now))
            for name, request in new.items():
                if request.amount is not None and name in old and name not in stale:
                    holding.adjust(connection, site, name, request.amount)
            refuse_overtaking(connection, now, new.values())
        for item in now:
            self._transitions.move(connection, item, ItemState.IN_PROGRESS, step=Step.RESERVED)

    def _bundle(self, items: Sequence[Item]) -> BundleRequest:
        owners = {name: item.item_id for item in items for name in self._requests([item])}
        return BundleRequest(
            site=items[0].site,
            order_id=items[0].order_id,
            requests=tuple(self._requests(items).values()),
            items=owners,
        )

    def _requests(self, items: Sequence[Item]) -> dict[str, ResourceRequest]:
        found: dict[str, ResourceRequest] = {}
        for item in items:
            if item.action not in (Action.ADD, Action.MODIFY):
                continue
            spec = self._catalog.specification(item.specification, item.version)
            typed = typed_characteristics(spec, item.characteristics)
            for request in resource_requests(spec, item.site, typed):
                found[request.name] = request
        return found


def _differs(before: NewItem, now: NewItem) -> bool:
    return (before.characteristics, before.depends_on) != (now.characteristics, now.depends_on)


def _is_same(before: ResourceRequest, now: ResourceRequest) -> bool:
    """An amount may differ: only the difference is taken or given back."""
    return (before.kind, dict(before.match)) == (now.kind, dict(now.match))


def _refuse_final(item: Item) -> None:
    if item.state in FINAL_ITEM_STATES:
        raise NotPossible(
            "itemFinal",
            f"orderItem: item {item.item_id} of order {item.order_id} is {item.state}",
            "Send a modify or delete order for it",
        )


def _refuse_all_but_add(item: NewItem) -> None:
    if item.action is not Action.ADD:
        raise NotPossible(
            "itemNotAmendable",
            f"orderItem: item {item.id} is a {item.action}, which is not amended",
            "Remove it, or cancel it, and order what you want instead",
        )


def _set_going(
    connection: Connection,
    transitions: Transitions,
    order_id: str,
    sites: set[str],
    changed: Sequence[NewItem],
) -> None:
    """What was held before anything was reserved is tried with the new plan; changes are noted."""
    names = {item.id for item in changed}
    for item in order_items.items_of_orders(connection, [order_id]):
        if item.site not in sites:
            continue
        if item.item_id in names:
            orders.add_note(
                connection, order_id, item.item_id, f"{Reason.AMENDED}: the plan is redone"
            )
        if item.state == ItemState.HELD and item.step == Step.ASSESSING:
            transitions.move(connection, item, ItemState.IN_PROGRESS)
