"""Any story of sites coming, changing, going back and leaving ends where an oracle says it does."""

from collections.abc import Iterator
from itertools import permutations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rom.model.change import Policy
from tests.laws.devices import baseline, same
from tests.laws.sites import DEVICES, SPEEDS, Wish, fragments
from tests.laws.world import World

pytestmark = pytest.mark.timeout(600)

# Many small stories find more than few long ones; the soak tells both.
SHARES = range(6)
QUICK = settings(
    max_examples=24, deadline=None, database=None, print_blob=True, phases=(Phase.generate,)
)
SOAK = settings(
    QUICK,
    max_examples=1700,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
LONG = settings(SOAK, max_examples=170)
FEW = settings(QUICK, max_examples=12)
MORE = settings(QUICK, max_examples=40)

sites = st.integers(0, 11)
wishes = st.builds(Wish, st.sampled_from(SPEEDS), st.booleans())
back = st.integers(0, 99)
"""How far back, in percent of the snapshots there are."""
actions = st.one_of(wishes, wishes, st.none(), back)
rounds = st.dictionaries(sites, actions, min_size=1, max_size=5)
Story = list[dict[int, Wish | int | None]]


def tell(world: World, story: Story) -> Iterator[dict[int, Wish | int | None]]:
    """Play the story round by round; sites of a round go out in one device transaction."""
    for chapter in story:
        world.wish({index: wish for index, wish in chapter.items() if not isinstance(wish, int)})
        for index, percent in chapter.items():
            if isinstance(percent, int):
                numbers = world.numbers(index)
                world.roll_back(index, numbers[percent * len(numbers) // 100])
        world.run()
        yield chapter


def all_back(world: World, order: list[int]) -> None:
    """Take every site back to before everything, in the given order, in one go for each half."""
    for part in (order[: len(order) // 2], order[len(order) // 2 :]):
        for index in part:
            world.roll_back(index, 0)
        world.run()
        world.expect_oracle()


def sequence_law(world: World, story: Story, order: list[int]) -> None:
    world.begin()
    for _ in tell(world, story):
        world.expect_oracle()
    met = {index for chapter in story for index in chapter}
    all_back(world, [index for index in order if index in met])
    world.expect_baseline()


@pytest.mark.parametrize("share", SHARES)
@QUICK
@given(st.lists(rounds, min_size=1, max_size=3), st.permutations(range(12)))
def test_any_sequence_leaves_the_devices_as_the_oracle_and_all_rolled_back_the_baseline(
    world: World, share: int, story: Story, order: list[int]
) -> None:
    sequence_law(world, story, order)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("share", SHARES)
@SOAK
@given(st.lists(rounds, min_size=1, max_size=3), st.permutations(range(12)))
def test_ten_thousand_sequences_leave_the_devices_as_the_oracle(
    world: World, share: int, story: Story, order: list[int]
) -> None:
    sequence_law(world, story, order)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("share", SHARES)
@LONG
@given(st.lists(rounds, min_size=4, max_size=8), st.permutations(range(12)))
def test_a_thousand_longer_sequences_leave_the_devices_as_the_oracle(
    world: World, share: int, story: Story, order: list[int]
) -> None:
    sequence_law(world, story, order)


def again(world: World, chapter: dict[int, Wish | int | None]) -> None:
    """Ask once more for what every site of the chapter is to have already."""
    with world.engine.begin() as connection:
        for index in chapter:
            for device in DEVICES:
                wanted = fragments(device, index, world.now[device, index])
                key = f"ENT-{1102 if index < 8 else 2207}-L{index:03}"
                world.ask(connection, device, key, wanted)


@MORE
@given(st.lists(rounds, min_size=1, max_size=2))
def test_apply_twice_is_apply_once_and_the_second_sends_no_edit(world: World, story: Story) -> None:
    world.begin()
    for chapter in tell(world, story):
        held = {name: device.running for name, device in world.network.devices.items()}
        sent = {name: len(device.requests) for name, device in world.network.devices.items()}
        again(world, chapter)
        world.run()
        for name, device in world.network.devices.items():
            assert device.running is held[name]
            assert set(device.requests[sent[name] :]) <= {"get-config", "close-session"}


@MORE
@given(st.lists(rounds, min_size=1, max_size=2), sites, back)
def test_roll_back_twice_is_roll_back_once_and_the_second_sends_no_edit(
    world: World, story: Story, site: int, percent: int
) -> None:
    world.begin()
    for _ in tell(world, story):
        pass
    numbers = world.numbers(site)
    number = numbers[percent * len(numbers) // 100]
    world.roll_back(site, number)
    world.run()
    world.expect_oracle()
    held = {name: device.running for name, device in world.network.devices.items()}
    edits = {name: device.counters.edits for name, device in world.network.devices.items()}
    world.roll_back(site, number)
    world.run()
    for name, device in world.network.devices.items():
        assert device.running is held[name]
        assert device.counters.edits == edits[name]


# Site 0 is the one to go back; 1 shares its customer and template, 9 is another customer's.
EVENTS = {
    "A comes": (0, Wish(500)), "A grows": (0, Wish(800)),
    "B comes": (1, Wish(500)), "B grows": (1, Wish(800)),
    "C comes": (9, Wish(800)), "C leaves": (9, None),
}  # fmt: skip
ORDERS = [
    order
    for order in permutations(EVENTS)
    if order.index("A comes") < order.index("A grows")
    and order.index("B comes") < order.index("B grows")
    and order.index("C comes") < order.index("C leaves")
]


def paths_of_a(device: str, world: World) -> set[tuple[str, ...]]:
    """What is the site's alone: its own paths, and shared objects that nobody else wants."""
    mine = [part for wish in (Wish(500), Wish(800)) for part in fragments(device, 0, wish).values()]
    others = [
        part
        for (name, index), wish in world.now.items()
        if name == device and index != 0
        for part in fragments(device, index, wish).values()
    ]
    owned = {path for part in mine for path in part.own}
    shared = {path for part in mine for item in part.shared for path in item.tree}
    return owned | shared - {path for part in others for item in part.shared for path in item.tree}


def nothing_but_a_changes(world: World, order: tuple[str, ...]) -> None:
    world.begin()
    for event in order:
        index, wish = EVENTS[event]
        world.wish({index: wish})
        world.run()
    before = {device: world.network.devices[device].tree() for device in DEVICES}
    for number in (*world.numbers(0)[-2:-1], 0):
        world.roll_back(0, number)
        world.run()
        world.expect_oracle()
    for device in DEVICES:
        after = world.network.devices[device].tree()
        changed = {
            path
            for path in before[device].keys() | after.keys()
            if before[device].get(path) != after.get(path)
        }
        assert changed <= paths_of_a(device, world)
        assert changed
    world.wish({1: None, 9: None})
    world.run()
    world.expect_baseline()


@FEW
@given(st.sampled_from(ORDERS))
def test_rolling_back_a_site_changes_nothing_outside_its_paths(
    world: World, order: tuple[str, ...]
) -> None:
    nothing_but_a_changes(world, order)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("order", ORDERS, ids=", ".join)
def test_rolling_back_a_site_changes_nothing_outside_its_paths_in_every_order(
    world: World, order: tuple[str, ...]
) -> None:
    nothing_but_a_changes(world, order)


def test_forced_rollback_of_all_sites_after_somebody_typed_by_hand_returns_the_baseline(
    world: World,
) -> None:
    world.begin()
    world.wish({0: Wish(500), 1: Wish(500), 9: Wish(800)})
    world.run()
    for device in DEVICES:
        own = fragments(device, 0, Wish(500))["ROI-0"].own
        path = next(path for path in own if path[-1] == "description")
        world.network.devices[device].hand({path: "typed by hand"})
    for index in (0, 1, 9):
        world.roll_back(index, 0, Policy.FORCE)
    world.run()
    for device in DEVICES:
        same(device, world.network.devices[device].running, baseline(device))
    world.expect_baseline()
