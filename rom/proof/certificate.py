"""The birth certificate of a service: packets measured, judged against what was promised."""

from typing import Any

from adapters.twamp.judgement import Judgement, judge
from adapters.twamp.measurement import Measurement, loss_upper_bound
from rom.catalog.site_view import SiteView


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
        refusal=more.refusal,
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


def judged(found: Measurement, limits: dict[str, Any]) -> Judgement:
    """Return what a measurement says of the limits that were ordered."""
    return judge(found, latency_ms=limits["latencyMs"], loss_percent=limits["packetLossPercent"])


def evidence(
    view: SiteView, found: Measurement, said: Judgement, limits: dict[str, Any]
) -> dict[str, Any]:
    """Return the certificate as it is kept with its verdict."""
    return {
        "site": view.site,
        "probe": view.allocations.get("probe", {}).get("value"),
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
