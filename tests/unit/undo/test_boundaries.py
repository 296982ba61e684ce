"""The edges of a site's history: exactly at a snapshot, before the first, behind the last."""

from datetime import UTC, datetime, timedelta

import pytest

from rom.undo.history import Episode, History, TakenBack

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = NOON + timedelta(minutes=1)
ORDER = Episode("A", (10, 0), (30, 0), is_order=True, stands=True)
KNOWN = History((10, 30), (ORDER,), times=(NOON, LATER))
QUIET = History((10, 20), ())


@pytest.mark.parametrize(
    ("number", "around"), [(5, (0, 10)), (10, (0, 20)), (15, (10, 20)), (20, (10, None))]
)
def test_the_nearest_boundaries_lie_below_and_above_never_at_the_number_itself(
    number: int, around: tuple[int, int | None]
) -> None:
    assert QUIET.nearest(number) == around


def test_before_everything_is_zero() -> None:
    assert QUIET.nearest(0) == (0, 10)
    assert QUIET.behind(5)[0] == 0
    assert QUIET.behind(15)[0] == 10
    assert History((), ()).nearest(7) == (0, None)


def test_where_an_order_begins_nothing_of_it_shows_and_where_it_ends_all_of_it_does() -> None:
    assert KNOWN.inside((10, 0)) is None
    assert KNOWN.inside((10, 1)) == ORDER
    assert KNOWN.inside((30, 0)) == ORDER
    assert KNOWN.inside((30, 1)) is None


def test_a_time_has_the_last_number_taken_by_then() -> None:
    assert KNOWN.number_at(NOON - timedelta(seconds=1)) == 0
    assert KNOWN.number_at(NOON) == 10
    assert KNOWN.number_at(LATER) == 30


def test_a_way_back_that_begins_at_a_place_has_taken_back_what_shows_there() -> None:
    way = TakenBack("R", frozenset({"A"}), LATER, LATER)
    known = History((10, 30), (ORDER,), (way,), (NOON, LATER))
    assert known.gone_since((30, LATER.timestamp())) == ("A", "R")
    assert known.gone_since((30, LATER.timestamp() + 1)) is None
    assert known.gone_since((10, 0)) is None, "it does not show there yet"


def test_an_order_that_begins_at_a_place_stands_from_there_on() -> None:
    deleting = Episode("B", (30, 0), (30, 0), is_order=True, deletes=True)
    known = History((10, 30), (ORDER, deleting))
    assert known.standing_from((10, 0)) == ("A",)
    assert known.standing_from((10, 1)) == ()
    assert known.deleted_since((30, 0)) == "B"
    assert known.deleted_since((30, 1)) is None
    assert known.order("A") == ORDER
    assert known.order("Z") is None
