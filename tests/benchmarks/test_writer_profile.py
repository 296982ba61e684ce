"""Where a group of 64 sites spends its time: database, device, or the writer itself."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.seam import Session
from rom.model.change import Policy

SITES = 64

pytestmark = pytest.mark.benchmark


class Clock:
    """Seconds and number of statements and of conversations with a device."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.times: Counter[str] = Counter()

    @contextmanager
    def runs(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] += time.perf_counter() - began
            self.times[name] += 1

    def watch(self, engine: sa.Engine) -> None:
        def before(*arguments: Any) -> None:
            arguments[4].began = time.perf_counter()

        def after(*arguments: Any) -> None:
            self.seconds["database"] += time.perf_counter() - arguments[4].began
            self.times["database"] += 1

        sa.event.listen(engine, "before_cursor_execute", before)
        sa.event.listen(engine, "after_cursor_execute", after)


class Timed:
    """A session whose reads and writes are timed, coding and sending included."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._session, name)
        if name not in ("read", "apply", "confirm", "evidence"):
            return found

        def timed(*arguments: Any) -> Any:
            with self._clock.runs(name):
                return found(*arguments)

        return timed


def test_where_the_time_of_a_group_goes(
    network: Any, report: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    clock.watch(network.engine)
    plain_open = network.open

    @contextmanager
    def opened(device: str, site: str) -> Iterator[Timed]:
        with plain_open(device, site) as session:
            yield Timed(session, clock)

    monkeypatch.setattr(network, "open", opened)

    def measured(device: str, what: str) -> int:
        clock.seconds.clear()
        clock.times.clear()
        began = time.perf_counter()
        network.run(device)
        taken = time.perf_counter() - began
        assert network.unfinished(device) == []
        parts = ", ".join(
            f"{name} {1000 * clock.seconds[name]:.0f} ms ({clock.times[name]})"
            for name in ("database", "read", "apply", "confirm", "evidence")
            if clock.times[name]
        )
        rest = taken - sum(clock.seconds.values())
        report(
            f"{what} {SITES} sites on {device} without commit delay: {1000 * taken:.0f} ms, "
            f"{1000 * taken / SITES:.1f} ms and {clock.times['database'] / SITES:.1f} statements "
            f"a site; {parts}, planning and the rest {1000 * rest:.0f} ms"
        )
        return clock.times["database"]

    network.want(range(SITES))
    added = {device: measured(device, "add") for device in network.devices}
    for device in reversed(network.devices):
        for number in range(SITES):
            network.take_back(number, device, Policy.REFUSE)
        assert measured(device, "remove") < 40 * SITES
    assert max(added.values()) < 25 * SITES
