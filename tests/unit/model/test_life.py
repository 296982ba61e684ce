"""A life by itself: a small table, its ways and its words."""

import pytest

from device_profiles.words import Word
from rom.model.life import IllegalTransition, Life, table


class Light(Word):
    """States of a lamp with a detour by way of a workshop."""

    OFF = "off"
    ON = "on"
    DIM = "dim"
    SENT = "sent"
    REPAIRED = "repaired"
    GONE = "gone"


L = Light
LIFE = Life(
    "lamp",
    table(
        {
            L.OFF: [L.ON, L.SENT],
            L.ON: [L.DIM, L.SENT, L.OFF],
            L.DIM: [L.OFF],
            L.SENT: [L.REPAIRED, L.GONE],
            L.REPAIRED: [L.GONE],
            L.GONE: [],
        }
    ),
    detours=frozenset({L.SENT, L.REPAIRED}),
    detours_to=frozenset({L.GONE}),
)


def test_a_table_keeps_sets() -> None:
    assert table({L.OFF: [L.ON, L.ON], L.ON: ()}) == {
        L.OFF: frozenset({L.ON}),
        L.ON: frozenset(),
    }


def test_the_way_is_the_shortest_and_by_detours_only_where_they_lead() -> None:
    assert LIFE.path(L.OFF, L.OFF) == ()
    assert LIFE.path(L.OFF, L.DIM) == (L.ON, L.DIM)
    assert LIFE.path(L.DIM, L.ON) == (L.OFF, L.ON)
    assert LIFE.path(L.ON, L.GONE) == (L.SENT, L.GONE)
    assert LIFE.path(L.OFF, L.REPAIRED) == (L.SENT, L.REPAIRED)


def test_what_comes_before_and_what_is_open() -> None:
    assert LIFE.before(L.SENT) == {L.OFF, L.ON}
    assert LIFE.before(L.DIM) == {L.ON}
    assert LIFE.final == {L.GONE}
    assert LIFE.open == set(Light) - {L.GONE}


def test_a_step_that_is_not_drawn_is_told_with_both_states() -> None:
    with pytest.raises(IllegalTransition) as caught:
        LIFE.check(L.DIM, L.ON)
    error = caught.value
    assert (error.kind, error.old, error.new) == ("lamp", "dim", "on")
    assert str(error) == "a lamp cannot go from dim to on"
    with pytest.raises(IllegalTransition, match=r"^an item cannot go from dim to gone$"):
        Life("item", LIFE.arrows).check(L.DIM, L.GONE)


def test_no_way_is_told_with_where_it_was_to_lead() -> None:
    with pytest.raises(IllegalTransition, match=r"^a lamp cannot go from gone to on$"):
        LIFE.path(L.GONE, L.ON)
    with pytest.raises(IllegalTransition, match=r"^a lamp cannot go from dim to gone$"):
        LIFE.path(L.DIM, L.GONE)


def test_staying_is_no_step() -> None:
    with pytest.raises(IllegalTransition):
        LIFE.check(L.ON, L.ON)
