"""A rollback that keeps leaves what was typed by hand, and all that it needs to stand."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from device_profiles.tree import Path
from rom.model.change import Policy
from tests.laws.sites import DEVICES, SPEEDS, Wish, fragments
from tests.laws.world import World

pytestmark = pytest.mark.timeout(600)
TYPED = "typed by hand"
QUICK = settings(
    max_examples=20, deadline=None, database=None, print_blob=True, phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip

# Sites 7 and 8 are the last of one customer and the first of another.
sites = st.dictionaries(st.integers(5, 10), st.sampled_from(SPEEDS), min_size=1, max_size=4)
hands = st.lists(st.tuples(st.integers(0, 99), st.booleans(), st.integers(0, 99)), max_size=3)
Parts = dict[Path, str | None]


def described(device: str, index: int, wish: Wish) -> list[Path]:
    """The site's leaves on the device into which people write what they like."""
    own = {path for part in fragments(device, index, wish).values() for path in part.own}
    return sorted(path for path in own if path[-1] == "description")


def of_site(world: World, device: str, index: int, wish: Wish) -> Parts:
    """What the device holds of all that the site wants there, shared objects included."""
    held = world.network.devices[device].tree()
    parts = fragments(device, index, wish).values()
    wanted = {path for part in parts for path in part.own}
    wanted |= {path for part in parts for item in part.shared for path in item.tree}
    return {path: held.get(path) for path in wanted}


@QUICK
@given(sites, hands, st.permutations(range(5, 11)))
def test_what_was_typed_stays_until_it_is_forced_and_nobody_else_changes(
    world: World,
    speeds: dict[int, int],
    typed: list[tuple[int, bool, int]],
    order: list[int],
) -> None:
    world.begin()
    wishes = {index: Wish(speed) for index, speed in speeds.items()}
    world.wish(dict(wishes))
    world.run()
    by_hand: set[tuple[str, Path]] = set()
    for which, on_first, leaf in typed:
        index = sorted(wishes)[which % len(wishes)]
        device = DEVICES[0 if on_first else 1]
        leaves = described(device, index, wishes[index])
        by_hand.add((device, leaves[leaf % len(leaves)]))
    for device, path in by_hand:
        world.network.devices[device].hand({path: TYPED})

    left = [index for index in order if index in wishes]
    for index in list(left):
        left.remove(index)
        others = [(device, other) for device in DEVICES for other in left]
        before = {at: of_site(world, *at, wishes[at[1]]) for at in others}
        world.roll_back(index, 0, Policy.KEEP)
        world.run()
        for device, path in by_hand:
            assert world.network.devices[device].tree()[path] == TYPED
        assert {at: of_site(world, *at, wishes[at[1]]) for at in others} == before

    for index in order:
        if index in wishes:
            world.roll_back(index, 0, Policy.FORCE)
            world.run()
    world.expect_baseline()
