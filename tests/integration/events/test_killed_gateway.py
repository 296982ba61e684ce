"""A gateway is killed between the post and its note that the listener has taken it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rom.model.event_types import Api

ROOT = Path(__file__).parents[3]


@pytest.fixture
def process(events_database: str) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    running: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        script = Path(__file__).with_name("gateway_process.py")
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        running.append(
            subprocess.Popen([sys.executable, script, events_database], env=environment, cwd=ROOT)  # noqa: S603 - our own script
        )
        return running[-1]

    yield start
    for each in running:
        each.kill()
        each.wait()


def test_an_event_in_flight_when_the_gateway_dies_comes_again_under_its_own_id(
    process: Callable[[], subprocess.Popen[bytes]], gateway: Any, receiver: Any, tell: Any
) -> None:
    first = process()

    def answer(event: dict[str, Any]) -> int:
        if event["eventId"] == "RO-1/1" and first.poll() is None:
            first.send_signal(signal.SIGKILL)
            first.wait()
        return 204

    found = receiver(answer)
    with gateway() as events:
        events.listeners.subscribe(Api.ORDERING, found.callback, "", None)
    tell("RO-1", 0, 1, 2)
    tell("RO-2", 0)
    found.wait(lambda _: first.poll() is not None)
    with gateway():
        found.wait(lambda found: ("RO-1", 2) in found.events and ("RO-2", 0) in found.events)
    ids = [each.event["eventId"] for each in found.taken if each.event["correlationId"] == "RO-1"]
    assert ids == ["RO-1/0", "RO-1/1", "RO-1/1", "RO-1/2"]
