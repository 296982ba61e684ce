"""Carries cancellations out: assessed by the database alone, then taken back site by site.

A task is level-triggered like everything else: each step reads the truth and takes the next one
that is possible, so a killed process loses nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import structlog

from rom.catalog.loader import Catalog
from rom.fulfilment.transitions import Transitions
from rom.model.event_types import OrderEventType
from rom.model.order import Action, Item, Order
from rom.model.order_states import FINAL_ORDER_STATES, ItemState, OrderState
from rom.model.reason import Reason
from rom.model.task import (
    Before,
    Cancellation,
    CancelledSite,
    ItemBefore,
    SiteProgress,
    TaskState,
)
from rom.orders.cancel.cancellation import tell
from rom.store import cancellations, order_items, orders, site_items
from rom.store.database import Connection, Engine
from rom.undo.compensation import BEFORE_INTENT, Compensation, GivenBack
from rom.undo.way_back import Progress

log = structlog.get_logger()

_STEPS = 100  # more than any task has steps without waiting: a fuse


@dataclass(slots=True)
class Advance:
    """What a call of ``advance`` leaves for others."""

    blocked: bool = False
    """The site is being taken back; nothing else may be done there meanwhile."""
    devices: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)


class CancelRunner:
    """Advances cancellations; safe to call again at any point."""

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        transitions: Transitions,
        compensation: Compensation,
        base_url: str,
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._transitions = transitions
        self._compensation = compensation
        self._base_url = base_url

    def sites_under_way(self) -> list[str]:
        """Return the sites with something left to do for a cancellation."""
        with self._engine.connect() as connection:
            return cancellations.sites_under_way(connection)

    def advance(self, site: str) -> Advance:
        """Take the site's cancellations as far as they go now."""
        step = Advance()
        passed: list[str] = []
        for _ in range(_STEPS):
            with self._engine.begin() as connection:
                task = cancellations.next_at_site(connection, site, passed)
                if task is None:
                    break
                if not self._advance(connection, task, site, step):
                    passed.append(task.id)
        return step

    def _advance(
        self, connection: Connection, task: Cancellation, site: str, step: Advance
    ) -> bool:
        """Take one step of one task; tells whether another may be possible at once."""
        row = orders.lock_order(connection, task.order_id)
        items = _items(connection, task)
        if row is None or row.state in FINAL_ORDER_STATES:
            self._end(connection, task, f"order {task.order_id} was final before")
            return True
        if task.state is TaskState.ACKNOWLEDGED:
            self._begin(connection, task, row, items)
            return True
        if not task.sites:
            self._decide(connection, task, items, step)
            return True
        return self._take_back(connection, task, items, site, step)

    def _begin(
        self, connection: Connection, task: Cancellation, row: Order, items: Sequence[Item]
    ) -> None:
        earlier = {item.item_id: _kept(item) for item in items if _is_open(item)}
        cancellations.begin(connection, task.id, Before(row.state, earlier))
        self._tell(connection, task.id, OrderEventType.CANCEL_STATE_CHANGE)
        if task.item_ids is None:
            self._transitions.move_order(
                connection, task.order_id, OrderState.ASSESSING_CANCELLATION
            )
        self._move(connection, items, ItemState.ASSESSING_CANCELLATION)

    def _decide(
        self, connection: Connection, task: Cancellation, items: Sequence[Item], step: Advance
    ) -> None:
        why_not = self._why_not(connection, items)
        sites = {item.site for item in items if item.in_force}
        step.sites |= sites
        if why_not:
            self._restore(connection, task, items, why_not)
            return
        if task.item_ids is None:
            self._transitions.move_order(connection, task.order_id, OrderState.PENDING_CANCELLATION)
        self._move(connection, items, ItemState.PENDING_CANCELLATION)
        cancellations.write_sites(connection, task.id, dict.fromkeys(sites, CancelledSite()))

    def _why_not(self, connection: Connection, items: Sequence[Item]) -> str:
        """Return why the items cannot be taken back; empty when they can."""
        for item in items:
            if item.action is Action.DELETE and item.state is ItemState.COMPLETED:
                return f"item {item.item_id} has given its resources back, which others may have"
        given = {(item.site, item.key) for item in items if item.action == Action.ADD}
        changed = {(item.site, item.key) for item in items}
        # A modify goes back to the whole site as it was, so nothing may have come since.
        modified = {
            item.site
            for item in items
            if item.action is Action.MODIFY and item.step not in BEFORE_INTENT
        }
        sites = {item.site for item in items}
        later = site_items.built_since(connection, items[0].order_id, sites)
        for other in later:
            spec = self._catalog.specification(other.specification, other.version)
            needs = {(other.site, need) for need in spec.needed_keys}
            laid = other.site in modified and other.step not in BEFORE_INTENT
            if laid or (other.site, other.key) in changed or needs & given:
                return (
                    f"order {other.order_id} has built {other.specification} at {other.site} "
                    "on it since; cancel or delete that first"
                )
        return ""

    def _restore(
        self, connection: Connection, task: Cancellation, items: Sequence[Item], why: str
    ) -> None:
        """Put order and items back exactly where they were; a denial shows in nothing else."""
        for item in items:
            earlier = task.before.items.get(item.item_id)
            if earlier is None:
                continue
            self._transitions.move(
                connection,
                item,
                earlier.state,
                step=earlier.step,
                reason=earlier.reason,
                attempts=earlier.attempts,
                due_at=earlier.due_at,
                short_of=earlier.short_of,
                by_cancellation=True,
            )
        orders.add_note(connection, task.order_id, None, f"{Reason.CANCEL_DENIED}: {why}")
        if task.item_ids is None and task.before.order is not None:
            self._transitions.move_order(connection, task.order_id, task.before.order)
        self._end(connection, task, f"denied: {why}")

    def _take_back(
        self,
        connection: Connection,
        task: Cancellation,
        items: Sequence[Item],
        site: str,
        step: Advance,
    ) -> bool:
        here = [item for item in items if item.site == site and item.in_force]
        found = task.sites.get(site)
        if found is None or found.state is SiteProgress.CLEAN:
            return False
        progress = (
            self._compensation.step(connection, task.id, site, here, found.given_up)
            if here
            else Progress(is_over=True)
        )
        if progress.wake is not None:
            step.devices.add(progress.wake)
        if not progress.is_clean:
            step.blocked = True
            self._note_stuck(connection, task, here, site, dict(progress.stuck))
            return False
        given_back = (
            self._compensation.give_back(connection, site, here, unclean=bool(found.given_up))
            if here
            else GivenBack()
        )
        done = replace(
            found,
            state=SiteProgress.CLEAN,
            devices={},
            released=given_back.released,
            resting=given_back.resting,
        )
        sites = {**task.sites, site: done}
        cancellations.write_sites(connection, task.id, sites)
        if all(each.state is SiteProgress.CLEAN for each in sites.values()):
            self._finish(connection, task, items, step)
        return True

    def _note_stuck(
        self,
        connection: Connection,
        task: Cancellation,
        items: Sequence[Item],
        site: str,
        stuck: dict[str, str],
    ) -> None:
        """Say once what keeps a device from being taken back; it is tried on and on."""
        found = task.sites[site]
        state = replace(
            found, state=SiteProgress.STUCK if stuck else SiteProgress.OPEN, devices=stuck
        )
        if state == found:
            return
        cancellations.write_sites(connection, task.id, {**task.sites, site: state})
        if not stuck.keys() - found.devices.keys():
            return
        words = "; ".join(f"{device}: {why}" for device, why in sorted(stuck.items()))
        orders.add_note(
            connection, task.order_id, items[0].item_id, f"{Reason.CANCEL_STUCK}: {words}"
        )
        self._tell(connection, task.id, OrderEventType.CANCEL_INFORMATION_REQUIRED, "note")
        log.warning("cancellation.stuck", task=task.id, site=site, devices=sorted(stuck))

    def _finish(
        self, connection: Connection, task: Cancellation, items: Sequence[Item], step: Advance
    ) -> None:
        now = datetime.now(UTC)
        reason = task.document.get("cancellationReason")
        if task.item_ids is None:
            orders.note_cancelled(connection, task.order_id, now, reason)
        why = f" ({reason})" if reason else ""
        for item in items:
            if item.state is ItemState.COMPLETED:
                note = f"{Reason.ROLLED_BACK}: by {task.id}{why}"
                orders.add_note(connection, task.order_id, item.item_id, note)
        self._move(
            connection, items, ItemState.CANCELLED, note=f"{Reason.CANCELLED}: by {task.id}{why}"
        )
        order_items.resources_came(connection)
        self._end(connection, task, "", effective_at=now)
        step.sites |= {item.site for item in items}

    def _end(
        self,
        connection: Connection,
        task: Cancellation,
        note: str,
        effective_at: datetime | None = None,
    ) -> None:
        if task.state is TaskState.ACKNOWLEDGED:
            cancellations.begin(connection, task.id, Before())
            self._tell(connection, task.id, OrderEventType.CANCEL_STATE_CHANGE)
        cancellations.end(connection, task.id, note, effective_at)
        self._tell(connection, task.id, OrderEventType.CANCEL_STATE_CHANGE)
        log.info("cancellation.done", task=task.id, order_id=task.order_id, note=note)

    def _move(
        self,
        connection: Connection,
        items: Sequence[Item],
        state: ItemState,
        *,
        note: str = "",
    ) -> None:
        for item in items:
            if _is_open(item):
                self._transitions.move(
                    connection, item, state, reason=None, note=note, by_cancellation=True
                )

    def _tell(
        self,
        connection: Connection,
        task_id: str,
        event_type: OrderEventType,
        field_path: str | None = None,
    ) -> None:
        tell(connection, self._transitions, self._base_url, task_id, event_type, field_path)


def _items(connection: Connection, task: Cancellation) -> list[Item]:
    return [
        item
        for item in order_items.items_of_orders(connection, [task.order_id])
        if task.means(item.item_id)
    ]


def _is_open(item: Item) -> bool:
    return item.is_open


def _kept(item: Item) -> ItemBefore:
    return ItemBefore(
        item.state, item.step, item.reason, item.attempts, item.due_at, tuple(item.short_of)
    )
