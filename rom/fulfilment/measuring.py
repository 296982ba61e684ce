"""The birth certificate: real packets to the router, judged against what was promised."""

import math
from typing import Any

import structlog

from adapters.errors import AdapterError
from adapters.twamp.judgement import Judgement, Verdict, judge
from adapters.twamp.measurement import Measurement, loss_upper_bound
from adapters.twamp.sender import measure
from rom.catalog.site_view import SiteView
from rom.devices.directory import twamp_address
from rom.fulfilment.outcomes import MAXIMUM_ATTEMPTS, Outcomes
from rom.model.order import Item
from rom.store.database import Engine

log = structlog.get_logger(__name__)

MAXIMUM_EXTENSIONS = 3
MAXIMUM_FAILURES = 2
"""Whole tests that may fail before the item is held; more tries would only draw luck."""
_EXTENSION = 2 / 3
"""An extension's share of the first test: 1 of 50,000 proves what 0 of 30,000 does."""


class Measurer:
    """Measures one item's service; blocks for as long as the test lasts."""

    def __init__(self, engine: Engine, outcomes: Outcomes, packets: int, interval: float) -> None:
        self._engine = engine
        self._outcomes = outcomes
        self._packets = packets
        self._interval = interval

    def measure(self, view: SiteView, item: Item) -> None:
        """Measure, extend the test where a loss leaves it open, and write the outcome."""
        with self._engine.connect() as connection:
            target = twamp_address(connection, view.allocations)
        limits = view.typed(item)
        try:
            found = measure(target, packets=self._packets, interval=self._interval)
            said = _judged(found, limits)
            for _ in range(MAXIMUM_EXTENSIONS):
                if said.verdict is not Verdict.EXTEND:
                    break
                more = math.ceil(self._packets * _EXTENSION)
                text = f"{'; '.join(said.reasons)}; {more} more packets follow"
                item = self._outcomes.extend(item, said.code, text)
                found = combined(found, measure(target, packets=more, interval=self._interval))
                said = _judged(found, limits)
        except AdapterError as error:
            self._outcomes.again(item, "TWAMP_UNREACHABLE", str(error))
            return
        self._conclude(view, item, found, said, limits)

    def _conclude(
        self,
        view: SiteView,
        item: Item,
        found: Measurement,
        said: Judgement,
        limits: dict[str, Any],
    ) -> None:
        passed = said.verdict is Verdict.PASS
        log.info(
            "service.measured",
            order_id=item.order_id,
            item_id=item.item_id,
            site=view.site,
            sent=found.sent,
            lost=found.lost,
            verdict=said.verdict.value,
        )
        evidence = _evidence(view, found, said, limits)
        self._outcomes.measured(view, item, said.verdict.value, evidence, passed=passed)
        if passed:
            return
        silent = said.code == "TWAMP_UNREACHABLE"
        self._outcomes.again(
            item,
            said.code,
            "; ".join(said.reasons),
            limit=MAXIMUM_ATTEMPTS if silent else MAXIMUM_FAILURES,
            settled=not silent,
        )


def combined(first: Measurement, more: Measurement) -> Measurement:
    """Return two runs of one test as one; of round-trip times the worse run's count."""
    lost = first.lost + more.lost
    judged = first.sent - first.discarded + more.sent - more.discarded
    return Measurement(
        target=first.target,
        sent=first.sent + more.sent,
        received=first.received + more.received,
        lost=lost,
        duplicates=first.duplicates + more.duplicates,
        discarded=first.discarded + more.discarded,
        refused=more.refused,
        rtt_min_ms=_of(min, first.rtt_min_ms, more.rtt_min_ms),
        rtt_p50_ms=_of(max, first.rtt_p50_ms, more.rtt_p50_ms),
        rtt_p95_ms=_of(max, first.rtt_p95_ms, more.rtt_p95_ms),
        rtt_p99_ms=_of(max, first.rtt_p99_ms, more.rtt_p99_ms),
        rtt_max_ms=_of(max, first.rtt_max_ms, more.rtt_max_ms),
        loss_percent=100 * lost / judged if judged else 100.0,
        loss_upper_percent=100 * loss_upper_bound(lost, judged),
        seconds=first.seconds + more.seconds,
        unavailable_seconds=first.unavailable_seconds + more.unavailable_seconds,
    )


def _of(choose: Any, *times: float | None) -> float | None:
    known = [time for time in times if time is not None]
    return choose(known) if known else None


def _judged(found: Measurement, limits: dict[str, Any]) -> Judgement:
    return judge(found, latency_ms=limits["latencyMs"], loss_percent=limits["packetLossPercent"])


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
