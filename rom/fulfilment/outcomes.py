"""What becomes of an item that was looked at: completed, looked at again, awaited or held."""

from datetime import timedelta
from typing import Any

from rom.catalog.site_view import SiteView
from rom.fulfilment.completing import complete
from rom.fulfilment.transitions import Transitions
from rom.model.order import Item
from rom.model.order_states import ItemState, Step
from rom.model.reason import Reason
from rom.model.verdict import Outcome, VerdictKind
from rom.store import verdicts
from rom.store.database import Connection, Engine

SETTLING_LOOKS = 3
"""So many looks find a network that is still settling; nobody is told of them."""
MAXIMUM_ATTEMPTS = 5
"""Looks after those before an item is held."""


_UNPROVEN = "no device of the item has a check for it, so only what was read back is certain"


class Outcomes:
    """Writes what a look at the network has led to, by compare and set."""

    def __init__(self, engine: Engine, transitions: Transitions, retry_seconds: float) -> None:
        self._engine = engine
        self._transitions = transitions
        self._retry = retry_seconds

    def verified(
        self, view: SiteView, item: Item, evidence: dict[str, Any], *, proven: bool
    ) -> None:
        """Keep the proof of an item's checks and go on to its measurement, if it has one.

        One that is not ``proven``, for want of any check, says so.
        """
        result = Outcome.VERIFIED if proven else Outcome.INDETERMINATE
        with self._engine.begin() as connection:
            self._keep_verdict(connection, view, item, VerdictKind.CHECKS, result, evidence)
            if "measure" in view.specification(item).steps:
                self._transitions.move(
                    connection, item, ItemState.IN_PROGRESS, step=Step.MEASURING, attempts=0
                )
            else:
                note = "" if proven else f"{Reason.NO_CHECK}: {_UNPROVEN}"
                complete(connection, self._transitions, view, item, note=note)

    def measured(
        self, view: SiteView, item: Item, result: str, evidence: dict[str, Any], *, passed: bool
    ) -> None:
        """Keep what was measured, whatever it says; complete the item if it passed."""
        with self._engine.begin() as connection:
            self._keep_verdict(connection, view, item, VerdictKind.TWAMP, result, evidence)
            if passed:
                complete(connection, self._transitions, view, item)

    def hold(self, item: Item, reason: str, text: str) -> None:
        """Leave the item to people: looking again would find the same."""
        with self._engine.begin() as connection:
            self._transitions.hold(connection, item, reason, text)

    def await_(self, item: Item, reason: str, text: str) -> None:
        """Something outside has to happen first; that may take days and is no failure."""
        if self._settling(item):
            self._look_again(item, None, "", 1 / 8)
            return
        note = "" if item.reason == reason else f"{reason}: {text}"
        self._look_again(item, reason, note, 1, state=ItemState.PENDING)

    def again(
        self,
        item: Item,
        reason: str,
        text: str,
        *,
        limit: int | None = MAXIMUM_ATTEMPTS,
        settled: bool = False,
        heals: bool = False,
    ) -> None:
        """Look again after a pause; after ``limit`` looks that were no settling, hold the item.

        ``settled`` tells that what was found is a result, not a network still settling. An item
        that ``heals`` is looked at while it is held too: what people put right sets it going.
        """
        if self._settling(item) and not settled:
            self._look_again(item, None, "", 1 / 8)
            return
        failures = max(item.attempts, SETTLING_LOOKS) + 1 - SETTLING_LOOKS
        if limit is not None and failures >= limit:
            if not heals:
                self.hold(item, reason, text)
                return
            note = "" if (item.state, item.reason) == (ItemState.HELD, reason) else text
            self._look_again(
                item, reason, note and f"{reason}: {note}", 1, state=ItemState.HELD, counted=True
            )
            return
        note = "" if item.reason == reason else f"{reason}: {text}; looking again"
        self._look_again(item, reason, note, min(failures, 4) / 4, counted=limit is not None)

    def extend(self, item: Item, reason: str, text: str) -> Item:
        """Say that a test goes on; returns the item as it is now."""
        with self._engine.begin() as connection:
            return self._transitions.move(
                connection,
                item,
                ItemState.IN_PROGRESS,
                reason=reason,
                note="" if item.reason == reason else f"{reason}: {text}",
                attempts=item.attempts,
            )

    @staticmethod
    def _settling(item: Item) -> bool:
        return item.attempts < SETTLING_LOOKS

    def _look_again(
        self,
        item: Item,
        reason: str | None,
        note: str,
        part: float,
        *,
        state: ItemState = ItemState.IN_PROGRESS,
        counted: bool = False,
    ) -> None:
        """Only failures are ``counted`` beyond settling: waiting for days must not use them up."""
        attempts = min(item.attempts + 1, SETTLING_LOOKS)
        if counted:
            attempts = max(item.attempts, SETTLING_LOOKS) + 1
        due = timedelta(seconds=self._retry * part)
        with self._engine.begin() as connection:
            self._transitions.move(
                connection, item, state, reason=reason, note=note, due_at=due, attempts=attempts
            )

    def _keep_verdict(
        self,
        connection: Connection,
        view: SiteView,
        item: Item,
        kind: VerdictKind,
        result: str,
        evidence: dict[str, Any],
    ) -> None:
        verdicts.keep(
            connection,
            order_id=item.order_id,
            item_id=item.item_id,
            site=view.site,
            kind=kind,
            result=result,
            evidence=evidence,
        )
