"""Kill -9 of the gateway before and after every ledger write and every request to a device."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa

from device_profiles.fragment import Fragment
from rom.model.change import Policy
from rom.store.tables import change, device_lease, device_txn, snapshot
from tests.laws.devices import Network, StrictDevice
from tests.laws.gateway import Gateway
from tests.laws.sites import BNG, DEVICES, OLT, Wish, fragments, key
from tests.laws.world import World, ledger

pytestmark = pytest.mark.timeout(600)
RESTARTS = 5
Tell = Callable[[World], None]


@dataclass(frozen=True)
class Scenario:
    """What has happened before, what is asked for, and what else strikes besides the kill."""

    before: Tell
    ask: Tell
    devices: tuple[str, ...] = (OLT,)
    window: bool = True
    lapses: bool = False
    """Whether the confirmed commit's window closes before the gateway is back."""


def want(world: World, index: int, wish: Wish | None, device: str = OLT) -> None:
    with world.engine.begin() as connection:
        world.ask(connection, device, key(index), fragments(device, index, wish))


def spoiled(world: World, index: int) -> None:
    """Ask for a site one of whose values no device takes: its very edit is refused."""
    parts = dict(fragments(OLT, index, Wish(500)))
    for name, part in parts.items():
        wrong = {path: "99999999" for path in part.own if path[-1] == "alloc-id"}
        parts[name] = Fragment({**part.own, **wrong}, part.shared)
    with world.engine.begin() as connection:
        world.ask(connection, OLT, key(index), parts)


def nothing(world: World) -> None:
    del world


def two_sites(world: World) -> None:
    want(world, 0, Wish(500))
    want(world, 1, Wish(500))
    world.writer.run(OLT)


def two_sites_one_modified(world: World) -> None:
    two_sites(world)
    want(world, 0, Wish(800))
    world.writer.run(OLT)


def add(world: World) -> None:
    want(world, 0, Wish(500))
    want(world, 9, Wish(500))


def add_on_both(world: World) -> None:
    for device in DEVICES:
        want(world, 0, Wish(500), device)


def modify(world: World) -> None:
    want(world, 0, Wish(800, moved=True))


def roll_back(world: World) -> None:
    with world.engine.begin() as connection:
        world.ask(connection, OLT, key(0), {}, Policy.REFUSE)


def group_refused_at_commit(world: World) -> None:
    world.network.devices[OLT].faults.refuse_commit(key(1), times=None)
    for index in (0, 1, 2):
        want(world, index, Wish(500))


def group_refused_at_edit(world: World) -> None:
    spoiled(world, 0)
    for index in (1, 2):
        want(world, index, Wish(500))


SCENARIOS = {
    "add": Scenario(nothing, add),
    "add on two devices": Scenario(nothing, add_on_both, devices=DEVICES),
    "add without a window": Scenario(nothing, add, window=False),
    "modify": Scenario(two_sites, modify),
    "rollback": Scenario(two_sites_one_modified, roll_back),
    "rollback without a window": Scenario(two_sites_one_modified, roll_back, window=False),
    "group with a site refused at commit": Scenario(nothing, group_refused_at_commit),
    "group with a site refused at edit": Scenario(nothing, group_refused_at_edit),
    "modify, and the window closes meanwhile": Scenario(two_sites, modify, lapses=True),
}
LONGEST = "group with a site refused at edit"
IN_SUITE = ("add", "modify", "rollback", LONGEST, "modify, and the window closes meanwhile")


@pytest.fixture(scope="module")
def without_window(engine: sa.Engine) -> Any:
    network = Network(confirmed_commit=False)
    yield World(engine, network)
    network.close()


def state(world: World) -> dict[str, object]:
    """Everything that lasts: devices, ledger, what was decided, and the newest snapshots."""
    with world.engine.connect() as connection:
        decided = connection.execute(
            sa.select(change.c.device, change.c.site, change.c.kind, change.c.state).order_by(
                change.c.id
            )
        ).all()
        newest = sa.select(sa.func.max(snapshot.c.id)).where(snapshot.c.id > world.seen)
        newest = newest.group_by(snapshot.c.site, snapshot.c.device)
        shots = connection.execute(
            sa.select(
                snapshot.c.device, snapshot.c.site, snapshot.c.moment, snapshot.c.content_hash
            )
            .where(snapshot.c.id.in_(newest))
            .order_by(snapshot.c.device, snapshot.c.site)
        ).all()
        left_open = connection.scalars(
            sa.select(device_txn.c.state).where(
                device_txn.c.state.not_in(("committed", "reverted"))
            )
        ).all()
    running = {name: device.text for name, device in world.network.devices.items()}
    armed = [d.name for d in world.network.devices.values() if d.stores._pending is not None]
    return {
        "running": running,
        "armed": armed,
        "ledger": ledger(world.engine),
        "decided": [tuple(row) for row in decided],
        "snapshots": [tuple(row) for row in shots],
        "open": list(left_open),
    }


def lasting_changes(device: StrictDevice) -> list[tuple[str, ...]]:
    """The paths of each change of running that was not taken back."""
    kept: list[tuple[str, ...]] = []
    for applied in device.counters.applied:
        if applied.kind == "revert":
            kept.pop()
        elif applied.paths():
            kept.append(applied.paths())
    return kept


def told(world: World, scenario: Scenario) -> None:
    world.begin()
    scenario.before(world)
    for device in world.network.devices.values():
        device.counters.applied.clear()
        device.operations.clear()
    scenario.ask(world)


def waiting(world: World) -> bool:
    with world.engine.connect() as connection:
        return bool(
            connection.scalar(
                sa.select(sa.func.count())
                .select_from(change)
                .where(change.c.state.in_(("waiting", "claimed")))
            )
        )


def restarted(world: World, scenario: Scenario) -> None:
    """The dead one's lease runs out, and gateways come up until nothing is left to do."""
    if scenario.lapses:
        for device in world.network.devices.values():
            device.stores._revert()
    for _ in range(RESTARTS):
        with world.engine.begin() as connection:
            connection.execute(
                sa.update(device_lease).values(until=sa.func.now() - sa.text("interval '1 s'"))
            )
        assert Gateway(world.engine, world.network, scenario.devices).run()
        if not waiting(world):
            return


def undisturbed(world: World, scenario: Scenario) -> tuple[dict[str, object], list[str], Any]:
    told(world, scenario)
    gateway = Gateway(world.engine, world.network, scenario.devices)
    assert gateway.run()
    sent = {name: lasting_changes(device) for name, device in world.network.devices.items()}
    assert any(sent.values())
    return state(world), gateway.steps, sent


def before_or_last(steps: list[str]) -> list[int]:
    """What is after one step and before the next is the same to ledger and devices."""
    return [n for n, step in enumerate(steps) if step.startswith("before")] + [len(steps) - 1]


def every_other(steps: list[str]) -> list[int]:
    """Half of them, for want of time; the soak takes all."""
    chosen = before_or_last(steps)
    return sorted({*chosen[::2], chosen[-1]})


@pytest.mark.parametrize("name", IN_SUITE)
def test_killed_at_any_step_it_ends_as_if_nothing_had_happened(
    world: World, without_window: World, name: str
) -> None:
    chosen = every_other if name == LONGEST else before_or_last
    killed_at_each(world, without_window, SCENARIOS[name], chosen)


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_before_and_after_any_step_it_ends_as_if_nothing_had_happened(
    world: World, without_window: World, name: str
) -> None:
    killed_at_each(world, without_window, SCENARIOS[name], lambda steps: range(len(steps)))


def killed_at_each(
    world: World,
    without_window: World,
    scenario: Scenario,
    chosen: Callable[[list[str]], Iterable[int]],
) -> None:
    played = world if scenario.window else without_window
    expected, steps, sent = undisturbed(played, scenario)
    assert "before commit" in steps
    for number in chosen(steps):
        step = steps[number]
        told(played, scenario)
        gateway = Gateway(played.engine, played.network, scenario.devices, signal_at=number)
        assert not gateway.run(), step
        assert gateway.steps == steps[: number + 1]
        restarted(played, scenario)
        where = f"killed at step {number}, {step}"
        assert state(played) == expected, where
        for device, lasting in sent.items():
            found = played.network.devices[device]
            assert lasting_changes(found) == lasting, where
            assert found.operations <= {"merge", "remove"}, where


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_killed_again_at_any_step_of_its_recovery_it_ends_the_same(world: World) -> None:
    scenario = SCENARIOS["modify"]
    expected, steps, sent = undisturbed(world, scenario)
    first = steps.index("after commit")
    told(world, scenario)
    Gateway(world.engine, world.network, scenario.devices, signal_at=first).run()
    again = replace(scenario, ask=nothing)
    with world.engine.begin() as connection:
        connection.execute(sa.update(device_lease).values(until=sa.func.now()))
    watched = Gateway(world.engine, world.network, scenario.devices)
    assert watched.run()
    assert "before get-config" in watched.steps
    for number, step in enumerate(watched.steps):
        told(world, scenario)
        Gateway(world.engine, world.network, scenario.devices, signal_at=first).run()
        with world.engine.begin() as connection:
            connection.execute(sa.update(device_lease).values(until=sa.func.now()))
        Gateway(world.engine, world.network, scenario.devices, signal_at=number).run()
        restarted(world, again)
        assert state(world) == expected, f"killed in recovery at {number}, {step}"
        assert lasting_changes(world.network.devices[OLT]) == sent[OLT]
        assert not lasting_changes(world.network.devices[BNG])
