"""Verifying: operational checks and measurement decide whether an item is completed.

This is the part of fulfilment that talks to the network, so it holds no transaction while it
does: it reads what is due, asks and measures, and writes by compare and set.
"""

from dataclasses import asdict, dataclass

from adapters.errors import AdapterError
from device_profiles.checks import CheckResult
from device_profiles.errors import ProfileError
from rom.catalog.errors import CatalogError
from rom.catalog.site_view import SiteView
from rom.devices.directory import DeviceDirectory
from rom.fulfilment.arrivals import Arrivals
from rom.fulfilment.measuring import Measurer
from rom.fulfilment.outcomes import Outcomes
from rom.fulfilment.transitions import Transitions
from rom.model.order import Item
from rom.model.order_states import ItemState, Step
from rom.model.reason import Reason
from rom.proof.checks import Checker, Finding
from rom.store.database import Engine


@dataclass(frozen=True, slots=True)
class ProofSettings:
    """How proof is taken; seconds and counts."""

    retry_seconds: float
    twamp_packets: int
    twamp_interval: float


class Prover:
    """Takes items that are on their devices to ``completed``, or says what is missing."""

    def __init__(
        self,
        engine: Engine,
        transitions: Transitions,
        devices: DeviceDirectory,
        settings: ProofSettings,
    ) -> None:
        self._arrivals = Arrivals(engine, devices, settings.retry_seconds)
        self._checker = Checker(engine, devices)
        self._outcomes = Outcomes(engine, transitions, settings.retry_seconds)
        self._measurer = Measurer(
            engine, self._outcomes, settings.twamp_packets, settings.twamp_interval
        )

    def prove(self, view: SiteView) -> bool:
        """Look at every item whose checks are due; tells whether any of them moved on.

        Routers that should be there and say nothing are looked for before.
        """
        moved = self._arrivals.look(view.site)
        for item in view.open_items:
            asleep = item.state is ItemState.HELD and item.due_at is None
            due = item.step is Step.VERIFYING and item.is_due and not asleep
            if due and _may_verify(view, item):
                moved = self._verify(view, item) or moved
        return moved

    def sites_with_silent_routers(self) -> set[str]:
        """Return the sites where ``prove`` has routers to look for."""
        return self._arrivals.sites()

    def measurement_due(self, view: SiteView) -> bool:
        """Tell whether a measurement should run now."""
        return bool(_to_measure(view))

    def measure(self, view: SiteView) -> None:
        """Measure what is due; takes minutes with production's settings."""
        for item in _to_measure(view):
            self._measurer.measure(view, item)

    def _verify(self, view: SiteView, item: Item) -> bool:
        try:
            findings = self._checker.findings(view, item)
        except AdapterError as error:
            if error.retry:
                self._outcomes.again(item, error.reason, str(error), limit=None)
            else:
                self._outcomes.hold(item, error.reason, str(error))
            return False
        except (ProfileError, CatalogError) as error:
            self._outcomes.hold(item, Reason.CANNOT_RENDER, str(error))
            return False
        waiting = [found for found in findings if found.result is CheckResult.WAITING]
        # A value that is not there is no finding while something else has to happen first.
        bad = [
            found
            for found in findings
            if found.result is CheckResult.FAILED and (found.value is not None or not waiting)
        ]
        if bad:
            self._outcomes.again(item, bad[0].reason, _words(bad[0]), heals=True)
        elif waiting:
            self._outcomes.await_(item, waiting[0].reason, _words(waiting[0]))
        else:
            evidence = {"checks": [asdict(found) for found in findings]}
            self._outcomes.verified(view, item, evidence, proven=bool(findings))
        return not (bad or waiting)


def _may_verify(view: SiteView, item: Item) -> bool:
    """Ask for completion too where nothing follows: proof is as fresh as what it completes."""
    last = "measure" not in view.specification(item).steps
    return view.precondition_met(item, "verify") and (
        not last or view.precondition_met(item, "complete")
    )


def _to_measure(view: SiteView) -> list[Item]:
    return [
        item
        for item in view.open_items
        if item.state is not ItemState.HELD
        and item.step is Step.MEASURING
        and item.is_due
        and view.precondition_met(item, "measure")
        and view.precondition_met(item, "complete")
    ]


def _words(found: Finding) -> str:
    return f"{found.device}: {found.check} is {found.value!r}"
