"""A simulated NETCONF device: SSH in front, datastores behind, faults on request."""

import asyncio
import hmac
import logging
from collections.abc import Mapping
from ipaddress import IPv4Network, ip_address
from pathlib import Path

import asyncssh

from mock_devices.host_keys import public_line
from mock_devices.netconf.datastores import Counters, Datastores
from mock_devices.netconf.faults import Faults
from mock_devices.netconf.markup import BASE
from mock_devices.netconf.messages import capabilities
from mock_devices.netconf.operational import NoState, Operational, StateData, StateRequest
from mock_devices.netconf.operations import Operations
from mock_devices.netconf.schema import Schema
from mock_devices.netconf.session import Process, Session
from mock_devices.netconf.storage import Storage, parse_configuration
from mock_devices.netconf.tree import EMPTY, Container
from mock_devices.netconf.writing import Writer

logger = logging.getLogger(__name__)

LOOPBACK = IPv4Network("127.0.0.0/8")


class NetconfDevice:
    """One device of any schema; many live in one event loop.

    ``baseline`` is the configuration of the first start, a ``<config>`` document; later starts use
    what ``state_dir`` holds. ``credentials`` are passwords by user name. ``commit_delay`` is in
    seconds and may be changed at any time. ``framing`` "1.0" makes a device without base:1.1,
    ``key_kind`` is its host key's type, ``authorized`` a public key by which users may log in.
    ``confirmed_commit`` "1.0" one whose confirmed commits end with their session (RFC 4741 section
    8.4), "" one without them. ``has_startup`` makes one that forgets at a restart what was not
    copied to startup.
    """

    def __init__(
        self,
        name: str,
        schema: Schema,
        credentials: Mapping[str, str],
        state_dir: Path,
        baseline: bytes | None = None,
        operational: Operational | None = None,
        commit_delay: float = 0.0,
        framing: str = "1.1",
        confirmed_commit: str = "1.1",
        key_kind: str = "ssh-ed25519",
        authorized: str = "",
        *,
        has_startup: bool = False,
    ) -> None:
        self.name = name
        self.schema = schema
        self.faults = Faults()
        self.counters = Counters()
        self.commit_delay = commit_delay
        self.operational: Operational = operational or NoState()
        self._credentials = dict(credentials)
        self._storage = Storage(state_dir, name, schema)
        self._host_key = self._storage.host_key(key_kind)
        self._authorized = authorized
        self._baseline = baseline
        self._confirmed_commit = confirmed_commit
        self._has_startup = has_startup
        self._announced = capabilities(schema, framing, confirmed_commit, has_startup=has_startup)
        self._stores: Datastores | None = None
        self._operations: Operations | None = None
        self._listener: asyncssh.SSHAcceptor | None = None
        self._sessions: dict[int, Session] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections: set[asyncssh.SSHServerConnection] = set()
        self._last_session = 0

    @property
    def host_key_public(self) -> str:
        """The host key as an OpenSSH public key line without comment."""
        return public_line(self._host_key)

    @property
    def running(self) -> Container:
        """The running configuration as data."""
        return self._datastores().running

    def running_xml(self) -> bytes:
        """Return running as a ``<config>`` document: equal bytes for equal configurations."""
        return Writer(self.schema).document(self.running, "config", BASE)

    def candidate_xml(self) -> bytes:
        """Return the candidate as a ``<config>`` document."""
        return Writer(self.schema).document(self._datastores().candidate, "config", BASE)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Load the kept configuration, listen and return the port.

        Raises ``ValueError`` for an address that is not 127.0.0.0/8, ``EditRefusedError`` or
        ``InvalidConfigurationError`` for a baseline that the schema refuses.
        """
        if ip_address(host) not in LOOPBACK:
            raise ValueError(f"{host} is not in {LOOPBACK}")
        running = self._storage.load()
        if running is None:
            running = parse_configuration(self.schema, self._baseline) if self._baseline else EMPTY
        self._stores = Datastores(
            self.schema,
            running,
            self._storage.save,
            self.faults,
            self.counters,
            lambda: self.commit_delay,
            has_startup=self._has_startup,
        )
        self._operations = Operations(self._stores, self._state, self, self._confirmed_commit)
        self._listener = await asyncssh.listen(
            host,
            port,
            server_factory=lambda: _Login(self),
            process_factory=self._serve,
            server_host_keys=[self._host_key],
            encoding=None,
        )
        return int(self._listener.get_port())

    async def stop(self) -> None:
        """Stop like a device that loses power: sessions drop, an unconfirmed commit is gone."""
        if self._listener is None:
            return
        self._listener.close()
        self._datastores().stop()
        for connection in list(self._connections):
            connection.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._listener.wait_closed()
        self._listener = None

    def kill(self, session: int) -> bool:
        """End a session by force; false when there is none of that number."""
        if session not in self._sessions:
            return False
        self._sessions[session].cut()
        self._session_over(session)
        return True

    def _state(self, running: Container, request: StateRequest) -> StateData:
        return self.operational.state(running, request)

    def _datastores(self) -> Datastores:
        if self._stores is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._stores

    def _serve(self, process: Process) -> None:
        if process.subsystem != "netconf" or self._operations is None:
            process.exit(1)
            return
        self._last_session += 1
        session = Session(
            self._last_session, process, self.schema, self._operations, self.faults, self._announced
        )
        self._sessions[session.number] = session
        task = asyncio.get_running_loop().create_task(self._run(session))
        self._tasks.add(task)
        task.add_done_callback(self._session_done)

    def _session_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            logger.error("%s: a session failed", self.name, exc_info=task.exception())

    async def _run(self, session: Session) -> None:
        try:
            await session.run()
        finally:
            self._session_over(session.number)

    def _session_over(self, number: int) -> None:
        if self._sessions.pop(number, None) is not None and self._listener is not None:
            self._datastores().session_ended(number)


class _Login(asyncssh.SSHServer):
    """Password login of one connection."""

    def __init__(self, device: NetconfDevice) -> None:
        self._device = device
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        if self._device.faults.refuse_connections:
            conn.abort()
            return
        self._device.counters.connections += 1
        self._device._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncssh's
        self._device._connections.discard(self._connection)

    def begin_auth(self, username: str) -> bool:  # noqa: ARG002 - asyncssh's
        return True

    def password_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return bool(self._device._authorized)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self._device.counters.logins += 1
        return username in self._device._credentials and (
            public_line(key) == self._device._authorized
        )

    def validate_password(self, username: str, password: str) -> bool:
        self._device.counters.logins += 1
        if self._device.faults.restarts_at_login and self._connection is not None:
            self._device.faults.restarts_at_login -= 1
            self._connection.abort()
            return False
        known = self._device._credentials.get(username)
        return known is not None and hmac.compare_digest(known.encode(), password.encode())
