"""One writer for each device: who slept through his lease cannot write when he wakes."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa

from adapters.seam import Session
from rom.store import leases, transactions
from rom.store.tables import change, device_lease
from tests.laws.devices import same
from tests.laws.gateway import Gateway
from tests.laws.sites import OLT, Wish, fragments, key
from tests.laws.world import World, writer

PATIENCE_SECONDS = 30


def want(world: World, speed: int) -> None:
    world.now[OLT, 0] = Wish(speed)
    with world.engine.begin() as connection:
        world.ask(connection, OLT, key(0), fragments(OLT, 0, Wish(speed)))


def stopped_before(world: World, step: str) -> Gateway:
    """A gateway that the operating system stops when it is about to take ``step``."""
    world.begin()
    want(world, 500)
    plain = Gateway(world.engine, world.network, (OLT,))
    assert plain.run()
    world.begin()
    want(world, 500)
    gateway = Gateway(
        world.engine,
        world.network,
        (OLT,),
        signal_at=plain.steps.index(step),
        signal_sent=signal.SIGSTOP,
    )
    while gateway.steps[-1:] != [step]:
        assert gateway.serve(PATIENCE_SECONDS)
    _, status = os.waitpid(gateway.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    return gateway


def lease_runs_out(world: World) -> None:
    """Let the lease's time pass, by the database's clock, which is the only one asked."""
    with world.engine.begin() as connection:
        connection.execute(sa.update(device_lease).values(until=sa.func.now()))


def another_takes_over(world: World) -> None:
    """Somebody wants something else by now, and another writer brings it there."""
    stores = world.network.devices[OLT].stores
    for session in set(stores._locks.values()):
        # A device that has given up on the silent session's locks, but still listens to it.
        stores.session_ended(session)
    want(world, 800)
    world.writer.run(OLT)
    world.expect_all_done()


def test_a_writer_stopped_between_plan_and_send_cannot_write_when_it_wakes(world: World) -> None:
    gateway = stopped_before(world, "before edit-config")
    lease_runs_out(world)
    another_takes_over(world)
    world.expect_oracle()
    commits = world.network.devices[OLT].counters.commits

    gateway.resume()
    assert gateway.run()
    assert "after edit-config" in gateway.steps, "the device had refused already"
    assert world.network.devices[OLT].counters.commits == commits
    world.expect_oracle()
    want(world, 800)
    world.writer.run(OLT)
    world.expect_all_done()
    assert world.network.devices[OLT].counters.commits == commits


def test_without_the_fence_the_device_would_have_taken_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shows that the tests around it can fail: nothing but the fences kept the sleeper off."""
    monkeypatch.setattr(leases, "check", lambda *_: None)
    monkeypatch.setattr(transactions, "mark_sent", lambda *_: None)
    gateway = stopped_before(world, "before edit-config")
    lease_runs_out(world)
    another_takes_over(world)
    gateway.resume()
    assert gateway.run()
    assert "after commit" in gateway.steps
    with pytest.raises(AssertionError, match="differs from the oracle"):
        world.expect_oracle()


def test_what_somebody_else_has_settled_does_not_leave_whatever_the_lease_says(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "check", lambda *_: None)
    gateway = stopped_before(world, "before edit-config")
    lease_runs_out(world)
    another_takes_over(world)
    commits = world.network.devices[OLT].counters.commits
    gateway.resume()
    assert gateway.run()
    assert world.network.devices[OLT].counters.commits == commits
    world.expect_oracle()


def test_while_one_lives_nobody_else_gets_the_device(world: World) -> None:
    gateway = stopped_before(world, "before commit")
    with world.engine.begin() as connection:
        connection.execute(
            sa.update(device_lease).values(until=sa.func.now() + sa.text("interval '1 h'"))
        )
    assert world.writer.run(OLT) == set()
    gateway.resume()
    assert gateway.run()
    world.expect_all_done()
    world.expect_oracle()


class Doorkeeper:
    """Lets writers through to the devices and notes how many are inside at once."""

    def __init__(self, world: World) -> None:
        self._network = world.network
        self._lock = threading.Lock()
        self.inside = 0
        self.most = 0
        self.visits = 0

    @contextmanager
    def open(self, device: str, site: str) -> Iterator[Session]:
        with self._lock:
            self.inside += 1
            self.visits += 1
            self.most = max(self.most, self.inside)
        try:
            with self._network.open(device, site) as session:
                yield session
        finally:
            with self._lock:
                self.inside -= 1


def test_of_many_writers_at_once_one_writes(world: World) -> None:
    world.begin()
    door = Doorkeeper(world)
    for index in range(6):
        world.now[OLT, index] = Wish(500)
        with world.engine.begin() as connection:
            world.ask(connection, OLT, key(index), fragments(OLT, index, Wish(500)))

    def work() -> None:
        writer(world.engine, door).run(OLT)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (door.most, door.visits >= 1) == (1, True)
    with world.engine.connect() as connection:
        assert set(connection.scalars(sa.select(change.c.state))) == {"done"}
    expected = world.network.devices[OLT].running
    world.expect_oracle()
    same(OLT, world.network.devices[OLT].running, expected)
