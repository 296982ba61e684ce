"""Proof: operational checks and measurement decide whether an item is completed.

This is the part of fulfilment that talks to the network, so it holds no transaction while it
does: it reads what is due, asks and measures, and writes by compare and set.
"""

from dataclasses import asdict, dataclass

from adapters.errors import AdapterError
from adapters.seam import Query
from device_profiles.checks import Check, CheckResult, checks
from device_profiles.errors import ProfileError
from rom.catalog.errors import CatalogError
from rom.catalog.planning import configurations
from rom.catalog.roles import load_roles
from rom.catalog.site_view import SiteView
from rom.devices.directory import DeviceDirectory, NoDevice
from rom.fulfilment.measuring import Measurer
from rom.fulfilment.outcomes import Outcomes, is_due
from rom.fulfilment.transitions import Transitions
from rom.model.device import Device
from rom.model.order import Item
from rom.model.order_states import ItemState, Step
from rom.store.database import Engine


@dataclass(frozen=True, slots=True)
class ProofSettings:
    """How proof is taken; seconds and counts."""

    retry_seconds: float
    twamp_packets: int
    twamp_interval: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found on one device."""

    device: str
    check: str
    result: CheckResult
    reason: str
    value: str | None


class Prover:
    """Takes items that are on their devices to ``completed``, or says what is missing."""

    def __init__(
        self,
        engine: Engine,
        transitions: Transitions,
        devices: DeviceDirectory,
        settings: ProofSettings,
    ) -> None:
        self._engine = engine
        self._devices = devices
        self._outcomes = Outcomes(engine, transitions, settings.retry_seconds)
        self._measurer = Measurer(
            engine, self._outcomes, settings.twamp_packets, settings.twamp_interval
        )

    def prove(self, view: SiteView) -> bool:
        """Look at every item whose checks are due; tells whether any of them moved on."""
        moved = False
        for item in view.open_items:
            asleep = item.state is ItemState.HELD and item.due_at is None
            due = item.step is Step.VERIFYING and is_due(item) and not asleep
            if due and _may_verify(view, item):
                moved = self._verify(view, item) or moved
        return moved

    def measurement_due(self, view: SiteView) -> bool:
        """Tell whether a measurement should run now."""
        return bool(_to_measure(view))

    def measure(self, view: SiteView) -> None:
        """Measure what is due; takes minutes with production's settings."""
        for item in _to_measure(view):
            self._measurer.measure(view, item)

    def _verify(self, view: SiteView, item: Item) -> bool:
        try:
            findings = self._findings(view, item)
        except AdapterError as error:
            if error.retry:
                self._outcomes.again(item, error.reason, str(error), limit=None)
            else:
                self._outcomes.hold(item, error.reason, str(error))
            return False
        except (ProfileError, CatalogError) as error:
            self._outcomes.hold(item, "CANNOT_RENDER", str(error))
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

    def _findings(self, view: SiteView, item: Item) -> list[Finding]:
        findings: list[Finding] = []
        for device, wanted in self._checks(view, item):
            with self._devices.open(device.name, view.site) as session:
                values = session.probe(
                    [Query(c.name, c.path, c.command, c.pattern) for c in wanted]
                )
            for check in wanted:
                value = values.get(check.name)
                result, reason = check.judge(value)
                findings.append(Finding(device.name, check.name, result, reason, value))
        return findings

    def _checks(self, view: SiteView, item: Item) -> list[tuple[Device, tuple[Check, ...]]]:
        found = []
        with self._engine.connect() as connection:
            for role, fragment in self._places(view, item):
                try:
                    device = self._devices.find(connection, role, view.allocations)
                except NoDevice:
                    continue  # a role that this site has no device for, so nothing to ask
                profile = self._devices.profile(device)
                wanted = checks(profile, fragment, view.context(device.as_context()))
                if wanted:
                    found.append((device, wanted))
        return found

    def _places(self, view: SiteView, item: Item) -> list[tuple[str, str]]:
        """Return the roles to ask: those the item configures, and who sees what came by ZTP."""
        roles = load_roles().by_name
        entries = configurations(view.specification(item), view.typed(item))
        places = [(entry.role, entry.fragment) for entry in entries]
        for entry in entries:
            witness = roles[entry.role].proven_at
            if entry.via == "ztp" and witness is not None:
                places.append((witness, entry.fragment))
        return list(dict.fromkeys(places))


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
        and is_due(item)
        and view.precondition_met(item, "measure")
        and view.precondition_met(item, "complete")
    ]


def _words(found: Finding) -> str:
    return f"{found.device}: {found.check} is {found.value!r}"
