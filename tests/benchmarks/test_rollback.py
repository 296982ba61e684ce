"""One site's way back among 500, with scoped reads and with reads of the whole configuration."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from adapters.seam import Session
from device_profiles.tree import Path, Tree, in_scope
from rom.model.change import Policy

SITES = 500

pytestmark = pytest.mark.benchmark


class WholeReading:
    """A session that reads all of the configuration and picks the scope out of it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def read(self, scope: Collection[Path]) -> Tree:
        return in_scope(self._session.read({path[:1] for path in scope}), scope)


def rollback_seconds(network: Any, number: int) -> float:
    """Take a site off the BNG, then off the OLT, as a rollback does."""
    began = time.perf_counter()
    for device in reversed(network.devices):
        network.take_back(number, device, Policy.REFUSE)
        network.run(device)
    taken = time.perf_counter() - began
    assert network.unfinished() == []
    return taken


def test_one_site_among_five_hundred_goes_alone(
    network: Any, report: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.perf_counter()
    network.want(range(SITES))
    network.write(group_size=128)
    loaded = time.perf_counter() - began
    assert network.unfinished() == []

    before = network.calls()
    scoped = rollback_seconds(network, SITES // 2)
    calls = network.calls() - before

    scoped_open = network.open

    @contextmanager
    def opened(device: str, site: str) -> Iterator[WholeReading]:
        with scoped_open(device, site) as session:
            yield WholeReading(session)

    monkeypatch.setattr(network, "open", opened)
    whole = rollback_seconds(network, SITES // 2 + 1)
    monkeypatch.undo()
    network.commit_delay(1.0)
    slow = rollback_seconds(network, SITES // 2 + 2)

    listed = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))
    report(
        f"one site of {SITES} back, OLT and BNG, without commit delay (loaded in {loaded:.0f} s): "
        f"{1000 * scoped:.0f} ms and {calls.total()} RPCs ({listed}); with reads of the whole "
        f"configuration {1000 * whole:.0f} ms; whole / scoped = {whole / scoped:.1f}; "
        f"with commits of 1 s {slow:.1f} s"
    )
    assert calls["edit-config"] == 2
    assert calls.total() <= 24
    assert whole > 1.5 * scoped
