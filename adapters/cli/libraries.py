"""The two libraries that bring a command line: scrapli and netmiko. The profile names one."""

import base64
import logging
import select
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from netmiko import ConnectHandler
from scrapli.driver.generic import GenericDriver
from scrapli.exceptions import ScrapliAuthenticationFailed, ScrapliConnectionError
from ssh2.exceptions import AuthenticationError, SSH2Error  # type: ignore[import-untyped]  # the library has no types

from adapters.cli.terminal import Terminal
from adapters.errors import HostKeyMismatch
from adapters.faults.ssh import netmiko_errors, scrapli_errors
from adapters.seam import Endpoint
from adapters.ssh import check_host_key, known_hosts, pinned_key
from device_profiles.dialects import CliDialect

OPEN_SECONDS = 15
_MOMENT = 0.01

# Below this level they log what goes over the line, secrets included.
for _name in ("netmiko", "scrapli", "paramiko"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


class NetmikoTerminal(Terminal):
    """A command line by netmiko (paramiko below).

    netmiko accepts any host key by default, so the key is looked at before and pinned for the
    login itself.
    """

    def __init__(self, endpoint: Endpoint, dialect: CliDialect) -> None:
        super().__init__(endpoint.device)
        check_host_key(endpoint, OPEN_SECONDS)
        names = (f"[{endpoint.host}]:{endpoint.port}", endpoint.host)
        with known_hosts(endpoint, *names) as file, netmiko_errors(endpoint.device):
            self._connection: Any = ConnectHandler(
                device_type=dialect.platform,
                host=endpoint.host,
                port=endpoint.port,
                username=endpoint.username,
                password=endpoint.password.get_secret_value(),
                conn_timeout=OPEN_SECONDS,
                ssh_strict=True,
                system_host_keys=False,
                alt_host_keys=True,
                alt_key_file=str(file),
                use_keys=False,
                allow_agent=False,
                auto_connect=True,
            )
        self._open = True
        self.ask("")

    @property
    def alive(self) -> bool:
        """Whether the conversation is still open."""
        return self._open and bool(self._connection.is_alive())

    def close(self) -> None:
        """Drop the connection; safe to call twice."""
        if self._open:
            self._open = False
            # Not disconnect(): it would type "exit" and wait for an answer.
            self._connection.paramiko_cleanup()

    def _write(self, text: str) -> None:
        with netmiko_errors(self.device):
            self._connection.write_channel(text)

    def _read(self) -> str:
        with netmiko_errors(self.device):
            text: str = self._connection.read_channel()
            if not text:
                if self._connection.remote_conn.closed:
                    raise EOFError
                time.sleep(_MOMENT)
        return text


class ScrapliTerminal(Terminal):
    """A command line by scrapli (libssh2 below)."""

    def __init__(self, endpoint: Endpoint, dialect: CliDialect) -> None:
        super().__init__(endpoint.device)
        key = pinned_key(endpoint)
        with scrapli_errors(endpoint.device):
            self._driver: Any = GenericDriver(
                host=endpoint.host,
                port=endpoint.port,
                auth_username=endpoint.username,
                auth_password=endpoint.password.get_secret_value(),
                auth_strict_key=True,
                ssh_config_file=False,
                ssh_known_hosts_file=False,
                transport="ssh2",
                timeout_socket=OPEN_SECONDS,
                timeout_transport=OPEN_SECONDS,
            )
            transport = self._driver.transport
            transport._verify_key = _pinned(transport, key.blob, endpoint.device)
            transport._authenticate = _one_try(transport, endpoint)
            # Both replace steps of scrapli's own login: its check knows hosts without ports, and
            # its login offers a refused password a second time.
            try:
                self._driver.open()
                transport.session.set_blocking(False)
            except BaseException:
                _dropped(transport)
                raise
        self._open = True
        self.greet(OPEN_SECONDS)
        for line in dialect.session:
            self.ask(line)

    @property
    def alive(self) -> bool:
        """Whether the conversation is still open."""
        return self._open and bool(self._driver.isalive())

    def close(self) -> None:
        """Drop the connection; safe to call twice."""
        if self._open:
            self._open = False
            _dropped(self._driver.transport)

    def _write(self, text: str) -> None:
        with scrapli_errors(self.device):
            if not self._open:
                raise EOFError
            self._driver.transport.session.set_blocking(True)
            try:
                self._driver.channel.write(text)
            finally:
                self._driver.transport.session.set_blocking(False)

    def _read(self) -> str:
        with scrapli_errors(self.device):
            if not self._open:
                raise EOFError
            data: bytes = self._driver.channel.read()
            if not data:
                if not self._driver.transport.isalive():
                    raise ScrapliConnectionError
                select.select([self._driver.transport.socket.sock], [], [], 0.1)
        return data.decode(errors="replace")


def _dropped(transport: Any) -> None:
    """Close a libssh2 session before its socket.

    libssh2 knows the socket by number only and says good-bye when its session is freed. Freed
    after the socket was closed, that would go into whatever connection has the number by then. So
    no variable outside the transport may hold the session either.
    """
    if transport.session is not None:
        with suppress(SSH2Error):
            transport.session.disconnect()
    transport.session_channel = None
    transport.session = None
    if transport.socket is not None:
        transport.socket.close()


def _pinned(transport: Any, blob: str, device: str) -> Callable[[], None]:
    wanted = base64.b64decode(blob)

    def verify() -> None:
        if transport.session.hostkey()[0] != wanted:
            raise HostKeyMismatch("the device shows another host key", device=device)

    return verify


def _one_try(transport: Any, endpoint: Endpoint) -> Callable[[], None]:
    def authenticate() -> None:
        try:
            transport.session.userauth_password(
                endpoint.username, endpoint.password.get_secret_value()
            )
        except AuthenticationError as error:
            raise ScrapliAuthenticationFailed from error

    return authenticate


_LIBRARIES: dict[str, Callable[[Endpoint, CliDialect], Terminal]] = {
    "netmiko": NetmikoTerminal,
    "scrapli": ScrapliTerminal,
}


def open_terminal(endpoint: Endpoint, dialect: CliDialect) -> Terminal:
    """Return a logged-in command line by the library that the dialect names.

    Raises Unreachable, HostKeyMismatch before credentials leave, AuthenticationFailed after one
    try.
    """
    return _LIBRARIES[dialect.library](endpoint, dialect)
