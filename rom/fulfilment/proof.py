"""Proof: operational checks and measurement decide whether an item is completed.

This is the part of fulfilment that talks to the network, so it holds no transaction while it
does: it reads what is due, asks and measures, and writes by compare and set.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from adapters.errors import AdapterError
from adapters.seam import Query
from adapters.twamp.judgement import Judgement, Verdict, judge
from adapters.twamp.measurement import Measurement
from adapters.twamp.sender import measure
from device_profiles.checks import Check, CheckResult, checks
from inventory import holding
from rom.catalog.planning import configurations, resource_requests
from rom.fulfilment import staging
from rom.fulfilment.targets import NoTarget, Target, Targets, twamp_address
from rom.fulfilment.transitions import Transitions
from rom.fulfilment.view import Item, SiteView
from rom.orders.states import ItemState
from rom.store.tables import verdict, ztp_ticket

log = structlog.get_logger()

MAXIMUM_ATTEMPTS = 5
MAXIMUM_EXTENSIONS = 3


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
        engine: sa.Engine,
        transitions: Transitions,
        targets: Targets,
        settings: ProofSettings,
    ) -> None:
        self._engine = engine
        self._transitions = transitions
        self._targets = targets
        self._settings = settings

    def prove(self, view: SiteView) -> bool:
        """Prove every item that is due; tells whether any of them moved on."""
        moved = False
        for item in view.open_items:
            if item.state == ItemState.HELD or not _due(item):
                continue
            if item.step == "verifying" and view.gate_open(item, "complete"):
                moved = self._verify(view, item) or moved
            elif item.step == "measuring":
                moved = self._measure(view, item) or moved
        return moved

    def _verify(self, view: SiteView, item: Item) -> bool:
        try:
            findings = self._findings(view, item)
        except AdapterError as error:
            return self._again(item, error.reason, str(error), endless=error.retry)
        bad = [found for found in findings if found.result is CheckResult.FAILED]
        waiting = [found for found in findings if found.result is CheckResult.WAITING]
        if bad:
            return self._again(item, bad[0].reason, _words(bad[0]), endless=False)
        if waiting:
            return self._await(item, waiting[0])
        evidence = {"checks": [asdict(found) for found in findings]}
        with self._engine.begin() as connection:
            _keep_verdict(connection, view, item, "checks", "VERIFIED", evidence)
            if "measure" in view.specification(item).steps:
                self._transitions.move(
                    connection, item, ItemState.IN_PROGRESS, step="measuring", attempts=0
                )
            else:
                self._complete(connection, view, item)
        return True

    def _findings(self, view: SiteView, item: Item) -> list[Finding]:
        findings: list[Finding] = []
        for target, wanted in self._checks(view, item):
            with self._targets.open(target.device, view.site) as session:
                values = session.probe(
                    [Query(c.name, c.path, c.command, c.pattern) for c in wanted]
                )
            for check in wanted:
                value = values.get(check.name)
                result, reason = check.judge(value)
                findings.append(Finding(target.device, check.name, result, reason, value))
        return findings

    def _checks(self, view: SiteView, item: Item) -> list[tuple[Target, tuple[Check, ...]]]:
        found = []
        with self._engine.connect() as connection:
            for role, fragment in self._places(view, item):
                try:
                    target = self._targets.find(connection, role, view.allocations)
                except NoTarget:
                    continue  # a role that this site has no device for, so nothing to ask
                profile = self._targets.profile(target)
                wanted = checks(profile, fragment, view.context(target.as_context()))
                if wanted:
                    found.append((target, wanted))
        return found

    def _places(self, view: SiteView, item: Item) -> list[tuple[str, str]]:
        """Return the roles to ask: those the item configures, and the router's neighbour."""
        spec = view.specification(item)
        entries = configurations(spec, view.typed(item))
        places = [(entry.role, entry.fragment) for entry in entries]
        if any(entry.via == "ztp" for entry in entries):
            places.append(("bng", next(e.fragment for e in entries if e.via == "ztp")))
        return list(dict.fromkeys(places))

    def _measure(self, view: SiteView, item: Item) -> bool:
        with self._engine.connect() as connection:
            target = twamp_address(connection, view.allocations)
        limits = view.typed(item)
        try:
            found = measure(
                target,
                packets=self._settings.twamp_packets,
                interval=self._settings.twamp_interval,
            )
        except AdapterError as error:
            return self._again(item, "TWAMP_UNREACHABLE", str(error), endless=False)
        said = judge(
            found, latency_ms=limits["latencyMs"], loss_percent=limits["packetLossPercent"]
        )
        with self._engine.begin() as connection:
            evidence = _evidence(view, found, said, limits)
            _keep_verdict(connection, view, item, "twamp", said.verdict.value, evidence)
            if said.verdict is Verdict.PASS:
                self._complete(connection, view, item)
        if said.verdict is Verdict.PASS:
            return True
        limit = MAXIMUM_EXTENSIONS if said.verdict is Verdict.EXTEND else MAXIMUM_ATTEMPTS
        return self._again(item, said.code, "; ".join(said.reasons), endless=False, limit=limit)

    def _complete(self, connection: sa.Connection, view: SiteView, item: Item) -> None:
        names = [
            request.name
            for request in resource_requests(view.specification(item), view.site, view.typed(item))
        ]
        holding.mark(connection, view.site, names, "in-use")
        serial = connection.scalar(
            sa.select(ztp_ticket.c.serial).where(
                ztp_ticket.c.order_id == item.order_id, ztp_ticket.c.item_id == item.item_id
            )
        )
        if serial is not None:
            staging.close(connection, serial)
        self._transitions.move(connection, item, ItemState.COMPLETED, step="done")
        log.info("item.completed", order=item.order_id, item=item.item_id, site=view.site)

    def _await(self, item: Item, found: Finding) -> bool:
        """Something outside has to happen first; that may take days and is no failure."""
        note = "" if item.reason == found.reason else f"{found.reason}: {_words(found)}"
        with self._engine.begin() as connection:
            self._transitions.move(
                connection,
                item,
                ItemState.PENDING,
                reason=found.reason,
                note=note,
                due_at=self._later(),
            )
        return False

    def _again(
        self,
        item: Item,
        reason: str,
        text: str,
        *,
        endless: bool,
        limit: int = MAXIMUM_ATTEMPTS,
    ) -> bool:
        """Try again after a pause that gives the network time to settle; then hold the item."""
        attempts = item.attempts + 1
        hold = attempts >= limit and not endless
        fresh = hold or item.reason != reason
        with self._engine.begin() as connection:
            self._transitions.move(
                connection,
                item,
                ItemState.HELD if hold else ItemState.IN_PROGRESS,
                reason=reason,
                note=f"{reason}: {text}" if fresh else "",
                due_at=None if hold else self._later(min(attempts, 4) / 4),
                attempts=attempts,
            )
        return False

    def _later(self, part: float = 1.0) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._settings.retry_seconds * part)


def _due(item: Item) -> bool:
    return item.due_at is None or item.due_at <= datetime.now(UTC)


def _words(found: Finding) -> str:
    return f"{found.device}: {found.check} is {found.value!r}"


def _keep_verdict(
    connection: sa.Connection,
    view: SiteView,
    item: Item,
    kind: str,
    result: str,
    evidence: dict[str, Any],
) -> None:
    connection.execute(
        sa.insert(verdict).values(
            order_id=item.order_id,
            item_id=item.item_id,
            site=view.site,
            kind=kind,
            result=result,
            evidence=evidence,
        )
    )


def _evidence(
    view: SiteView, found: Measurement, said: Judgement, limits: dict[str, Any]
) -> dict[str, Any]:
    return {
        "site": view.site,
        "probe": view.allocations["probe"]["value"],
        "target": found.target,
        "sent": found.sent,
        "received": found.received,
        "lost": found.lost,
        "loss_percent": found.loss_percent,
        "loss_upper_bound_percent": found.loss_upper_percent,
        "rtt_ms": {
            "min": found.rtt_min_ms,
            "p50": found.rtt_p50_ms,
            "p95": found.rtt_p95_ms,
            "p99": found.rtt_p99_ms,
            "max": found.rtt_max_ms,
        },
        "limits": {
            "availability_percent": limits["availabilityPercent"],
            "latency_ms": limits["latencyMs"],
            "loss_percent": limits["packetLossPercent"],
        },
        "verdict": said.verdict.value,
        "reasons": list(said.reasons),
        "seconds": found.seconds,
    }
