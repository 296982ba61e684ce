"""Backing out: a modify that one device refuses goes back on the devices that have taken it.

A service that customers use is left as it was rather than half changed. The item is held
afterwards, before its reservation, so that a retry asks for everything anew. An add that is
refused stays where it is: nobody uses it yet, and what is missing is asked for again.
"""

from collections.abc import Callable, Collection, Sequence

from inventory import holding
from inventory.states import HoldingState
from rom.answers.orders import BackOut
from rom.answers.sites import TakenBack
from rom.catalog.planning import resource_requests
from rom.catalog.site_view import SiteView
from rom.fulfilment.transitions import Transitions
from rom.model.change import Change, ChangeState
from rom.model.deed import GATEWAY, DeedKind
from rom.model.order import Action, Item
from rom.model.order_states import ItemState, Step
from rom.model.reason import Reason
from rom.model.verdict import Outcome, VerdictKind
from rom.store import change_list, changes, intents, snapshots, verdicts
from rom.store.database import Connection
from rom.trail import trail
from rom.undo import results
from rom.undo.compensation import Compensation, before_change, sent_with

Wake = Callable[[str], None]
_ON_ITS_WAY = frozenset({Step.QUEUED, Step.VERIFYING, Step.MEASURING})
_MOVING = frozenset({ItemState.IN_PROGRESS, ItemState.PENDING})


class BackingOut:
    """Backs out one order's modifies at a site, all of them together: they share devices."""

    def __init__(self, transitions: Transitions, compensation: Compensation) -> None:
        self._transitions = transitions
        self._compensation = compensation

    def advance(self, connection: Connection, view: SiteView, wake: Wake) -> bool | None:
        """Take the site's back-out further, or begin one that is due.

        Tells whether anything moved; ``None`` where nothing is backed out.
        """
        group = [
            item
            for item in view.open_items
            if item.step is Step.BACKING_OUT and item.state is ItemState.IN_PROGRESS
        ]
        if not group:
            return self._begin(connection, view) or None
        rows = [
            row
            for item in group
            for row in change_list.of_item(connection, item.order_id, item.item_id)
        ]
        task_id = f"{group[0].order_id}/{max((row.id for row in rows), default=0)}"
        progress = self._compensation.back_out(connection, task_id, view.site, group)
        if progress.wake is not None:
            wake(progress.wake)
        if not progress.is_over:
            return False
        refused = _refusal(rows)
        why = f"{refused.device}: {refused.error}" if refused else "refused"
        self._end(connection, view, group, task_id, why)
        return True

    def _begin(self, connection: Connection, view: SiteView) -> bool:
        """Begin for a modify with a refused change; tells whether there is one that can go back.

        Where somebody else has changed the site since, what was before is not what should be
        there now, so that people decide.
        """
        group = [
            item
            for item in view.open_items
            if item.action is Action.MODIFY and item.step in _ON_ITS_WAY and item.state in _MOVING
        ]
        refused = next(filter(None, (_refused(connection, item) for item in group)), None)
        if refused is None or len({item.order_id for item in group}) > 1:
            return False
        number = before_change(connection, group)
        if snapshots.others_since(connection, view.site, number, sent_with(connection, group)):
            return False
        why = f"{refused.reason}: {refused.device}: {refused.error}"
        trail.record(
            connection,
            GATEWAY,
            DeedKind.CHANGE_BACKED_OUT,
            sites=[view.site],
            devices=[refused.device],
            order_id=group[0].order_id,
            reason=why,
            details={"items": [item.item_id for item in group]},
        )
        for item in group:
            self._transitions.move(
                connection,
                item,
                ItemState.IN_PROGRESS,
                step=Step.BACKING_OUT,
                reason=refused.reason,
                note=f"{why}; what other devices have taken of it goes back",
            )
        return True

    def _end(
        self,
        connection: Connection,
        view: SiteView,
        group: Sequence[Item],
        task_id: str,
        why: str,
    ) -> None:
        devices = tuple(
            results.of_device(
                connection, intents.fragments(connection, change.device, view.site), change
            )
            for change in change_list.of_task(connection, task_id)
        )
        done = BackOut(refused=why, verdict=results.worst(devices), devices=devices)
        clean = done.verdict is Outcome.VERIFIED
        self._compensation.settle_back_out(
            connection, view.site, group, left=() if clean else {item.key for item in group}
        )
        self._in_use_again(connection, view, group)
        changes.drop(connection, group)
        for item in group:
            verdicts.keep(
                connection,
                order_id=item.order_id,
                item_id=item.item_id,
                site=view.site,
                kind=VerdictKind.ROLLBACK,
                result=done.verdict,
                evidence=done.on_the_wire(),
            )
            reason = item.reason or Reason.DEVICE_REFUSED
            self._transitions.move(
                connection,
                item,
                ItemState.HELD,
                step=Step.ASSESSING,
                reason=reason,
                note=f"{reason}: {why}; {_outcome(devices)}",
            )

    @staticmethod
    def _in_use_again(connection: Connection, view: SiteView, group: Collection[Item]) -> None:
        keys = {item.key for item in group}
        names = {
            request.name
            for item in view.completed
            if item.key in keys and item.action is not Action.DELETE
            for request in resource_requests(view.specification(item), view.site, view.typed(item))
        }
        holding.mark(connection, view.site, names, HoldingState.IN_USE)


def _refused(connection: Connection, item: Item) -> Change | None:
    rows = change_list.of_item(connection, item.order_id, item.item_id)
    return _refusal(rows) if item.step is Step.QUEUED else None


def _refusal(rows: Sequence[Change]) -> Change | None:
    """Return the change that was refused first; what was withdrawn for it does not count."""
    refused = [row for row in rows if row.state is ChangeState.REFUSED]
    return next((row for row in refused if row.reason != Reason.CANCELLED), None)


def _outcome(devices: Sequence[TakenBack]) -> str:
    """Say what the other devices hold now."""
    if not devices:
        return "no other device had taken anything of it"
    back = [each.device for each in devices if each.verdict is Outcome.VERIFIED]
    words = [f"{', '.join(back)} back as before"] if back else []
    words += [
        f"{each.device} may still have it ({each.reason or each.verdict})"
        for each in devices
        if each.device not in back
    ]
    return "; ".join(words)
