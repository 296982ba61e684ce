from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.twamp.judgement import Verdict, judge
from adapters.twamp.measurement import (
    Measurement,
    loss_upper_bound,
    merged,
    percentile,
    unavailable_seconds,
)

CLEAN = Measurement(
    target="192.0.2.1:862",
    sent=30_000,
    received=30_000,
    lost=0,
    duplicates=0,
    discarded=0,
    refusal="",
    rtt_min_ms=1.0,
    rtt_p50_ms=2.0,
    rtt_p95_ms=3.0,
    rtt_p99_ms=4.0,
    rtt_max_ms=5.0,
    loss_percent=0.0,
    loss_upper_percent=100 * loss_upper_bound(0, 30_000),
    seconds=300.0,
    unavailable_seconds=0,
)


def with_losses(lost: int, sent: int = 30_000) -> Measurement:
    return replace(
        CLEAN,
        sent=sent,
        received=sent - lost,
        lost=lost,
        loss_percent=100 * lost / sent,
        loss_upper_percent=100 * loss_upper_bound(lost, sent),
    )


@pytest.mark.parametrize(
    ("lost", "sent", "percent"),
    [(0, 9_000, 0.0333), (0, 30_000, 0.00999), (1, 50_000, 0.0095), (5, 5, 100.0), (0, 0, 100.0)],
)
def test_the_bound_is_that_of_the_tables(lost: int, sent: int, percent: float) -> None:
    assert 100 * loss_upper_bound(lost, sent) == pytest.approx(percent, rel=0.005)


@given(st.integers(0, 400), st.integers(1, 50_000))
def test_the_bound_lies_above_what_was_observed_and_rises_with_loss(lost: int, sent: int) -> None:
    if lost < sent:
        bound = loss_upper_bound(lost, sent)
        assert lost / sent < bound <= 1
        assert bound <= loss_upper_bound(lost + 1, sent) * 1.01


def test_thirty_thousand_packets_without_loss_prove_a_hundredth_of_a_percent() -> None:
    assert judge(CLEAN, latency_ms=10, loss_percent=0.01).verdict is Verdict.PASS


def test_a_single_lost_packet_extends_the_test() -> None:
    judgement = judge(with_losses(1), latency_ms=10, loss_percent=0.01)
    assert judgement.verdict is Verdict.EXTEND
    assert judgement.code == "SLA_EXTENDED"


def test_a_clean_extension_makes_good_for_a_single_loss() -> None:
    both = merged(with_losses(1), CLEAN)
    assert (both.sent, both.lost) == (60_000, 1)
    assert judge(both, latency_ms=10, loss_percent=0.01).verdict is Verdict.PASS


def test_a_second_loss_in_the_extension_fails() -> None:
    both = merged(with_losses(1), with_losses(1))
    assert judge(both, latency_ms=10, loss_percent=0.01).verdict is Verdict.FAIL


def test_too_few_packets_prove_nothing_and_extend() -> None:
    few = with_losses(0, sent=9_000)
    assert judge(few, latency_ms=10, loss_percent=0.01).verdict is Verdict.EXTEND


def test_latency_is_judged_by_the_95th_percentile() -> None:
    slow = replace(CLEAN, rtt_p95_ms=10.5)
    judgement = judge(slow, latency_ms=10, loss_percent=0.01)
    assert judgement.verdict is Verdict.FAIL
    assert "10.500 ms" in judgement.reasons[0]
    late_tail = replace(CLEAN, rtt_max_ms=400.0)
    assert judge(late_tail, latency_ms=10, loss_percent=0.01).verdict is Verdict.PASS


def test_a_closed_port_is_told_from_silence() -> None:
    silent = replace(with_losses(30_000), rtt_p95_ms=None)
    closed = replace(silent, refusal="Connection refused")
    assert judge(silent, latency_ms=10, loss_percent=0.01).reasons == ("no packet came back",)
    assert judge(closed, latency_ms=10, loss_percent=0.01).reasons == (
        "no packet came back: Connection refused (ICMP)",
    )
    assert judge(closed, latency_ms=10, loss_percent=0.01).code == "TWAMP_UNREACHABLE"


def test_replies_our_own_socket_dropped_do_not_count_as_loss() -> None:
    own = replace(CLEAN, received=29_990, discarded=10)
    assert judge(own, latency_ms=10, loss_percent=0.01).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("seconds", "unavailable"),
    [
        ("." * 30, 0),
        ("x" * 9 + "." * 20, 0),
        ("x" * 10 + "." * 20, 10),
        ("x" * 10 + "." * 9 + "x" * 3 + "." * 10, 22),
        ("." * 10 + "x" * 12, 12),
    ],
)
def test_unavailable_time_begins_and_ends_with_ten_seconds(seconds: str, unavailable: int) -> None:
    assert unavailable_seconds([second == "x" for second in seconds]) == unavailable


@given(st.lists(st.floats(0, 1000), min_size=1))
def test_a_percentile_is_one_of_the_values_and_covers_its_share(values: list[float]) -> None:
    ordered = sorted(values)
    found = percentile(ordered, 95)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= 0.95 * len(ordered)
