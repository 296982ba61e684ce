"""Several sites write one leaf of an object that was there before all of them."""

from itertools import permutations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from device_profiles.fragment import Fragment
from device_profiles.tree import Path
from rom.model.change import Policy
from rom.store import snapshots
from rom.undo.target import at_number
from tests.laws.devices import baseline, merged_into, same, tree
from tests.laws.sites import OLT, key
from tests.laws.world import World

LEAF: Path = ("ietf-interfaces:interfaces", "interface[name='uplink-1']", "description")
ORIGINAL = "10GE to the BNG"
SITES = (0, 1, 9)
QUICK = settings(
    max_examples=50, deadline=None, database=None, print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip


def write(world: World, index: int, value: str | None) -> None:
    """Let a site write the leaf, or take back what it has written there."""
    wanted = {} if value is None else {"ROI-0": Fragment({LEAF: value})}
    policy = Policy.REFUSE if value is None else Policy.APPLY
    with world.engine.begin() as connection:
        world.ask(connection, OLT, key(index), wanted, policy)
    world.writer.run(OLT)
    world.expect_all_done()


def expect(world: World, value: str) -> None:
    expected = merged_into(OLT, baseline(OLT), {LEAF: value})
    same(OLT, world.network.devices[OLT].running, expected)


@pytest.mark.parametrize("order", list(permutations(SITES)))
def test_three_writers_of_one_leaf_unwind_in_every_order(
    world: World, order: tuple[int, ...]
) -> None:
    assert tree(OLT, baseline(OLT))[LEAF] == ORIGINAL
    world.begin()
    for index in SITES:
        write(world, index, f"written by {index}")
        expect(world, f"written by {index}")
    left = list(SITES)
    for index in order:
        write(world, index, None)
        left.remove(index)
        expect(world, f"written by {left[-1]}" if left else ORIGINAL)
    world.expect_baseline()


@QUICK
@given(
    st.lists(st.tuples(st.sampled_from(SITES), st.booleans()), min_size=2, max_size=7),
    st.permutations(SITES),
)
def test_writers_of_one_leaf_that_write_again_come_to_the_top(
    world: World, story: list[tuple[int, bool]], order: list[int]
) -> None:
    world.begin()
    stack: list[tuple[int, str]] = []
    for number, (index, writes) in enumerate([*story, *((index, False) for index in order)]):
        stack = [entry for entry in stack if entry[0] != index]
        value = f"step {number} by {index}" if writes else None
        if value is not None:
            stack.append((index, value))
        write(world, index, value)
        expect(world, stack[-1][1] if stack else ORIGINAL)
    world.expect_baseline()


def test_a_site_that_wrote_again_above_another_gives_the_leaf_back_to_it(world: World) -> None:
    world.begin()
    write(world, 0, "first by 0")
    write(world, 1, "by 1")
    write(world, 0, "second by 0")
    write(world, 0, None)
    expect(world, "by 1")
    write(world, 1, None)
    expect(world, ORIGINAL)


def test_writers_of_one_leaf_asked_for_together_go_one_after_the_other(world: World) -> None:
    world.begin()
    ask_together(world, {index: f"by {index}" for index in SITES})
    expect(world, f"by {SITES[-1]}")
    ask_together(world, {SITES[0]: None, SITES[2]: None})
    expect(world, f"by {SITES[1]}")
    ask_together(world, {SITES[1]: None, SITES[0]: "again"})
    expect(world, "again")
    write(world, SITES[0], None)
    expect(world, ORIGINAL)
    world.expect_baseline()


def ask_together(world: World, values: dict[int, str | None]) -> None:
    """Let several sites write or leave the leaf in one go."""
    with world.engine.begin() as connection:
        for index, value in values.items():
            wanted = {} if value is None else {"ROI-0": Fragment({LEAF: value})}
            world.ask(connection, OLT, key(index), wanted)
    world.writer.run(OLT)
    world.expect_all_done()


def test_a_site_covered_by_a_later_writer_can_go_back_to_where_it_had_left(world: World) -> None:
    """Leaving under a later writer sends nothing, and must be remembered all the same."""
    world.begin()
    write(world, 0, "first by 0")
    write(world, 1, "by 1")
    write(world, 0, None)
    write(world, 0, "second by 0")
    write(world, 1, None)
    with world.engine.connect() as connection:
        entries = snapshots.entries(connection, key(0))
        before_second = [entry for entry in entries if entry.moment == "before"][-1]
        target = at_number(connection, world.vault, key(0), before_second.number)
    assert target.get(OLT, {}) == {}
