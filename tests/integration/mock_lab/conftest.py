"""A lab as its own process, as the gateway and people start it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

import mock_devices

TOPOLOGY = Path(mock_devices.__file__).parent / "topologies" / "enterprise-fibre" / "topology.yaml"
LIMIT_SECONDS = 30.0


@dataclass
class RunningLab:
    process: "subprocess.Popen[str]"
    ready_file: Path
    started_in: float

    @property
    def ready(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ready_file.read_text())
        return found

    def control(self) -> httpx.Client:
        ready = self.ready
        headers = {"authorization": f"Bearer {ready['token']}"}
        return httpx.Client(base_url=ready["control"], headers=headers, timeout=10)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(LIMIT_SECONDS)


def start(state_dir: Path, *options: str) -> RunningLab:
    ready = state_dir.parent / f"{state_dir.name}.ready.json"
    command = [sys.executable, "-m", "mock_devices", "up", str(TOPOLOGY)]
    command += ["--state-dir", str(state_dir), "--ready-file", str(ready), *options]
    begun = time.monotonic()
    process = subprocess.Popen(command, text=True, stderr=subprocess.PIPE)  # noqa: S603 - our own module
    while not ready.exists():
        if process.poll() is not None or time.monotonic() - begun > LIMIT_SECONDS:
            process.kill()
            raise AssertionError(process.communicate()[1])
        time.sleep(0.02)
    return RunningLab(process, ready, time.monotonic() - begun)


@pytest.fixture
def up() -> Iterator[Callable[..., RunningLab]]:
    labs: list[RunningLab] = []

    def begin(state_dir: Path, *options: str) -> RunningLab:
        labs.append(start(state_dir, *options))
        return labs[-1]

    yield begin
    for lab in labs:
        if lab.process.poll() is None:
            lab.stop()
        assert lab.process.stderr is not None
        lab.process.stderr.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    running = start(tmp_path_factory.mktemp("lab") / "state", "--delivery-seconds", "0.1")
    yield running
    running.stop()
    assert running.process.stderr is not None
    running.process.stderr.close()
