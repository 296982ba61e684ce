"""The fleet: sessions to all devices, pooled, and Nornir tasks over many devices in parallel."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

from nornir.core.processor import Processors
from nornir.core.task import Result, Task
from nornir.plugins.runners import SerialRunner, ThreadedRunner

from adapters.drivers import PooledSession, open_session
from adapters.errors import AdapterError, SessionLost
from adapters.nornir import tasks
from adapters.nornir.conversation import Conversation
from adapters.nornir.state import GivesBack, nornir_of, silence
from adapters.nornir.tasks import ByHost
from adapters.pool import SessionPool
from adapters.seam import Capability, Endpoint, SecretResolver
from device_profiles.profile import Profile
from device_profiles.references import Users
from device_profiles.tree import Path, Tree

Arguments = ParamSpec("Arguments")
MOST_THREADS = 50
"""More made runs slower: the libraries share one interpreter."""
_SESSIONS_PER_DEVICE = 2
_IDLE_SECONDS = 120.0
_WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Examined:
    """What a device offers, and why it is not one of its profile's platform."""

    capabilities: frozenset[Capability]
    misfits: tuple[str, ...]


class Fleet:
    """Opens, lends and closes sessions.

    ``profiles`` returns a profile by name, ``secrets`` resolves secret names at the moment of
    sending. Sessions are lent to one user at a time, at most ``per_device`` to one device, and
    closed after ``idle_seconds`` of rest. Safe to use from many threads.
    """

    def __init__(
        self,
        profiles: Callable[[str], Profile],
        secrets: SecretResolver,
        *,
        per_device: int = _SESSIONS_PER_DEVICE,
        idle_seconds: float = _IDLE_SECONDS,
        threads: int = MOST_THREADS,
    ) -> None:
        self._profiles = profiles
        self._secrets = secrets
        self._threads = min(threads, MOST_THREADS)
        self._pool = SessionPool(
            self._opened,
            per_device,
            idle_seconds,
            _WAIT_SECONDS,
            lambda endpoint: profiles(endpoint.profile),
        )
        silence()

    def __repr__(self) -> str:
        return "Fleet()"

    @contextmanager
    def session(self, endpoint: Endpoint) -> Iterator[Conversation]:
        """Lend a session for the block; each of its operations is a task of ``nornir.tasks``.

        Raises AdapterError when none can be opened. After an error in the block the session is
        used again only if it is still alive.
        """
        conversation = Conversation(
            nornir_of([endpoint], self._pool, self._profiles, SerialRunner())
        )
        try:
            yield conversation
        finally:
            conversation.close()

    def read(
        self, endpoints: Collection[Endpoint], scopes: Mapping[str, Collection[Path]]
    ) -> Mapping[str, Tree | AdapterError]:
        """Read each device once in its scope, in parallel; return trees, or errors, by device."""
        return self._looked(endpoints, tasks.read, ByHost(scopes))

    def users(
        self, endpoints: Collection[Endpoint], entries: Mapping[str, Collection[Path]]
    ) -> Mapping[str, Users | AdapterError]:
        """Return by device who refers to its entries, or the error it ends with, in parallel."""
        return self._looked(endpoints, tasks.users, ByHost(entries))

    def _looked(
        self,
        endpoints: Collection[Endpoint],
        task: Callable[Concatenate[Task, Arguments], Result],
        *positional: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Mapping[str, Any | AdapterError]:
        """Return what ``run`` does of a task that changes nothing.

        A session that lay idle may have ended unnoticed, so that its device has done nothing wrong:
        where one breaks off, the task is run again by a new one.
        """
        found = self.run(endpoints, task, *positional, **named)
        lost = [each for each in endpoints if isinstance(found[each.device], SessionLost)]
        return {**found, **self.run(lost, task, *positional, **named)}

    def run(
        self,
        endpoints: Collection[Endpoint],
        task: Callable[Concatenate[Task, Arguments], Result],
        *positional: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Mapping[str, Any | AdapterError]:
        """Return what a Nornir task's results hold, or the error it ends with, by device.

        Runs in parallel on up to 50 threads with a Nornir state of its own: a device that failed
        once is tried again next time. Errors that are not ours are raised after all have run.
        """
        if not endpoints:
            return {}

        def bound(on: Task) -> Result:
            return task(on, *positional, **named)

        runner = ThreadedRunner(min(self._threads, len(endpoints)))
        once = nornir_of(endpoints, self._pool, self._profiles, runner, Processors([GivesBack()]))
        try:
            outcome = once.run(bound)
        finally:
            for host in once.inventory.hosts.values():
                host.close_connections()
        results: dict[str, Any | AdapterError] = {}
        for device, (first, *_) in outcome.items():
            if first.exception is not None and not isinstance(first.exception, AdapterError):
                raise first.exception
            results[device] = first.exception or first.result
        return results

    def examine(self, endpoint: Endpoint) -> Examined:
        """Log in anew, apart from the pool, and look what the device is; raises AdapterError."""
        session = self._opened(endpoint)
        try:
            return Examined(session.capabilities, session.misfits())
        finally:
            session.close()

    def close(self) -> None:
        """Close all sessions; those still lent are closed when they come back."""
        self._pool.close()

    def _opened(self, endpoint: Endpoint) -> PooledSession:
        return open_session(endpoint, self._profiles(endpoint.profile), self._secrets)
