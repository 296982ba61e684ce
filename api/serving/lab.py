"""Starts and stops the simulated lab, a process of its own with its own package."""

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import inventory
from api.serving.child import Child
from api.serving.errors import ServeError

START_SECONDS = 30
STOP_SECONDS = 10
READY_FILE = "ready.json"
_LOOK_SECONDS = 0.05


def find_topology(name: str) -> Path:
    """Return a topology by file or by the name of a shipped one; raises ``ServeError``."""
    given = Path(name)
    if given.is_file():
        return given.resolve()
    package = importlib.util.find_spec("mock_devices")
    shipped = [
        place
        for root in (package.submodule_search_locations or () if package else ())
        for place in sorted((Path(root) / "topologies").glob("*/topology.yaml"))
    ]
    for place in shipped:
        if place.parent.name == name:
            return place
    names = ", ".join(place.parent.name for place in shipped) or "none"
    message = f"there is no topology file '{name}'; shipped by name: {names}"
    raise ServeError(message)


def shipped_inventory(name: str) -> Path | None:
    """Return the example inventory that describes the shipped topology ``name``."""
    place = Path(inventory.__file__).parent / "examples" / f"{name}.yaml"
    return place if place.is_file() else None


def command(topology: Path, state_dir: Path) -> list[str]:
    """Return the command line of the lab's process."""
    return [
        sys.executable, "-m", "mock_devices", "up", str(topology),
        "--state-dir", str(state_dir), "--ready-file", str(state_dir / READY_FILE),
    ]  # fmt: skip


def start(topology: Path, state_dir: Path, give_up: Callable[[], bool]) -> Child:
    """Start the lab and return when all its devices listen.

    Raises ``ServeError`` when it does not come up within ``START_SECONDS`` or ``give_up`` says so.
    """
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    ready = state_dir / READY_FILE
    ready.unlink(missing_ok=True)
    lab = Child(command(topology, state_dir), state_dir / "lab.log", {})
    deadline = monotonic() + START_SECONDS
    while not ready.exists():
        if lab.exit_code is not None or monotonic() > deadline or give_up():
            lab.stop(STOP_SECONDS)
            message = f"the lab did not come up; the end of {lab.log}:\n{lab.last_words()}"
            raise ServeError(message)
        sleep(_LOOK_SECONDS)
    return lab


@contextmanager
def running(topology: Path, state_dir: Path, give_up: Callable[[], bool]) -> Iterator[Child]:
    """Run the lab for as long as the context is open."""
    lab = start(topology, state_dir, give_up)
    try:
        yield lab
    finally:
        lab.stop(STOP_SECONDS)
        (state_dir / READY_FILE).unlink(missing_ok=True)


def read_ready_file(state_dir: Path) -> dict[str, Any]:
    """Return what the lab wrote when it was up; raises ``ServeError`` when it is not."""
    place = state_dir / READY_FILE
    try:
        found: dict[str, Any] = json.loads(place.read_text())
    except (OSError, json.JSONDecodeError) as error:
        message = f"no lab is up with its state in {state_dir}; start one with 'rom lab up'"
        raise ServeError(message) from error
    return found
