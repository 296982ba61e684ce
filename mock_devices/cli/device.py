"""A device that is managed by command line over SSH."""

import asyncio
import hmac
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from mock_devices.cli.commands import COMMON
from mock_devices.cli.grammar import load_grammar
from mock_devices.cli.machine import MINUTE, Machine
from mock_devices.cli.record import Faults, Record
from mock_devices.cli.shell import ADMINISTRATOR, Handler, Shell
from mock_devices.cli.switch_commands import SWITCH
from mock_devices.cli.terminal import converse
from mock_devices.host_keys import host_key, public_line

_SAVE_DELAY = 0.05
_LINGER = 0.3

Authenticator = Callable[[str, str], int | None]
"""Returns the privilege level of a user name and password, None when they are wrong."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who may log in. With ``privilege`` below 15 configuring needs ``enable``."""

    username: str
    password: str = field(repr=False)
    enable: str = field(default="", repr=False)
    privilege: int = ADMINISTRATOR


class _Login(asyncssh.SSHServer):
    """Password authentication of one connection; the privilege is remembered for the session."""

    def __init__(
        self, authenticate: Authenticator, record: Record, faults: Faults, authorized: str
    ) -> None:
        self._authenticate = authenticate
        self._record = record
        self._faults = faults
        self._authorized = authorized

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        return bool(username)

    def password_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return bool(self._authorized)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002 - asyncssh's
        known = public_line(key) == self._authorized
        if known:
            self._connection.set_extra_info(privilege=ADMINISTRATOR)
        else:
            self._record.counters["logins_refused"] += 1
        return known

    def validate_password(self, username: str, password: str) -> bool:
        if self._faults.restarts_at_login:
            self._faults.restarts_at_login -= 1
            self._connection.abort()
            return False
        privilege = self._authenticate(username, password)
        if privilege is None:
            self._record.counters["logins_refused"] += 1
            return False
        self._connection.set_extra_info(privilege=privilege)
        return True


class SshFrontEnd:
    """The SSH server of a machine; it can be closed and opened again on the same port."""

    def __init__(
        self,
        machine: Machine,
        handlers: Mapping[str, Handler],
        authenticate: Authenticator,
        kinds: Sequence[str] = ("ssh-ed25519",),
        authorized: str = "",
    ) -> None:
        self._machine = machine
        self._handlers = handlers
        self._authenticate = authenticate
        self._authorized = authorized
        self._keys = [
            host_key(machine.state_dir / f"ssh_host_{kind.removeprefix('ssh-')}_key", kind)
            for kind in kinds
        ]
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._connections: set[asyncssh.SSHServerConnection] = set()

    @property
    def public_key(self) -> str:
        """The host key as an OpenSSH public key line."""
        return self.public_keys[0]

    @property
    def public_keys(self) -> list[str]:
        """All of its host keys."""
        return [public_line(key) for key in self._keys]

    @property
    def listening(self) -> bool:
        """Tell whether logins are possible."""
        return self._acceptor is not None

    async def open(self, host: str, port: int) -> int:
        """Listen and return the port. Raises OSError when the address is taken."""
        self._acceptor = await asyncssh.listen(
            host,
            port,
            server_host_keys=self._keys,
            server_factory=lambda: _Login(
                self._authenticate, self._machine.record, self._machine.faults, self._authorized
            ),
            process_factory=self._session,
            line_editor=False,
            reuse_address=True,
            server_version=self._machine.grammar.wording.ssh_server,
        )
        return int(self._acceptor.get_port())

    def drop_sessions(self) -> None:
        """Cut every session at once."""
        for connection in list(self._connections):
            connection.abort()

    async def close(self) -> None:
        """Stop listening and cut the sessions; safe to call twice."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.close()
            self.drop_sessions()
            await acceptor.wait_closed()

    async def _session(self, process: "asyncssh.SSHServerProcess[str]") -> None:
        connection = process.get_extra_info("connection")
        self._connections.add(connection)
        self._machine.record.counters["sessions"] += 1
        shell = Shell(
            self._machine,
            self._handlers,
            user=process.get_extra_info("username"),
            privilege=process.get_extra_info("privilege"),
        )
        try:
            await converse(process, shell)
        finally:
            self._connections.discard(connection)
        if shell.dropped:
            connection.abort()
        elif shell.closed:
            # As on a real device the client has a moment to close first.
            asyncio.get_running_loop().call_later(_LINGER, connection.close)


class CliDevice:
    """A switch or router with an IOS-style command line.

    ``state_dir`` keeps host key, running and startup configuration over restarts of the
    simulation. ``baseline`` is the configuration of the first start, saved as startup
    configuration; its lines must all be known to the platform. ``minute`` shortens the revert
    timer for tests. ``key_kinds`` are the types of its host keys, ``authorized`` is a public key by
    which administrators may log in.
    """

    def __init__(
        self,
        name: str,
        platform: str,
        credentials: Credentials,
        state_dir: Path,
        *,
        baseline: str = "",
        serial: str = "",
        minute: float = MINUTE,
        key_kinds: Sequence[str] = ("ssh-ed25519",),
        authorized: str = "",
    ) -> None:
        self.name = name
        self._credentials = credentials
        grammar = load_grammar(platform)
        os.makedirs(state_dir, mode=0o700, exist_ok=True)  # noqa: PTH103 - mode for the new folder
        self.machine = Machine(
            name, grammar, state_dir, serial=serial or f"SIM{name}", minute=minute
        )
        self._baseline = baseline or grammar.example_baseline
        self._front_end = SshFrontEnd(
            self.machine, {**COMMON, **SWITCH}, self._authenticate, key_kinds, authorized
        )
        self.machine.on_reload = self._reload
        self.machine.on_change = self._changed
        self._saving: asyncio.TimerHandle | None = None

    @property
    def faults(self) -> Faults:
        """Faults to order."""
        return self.machine.faults

    @property
    def record(self) -> Record:
        """The log of lines and the counters."""
        return self.machine.record

    @property
    def public_key(self) -> str:
        """The host key as an OpenSSH public key line."""
        return self._front_end.public_key

    @property
    def public_keys(self) -> list[str]:
        """All of its host keys."""
        return self._front_end.public_keys

    @property
    def running_config(self) -> str:
        """The running configuration."""
        return self.machine.running_text()

    @property
    def startup_config(self) -> str | None:
        """The saved configuration."""
        return self.machine.startup

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Take up the kept configuration, listen, and return the port.

        Raises ValueError when the baseline has lines that the platform refuses, OSError when the
        address is taken.
        """
        if not self.machine.wake():
            self._first_start()
        return await self._front_end.open(host, port)

    async def stop(self) -> None:
        """Stop listening and keep the running configuration for the next start."""
        await self._front_end.close()
        self.machine.stop_timer()
        if self._saving is not None:
            self._saving.cancel()
        self.machine.hibernate()

    def reload(self) -> None:
        """Restart the device as a power cut would: what was not saved is lost."""
        self._front_end.drop_sessions()
        self.machine.restart()

    _reload = reload

    def _first_start(self) -> None:
        machine = self.machine
        if machine.startup is None:
            if refused := machine.load(f"{machine.grammar.factory}\n{self._baseline}"):
                message = f"{self.name}: the baseline has lines that are refused: {refused}"
                raise ValueError(message)
            if self._credentials.enable:
                machine.merge(f"enable secret {self._credentials.enable}")
            machine.save()
            machine.record.counters.clear()
        else:
            machine.restart()

    def _authenticate(self, username: str, password: str) -> int | None:
        mine = self._credentials
        if hmac.compare_digest(username.encode(), mine.username.encode()):
            right = hmac.compare_digest(password.encode(), mine.password.encode())
            return mine.privilege if right else None
        return self.machine.password_accepted(username, password)

    def _changed(self) -> None:
        if self._saving is None and self._front_end.listening:
            loop = asyncio.get_running_loop()
            self._saving = loop.call_later(_SAVE_DELAY, self._keep)

    def _keep(self) -> None:
        self._saving = None
        self.machine.hibernate()
