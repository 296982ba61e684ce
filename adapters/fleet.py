"""The fleet: sessions to all devices, pooled, and tasks over many devices in parallel."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from nornir.core import Nornir
from nornir.core.configuration import Config, LoggingConfig
from nornir.core.inventory import ConnectionOptions, Defaults, Groups, Host, Hosts, Inventory
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir.core.state import GlobalState
from nornir.core.task import Task
from nornir.plugins.runners import ThreadedRunner

from adapters.drivers import PooledSession, open_session
from adapters.errors import AdapterError
from adapters.nornir_plugin import NAME, SessionPlugin
from adapters.pool import SessionPool
from adapters.seam import Endpoint, SecretResolver, Session
from device_profiles.profile import Profile
from device_profiles.tree import Path, Tree

Result = TypeVar("Result")
MOST_THREADS = 50
"""More made runs slower: the libraries share one interpreter."""
_SESSIONS_PER_DEVICE = 2
_IDLE_SECONDS = 120.0
_WAIT_SECONDS = 60.0

# It logs task arguments and whole tracebacks; errors are returned or raised here instead.
logging.getLogger("nornir").setLevel(logging.CRITICAL + 1)


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
        if ConnectionPluginRegister.available.get(NAME) is not SessionPlugin:
            ConnectionPluginRegister.register(NAME, SessionPlugin)

    def __repr__(self) -> str:
        return "Fleet()"

    @contextmanager
    def session(self, endpoint: Endpoint) -> Iterator[Session]:
        """Lend a session for the block.

        Raises AdapterError when none can be opened. After an error in the block the session is
        used again only if it is still alive.
        """
        session = self._pool.take(endpoint)
        try:
            yield session
        finally:
            self._pool.give_back(endpoint, session)

    def read(
        self, endpoints: Collection[Endpoint], scopes: Mapping[str, Collection[Path]]
    ) -> Mapping[str, Tree | AdapterError]:
        """Read each device once in its scope, in parallel; return trees, or errors, by device."""
        return self.run(endpoints, lambda device, session: session.read(scopes[device]))

    def run(
        self, endpoints: Collection[Endpoint], task: Callable[[str, Session], Result]
    ) -> Mapping[str, Result | AdapterError]:
        """Return what ``task(device, session)`` returns, or the error it ends with, by device.

        Runs in parallel on up to 50 threads with a Nornir state of its own: a device that failed
        once is tried again next time. Errors that are not ours are raised after all have run.
        """
        if not endpoints:
            return {}
        leases = {endpoint.device: _Lease(self._pool, endpoint) for endpoint in endpoints}

        def one(on: Task) -> Result | AdapterError:
            lease = leases[on.host.name]
            try:
                session: Session = on.host.get_connection(NAME, on.nornir.config)
                return task(on.host.name, session)
            except AdapterError as error:
                return error
            finally:
                on.host.close_connections()
                lease.end()

        outcome = _nornir(leases, min(self._threads, len(leases))).run(one, name="rom")
        results: dict[str, Result | AdapterError] = {}
        for device, result in outcome.items():
            if result[0].exception is not None:
                raise result[0].exception
            results[device] = result[0].result
        return results

    def close(self) -> None:
        """Close all sessions; those still lent are closed when they come back."""
        self._pool.close()

    def _opened(self, endpoint: Endpoint) -> PooledSession:
        return open_session(endpoint, self._profiles(endpoint.profile), self._secrets)


class _Lease:
    """A session on loan for one task; what Nornir gets to see instead of an endpoint."""

    def __init__(self, pool: SessionPool, endpoint: Endpoint) -> None:
        self._pool = pool
        self._endpoint = endpoint
        self._session: PooledSession | None = None

    def __repr__(self) -> str:
        return f"_Lease({self._endpoint.device})"

    def __call__(self) -> PooledSession:
        self._session = self._pool.take(self._endpoint)
        return self._session

    def end(self) -> None:
        """Give the session back if one was taken."""
        if self._session is not None:
            self._pool.give_back(self._endpoint, self._session)
            self._session = None


def _nornir(leases: Mapping[str, _Lease], threads: int) -> Nornir:
    """Return a Nornir of its own state, without its logging and without any credentials."""
    hosts = Hosts(
        {
            device: Host(
                device, connection_options={NAME: ConnectionOptions(extras={"lease": lease})}
            )
            for device, lease in leases.items()
        }
    )
    return Nornir(
        inventory=Inventory(hosts, Groups(), Defaults()),
        config=Config(logging=LoggingConfig(enabled=False)),
        data=GlobalState(dry_run=False, failed_hosts=set()),
        runner=ThreadedRunner(num_workers=threads),
    )
