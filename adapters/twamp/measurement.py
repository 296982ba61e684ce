"""What a measurement found, and the arithmetic behind it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
_EXACT_UP_TO = 200
_Z = 1.6448536269514722
"""One-sided 95 % quantile of the normal distribution."""
BAD_SECOND_LOSS = 0.2
"""A second with more loss than this is bad (ITU-T Y.1540, the criterion c1 for availability)."""
_SPELL = 10


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of test packets; times in milliseconds unless named otherwise.

    ``lost`` never counts replies that our own socket had no room for (``discarded``). Times are
    ``None`` when nothing came back. ``refusal`` is what an ICMP error or the host itself has said,
    such as a closed port; it is empty for silence.
    """

    target: str
    sent: int
    received: int
    lost: int
    duplicates: int
    discarded: int
    refusal: str
    rtt_min_ms: float | None
    rtt_p50_ms: float | None
    rtt_p95_ms: float | None
    rtt_p99_ms: float | None
    rtt_max_ms: float | None
    loss_percent: float
    loss_upper_percent: float
    """With 95 % confidence the true loss is not above this."""
    seconds: float
    unavailable_seconds: int


def percentile(ordered: Sequence[float], percent: float) -> float | None:
    """Return the nearest-rank percentile of sorted values, ``None`` of none."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def loss_upper_bound(lost: int, sent: int) -> float:
    """Return the one-sided 95 % upper bound of the loss ratio (Clopper and Pearson, 1934).

    Beyond 200 losses Wilson's score bound stands in for it; there they differ by less than a
    percent of their value. Nothing sent proves nothing: 1.
    """
    if sent == 0 or lost >= sent:
        return 1.0
    if lost > _EXACT_UP_TO:
        return _wilson_upper(lost, sent)
    low, high = lost / sent, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(lost, sent, middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def _at_most(lost: int, sent: int, ratio: float) -> float:
    """Return the probability of at most ``lost`` losses among ``sent`` (binomial)."""
    if ratio >= 1.0:
        return 0.0
    term = sent * math.log1p(-ratio)
    odds = math.log(ratio) - math.log1p(-ratio)
    total = math.exp(term)
    for count in range(1, lost + 1):
        term += math.log((sent - count + 1) / count) + odds
        total += math.exp(term)
    return total


def _wilson_upper(lost: int, sent: int) -> float:
    ratio, square = lost / sent, _Z * _Z
    spread = _Z * math.sqrt(ratio * (1 - ratio) / sent + square / (4 * sent * sent))
    return min(1.0, (ratio + square / (2 * sent) + spread) / (1 + square / sent))


def unavailable_seconds(bad: Sequence[bool]) -> int:
    """Return how many of the seconds are unavailable time.

    It begins with ten bad seconds in a row, which count, and ends before ten good ones in a row
    (ITU-T Y.1563 section 8).
    """
    total, index, down = 0, 0, False
    while index < len(bad):
        spell = index
        while spell < len(bad) and bad[spell] == bad[index]:
            spell += 1
        length = spell - index
        if length >= _SPELL:
            down = bad[index]
        total += length if down else 0
        index = spell
    return total


def merged(first: Measurement, second: Measurement) -> Measurement:
    """Return a test and its extension as one.

    Counts add up and the bound is calculated anew. Percentiles are the larger of the two, which
    the percentile over all packets does not exceed.
    """
    sent, lost = first.sent + second.sent, first.lost + second.lost
    judged = sent - first.discarded - second.discarded
    return Measurement(
        target=second.target,
        sent=sent,
        received=first.received + second.received,
        lost=lost,
        duplicates=first.duplicates + second.duplicates,
        discarded=first.discarded + second.discarded,
        refusal=second.refusal or first.refusal,
        rtt_min_ms=_of(min, first.rtt_min_ms, second.rtt_min_ms),
        rtt_p50_ms=_of(max, first.rtt_p50_ms, second.rtt_p50_ms),
        rtt_p95_ms=_of(max, first.rtt_p95_ms, second.rtt_p95_ms),
        rtt_p99_ms=_of(max, first.rtt_p99_ms, second.rtt_p99_ms),
        rtt_max_ms=_of(max, first.rtt_max_ms, second.rtt_max_ms),
        loss_percent=100 * lost / judged if judged else 100.0,
        loss_upper_percent=100 * loss_upper_bound(lost, judged),
        seconds=first.seconds + second.seconds,
        unavailable_seconds=first.unavailable_seconds + second.unavailable_seconds,
    )


def _of(choose: Callable[[list[float]], float], *values: float | None) -> float | None:
    known = [value for value in values if value is not None]
    return choose(known) if known else None
