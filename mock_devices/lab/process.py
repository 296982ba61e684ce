"""The lab as a process: one per state directory, stops with a signal or with its parent."""

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mock_devices.lab.control import Control
from mock_devices.lab.lab import Lab
from mock_devices.lab.topology import Topology, TopologyError


class StateDirectoryBusy(Exception):
    """Another lab keeps its state there."""


@dataclass(frozen=True)
class Run:
    """What ``up`` was asked for; ``None`` leaves a setting as the topology has it."""

    topology: Topology
    folder: Path
    state_dir: Path
    ready_file: Path | None
    outlive_parent: bool


@contextlib.contextmanager
def exclusive(state_dir: Path) -> Iterator[None]:
    """Hold the state directory for this process; raises ``StateDirectoryBusy``."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateDirectoryBusy(f"{state_dir} is used by another lab") from error
        yield


async def serve(run: Run) -> None:
    """Run a lab until a signal or the parent's end.

    Raises ``TopologyError``, ``StateDirectoryBusy``, or ``OSError`` for a port that is taken.
    """
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    with exclusive(run.state_dir), _parent_watched(stopped, wanted=not run.outlive_parent):
        lab = Lab(run.topology, run.folder, run.state_dir)
        token = secrets.token_urlsafe(24)
        control = Control(lab, token)
        try:
            await _started(lab, run.topology)
            await control.start()
            ready = {"control": control.web.url, "token": token, **lab.endpoints()}
            if run.ready_file is not None:
                write_private(run.ready_file, json.dumps(ready, indent=2))
            await stopped.wait()
        finally:
            if run.ready_file is not None:
                run.ready_file.unlink(missing_ok=True)
            await control.stop()
            await lab.stop()


async def _started(lab: Lab, topology: Topology) -> None:
    try:
        await lab.start()
    except ValueError as error:
        raise TopologyError(f"{topology.name}: {error}") from error


def write_private(path: Path, text: str) -> None:
    """Write a file at once and for its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    partial.replace(path)


@contextlib.contextmanager
def _parent_watched(stopped: asyncio.Event, *, wanted: bool) -> Iterator[None]:
    """Stop when the parent process ends.

    A pidfd, not PR_SET_PDEATHSIG, which strikes when the parent's *thread* that started us ends.
    """
    parent = os.getppid()
    if not wanted or parent == 0:
        yield
        return
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(parent)
    except ProcessLookupError:
        stopped.set()
        yield
        return
    if os.getppid() != parent:
        stopped.set()

    def gone() -> None:
        loop.remove_reader(descriptor)
        stopped.set()

    loop.add_reader(descriptor, gone)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
