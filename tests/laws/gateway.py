"""The gateway's writer as a process of its own that can be killed or stopped at every step.

The devices live on in the test's process: what the child says to them goes over a socket, in the
bytes it would have on the wire. A step is a commit of the ledger or a request to a device.
"""

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

import sqlalchemy as sa
from lxml import etree

from adapters.seam import Session
from tests.laws.devices import Network, Wire, wired_session
from tests.laws.world import writer

Step = Callable[[str], None]
PATIENCE_SECONDS = 60


def watched_engine(url: sa.URL, step: Step) -> sa.Engine:
    """An engine that takes a step before and after each of its commits."""
    engine = sa.create_engine(url, connect_args={"options": "-c timezone=UTC"})
    plain = engine.dialect.do_commit

    def commit(connection: Any) -> None:
        step("before a ledger write")
        plain(connection)
        step("after a ledger write")

    engine.dialect.do_commit = commit  # type: ignore[method-assign]  # the one seam for commits
    return engine


class Remote:
    """The devices as the child sees them."""

    def __init__(self, pipe: Connection, network: Network, step: Step) -> None:
        self._pipe = pipe
        self._offered = {name: found.capabilities for name, found in network.devices.items()}
        self._step = step

    def _ask(self, *question: object) -> Any:
        self._pipe.send(question)
        return self._pipe.recv()

    @contextmanager
    def open(self, device: str, site: str) -> Iterator[Session]:
        number = self._ask("connect", device)

        def exchange(message: bytes) -> bytes:
            name = str(etree.QName(etree.fromstring(message)[0]).localname)
            self._step(f"before {name}")
            answer: bytes = self._ask("answer", device, number, message)
            self._step(f"after {name}")
            return answer

        try:
            yield wired_session(Wire(exchange, device, self._offered[device]))
        finally:
            self._ask("hang_up", device, number)


class Gateway:
    """One child process with a writer; ``steps`` are the names of those it has gone through."""

    def __init__(
        self,
        engine: sa.Engine,
        network: Network,
        devices: tuple[str, ...],
        *,
        signal_at: int | None = None,
        signal_sent: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.network = network
        self.steps: list[str] = []
        self._sessions: set[tuple[str, int]] = set()
        self._pipe, theirs = Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._pipe.close()
            _child(theirs, engine.url, network, devices, signal_at, signal_sent)
        theirs.close()

    def run(self) -> bool:
        """Serve the child until it ends; tells whether it ended by itself."""
        while self.serve():
            pass
        _, status = os.waitpid(self.pid, 0)
        self._pipe.close()
        for device, number in self._sessions:
            self.network.devices[device].hang_up(number)
        if os.WIFSIGNALED(status):
            return False
        assert os.waitstatus_to_exitcode(status) == 0
        return True

    def serve(self, patience: float = PATIENCE_SECONDS) -> bool:
        """Answer one message; false when the child is gone or silent for that long."""
        if not wait([self._pipe], patience):
            return False
        try:
            kind, *rest = self._pipe.recv()
        except (EOFError, ConnectionResetError):
            return False
        if kind == "step":
            self.steps.append(rest[0])
            return True
        if kind == "failed":
            raise AssertionError(rest[0])
        device = self.network.devices[rest[0]]
        if kind == "connect":
            answer: object = device.connect()
            self._sessions.add((rest[0], answer))  # type: ignore[arg-type]  # a number
        elif kind == "answer":
            answer = device.answer(rest[1], rest[2])
        else:
            answer = device.hang_up(rest[1])
            self._sessions.discard((rest[0], rest[1]))
        with_reply(self._pipe, answer)
        return True

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


def with_reply(pipe: Connection, answer: object) -> None:
    """Send an answer; who asked may be dead by now."""
    try:
        pipe.send(answer)
    except (BrokenPipeError, ConnectionResetError):
        return


def _child(
    pipe: Connection,
    url: sa.URL,
    network: Network,
    devices: tuple[str, ...],
    signal_at: int | None,
    signal_sent: signal.Signals,
) -> None:
    taken = 0

    def step(name: str) -> None:
        nonlocal taken
        pipe.send(("step", name))
        if taken == signal_at:
            os.kill(os.getpid(), signal_sent)
        taken += 1

    try:
        engine = watched_engine(url, step)
        ours = writer(engine, Remote(pipe, network, step))
        for device in devices:
            ours.run(device)
    except BaseException:  # noqa: BLE001 - the boundary of the process
        pipe.send(("failed", traceback.format_exc()))
    finally:
        # No fixture, no hook and no buffer of the test's process is the child's to end.
        os._exit(0)
