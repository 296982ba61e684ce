import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rom.catalog.bandwidth import Bandwidth


@pytest.mark.parametrize(
    ("written", "bps"),
    [
        ("500M", 500_000_000),
        ("1G", 1_000_000_000),
        ("2.5G", 2_500_000_000),
        ("100000k", 100_000_000),
        ("64000", 64_000),
        (64_000, 64_000),
    ],
)
def test_a_rate_is_read_in_every_unit(written: object, bps: int) -> None:
    assert Bandwidth.parse(written).bps == bps


def test_junk_is_refused_with_what_to_write_instead() -> None:
    texts = ["", "fast", "500 M", "500m", "500Mbps", "-1M", "1e9", "1,5G", "\u0665M", "0", "0.0M"]
    more = ["0.0001k", "9" * 400 + "G", "999999999999999G", "500M\n"]
    others = [0, -5, 10**5000, 5e8, True, None, []]
    for junk in [*texts, *more, *others]:
        with pytest.raises(ValueError, match="write a rate such as 500M"):
            Bandwidth.parse(junk)


@settings(deadline=None)
@given(st.integers(1, 10**15))
def test_the_text_of_a_rate_reads_back_as_the_same_rate(bps: int) -> None:
    assert Bandwidth.parse(str(Bandwidth(bps))) == Bandwidth(bps)


def test_a_rate_is_written_in_its_largest_unit() -> None:
    assert [str(Bandwidth(bps)) for bps in (500_000_000, 2_500_000_000, 525_000, 999)] == [
        "500M", "2.5G", "525k", "999",
    ]  # fmt: skip


def test_whole_kilobits_and_megabits_are_integers() -> None:
    rate = Bandwidth(525_000_000)
    assert (rate.kbps, rate.mbps) == (525_000, 525)
    assert isinstance(rate.mbps, int)
    assert Bandwidth(2_500_000).mbps == 2.5


@settings(deadline=None)
@given(st.integers(1, 10**9), st.integers(100, 200))
def test_scaling_rounds_up_to_whole_kilobits(kbps: int, per_cent: int) -> None:
    rounded_up = -(-kbps * per_cent // 100)
    assert Bandwidth(kbps * 1000).scaled(per_cent / 100).bps == rounded_up * 1000


def test_five_per_cent_on_top_is_exact() -> None:
    assert Bandwidth.parse("500M").scaled(1.05) == Bandwidth.parse("525M")
