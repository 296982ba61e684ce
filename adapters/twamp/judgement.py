"""Does what was measured prove what was promised?"""

from dataclasses import dataclass
from enum import StrEnum

from adapters.twamp.measurement import Measurement


class Verdict(StrEnum):
    """The three outcomes of a birth-certificate test."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    EXTEND = "extend"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and why; reason codes ``TWAMP_UNREACHABLE``, ``SLA_NOT_MET``, ``SLA_EXTENDED``."""

    verdict: Verdict
    code: str
    reasons: tuple[str, ...]


def judge(measurement: Measurement, *, latency_ms: float, loss_percent: float) -> Judgement:
    """Judge a measurement against promised round-trip time (95th percentile) and loss.

    Loss passes when its 95 % upper bound keeps the promise. A single lost packet, or too few
    packets to prove anything, extends the test; more loss fails it.
    """
    if measurement.received == 0:
        said = measurement.refusal
        reason = f"no packet came back: {said} (ICMP)" if said else "no packet came back"
        return Judgement(Verdict.FAIL, "TWAMP_UNREACHABLE", (reason,))
    failures = _failures(measurement, latency_ms, loss_percent)
    if failures:
        return Judgement(Verdict.FAIL, "SLA_NOT_MET", failures)
    if measurement.loss_upper_percent <= loss_percent:
        return Judgement(Verdict.PASS, "", ())
    return Judgement(
        Verdict.EXTEND,
        "SLA_EXTENDED",
        (
            f"{measurement.lost} of {measurement.sent} lost: at most "
            f"{measurement.loss_upper_percent:.4f} % with 95 % confidence, "
            f"{loss_percent:g} % promised",
        ),
    )


def _failures(measurement: Measurement, latency_ms: float, loss_percent: float) -> tuple[str, ...]:
    reasons = []
    latency = measurement.rtt_p95_ms
    if latency is not None and latency > latency_ms:
        reasons.append(f"95th percentile {latency:.3f} ms above {latency_ms:g} ms")
    if measurement.lost > 1 and measurement.loss_upper_percent > loss_percent:
        reasons.append(
            f"{measurement.lost} of {measurement.sent} lost "
            f"({measurement.loss_percent:.4f} %), {loss_percent:g} % promised"
        )
    if measurement.unavailable_seconds:
        reasons.append(f"{measurement.unavailable_seconds} s unavailable")
    return tuple(reasons)
