"""Command lines by scrapli (libssh2 below) and its driver for the platform."""

import base64
import codecs
import select
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pydantic import SecretStr
from scrapli import Scrapli
from scrapli.channel import Channel
from scrapli.exceptions import ScrapliAuthenticationFailed, ScrapliConnectionError
from ssh2.exceptions import (  # type: ignore[import-untyped]  # the library has no types
    AuthenticationError,
    PublickeyUnverifiedError,
    SSH2Error,
)
from ssh2.session import LIBSSH2_METHOD_HOSTKEY  # type: ignore[import-untyped]  # the library has no types

from adapters.cli.line import SETTLED, Line
from adapters.cli.terminal import OPEN_SECONDS, EnableSecret, Terminal, unnamed
from adapters.errors import HostKeyMismatch, LoginBroken, SecretUnavailable
from adapters.faults.ssh import scrapli_errors
from adapters.seam import Endpoint
from adapters.ssh import HostKey, login_key, pinned_key
from device_profiles.dialects import CliDialect, Privilege

_UNSAFE = "ssh-rsa"
"""A private key of this type makes libssh2 1.11.1 write where it must not."""


class ScrapliTerminal(Terminal):
    """A command line by scrapli."""

    def __init__(
        self, endpoint: Endpoint, dialect: CliDialect, secret: EnableSecret | None
    ) -> None:
        super().__init__(endpoint.device, dialect)
        key = pinned_key(endpoint)
        with scrapli_errors(endpoint.device):
            self._driver: Any = Scrapli(
                platform=dialect.platform,
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
                timeout_ops=0,  # the line has the time limit, and needs no thread for it
                on_open=_unblocked,
            )
        self._driver.comms_prompt_pattern = unnamed(dialect.prompt)
        self._driver.channel = _Channel(self._driver.channel, self._line)
        self._open(endpoint, key)
        self._settle(dialect, secret)

    @property
    def alive(self) -> bool:
        """Whether the conversation is still open."""
        return bool(self._driver.isalive())

    def close(self) -> None:
        """Drop the connection; safe to call twice."""
        _dropped(self._driver.transport)

    def _open(self, endpoint: Endpoint, key: HostKey) -> None:
        transport = self._driver.transport
        # Both replace steps of scrapli's own login: its check knows hosts without ports, and its
        # login offers a refused password a second time.
        transport._set_timeout = _asking_for(transport, key, transport._set_timeout)
        transport._verify_key = _pinned(transport, key.blob, endpoint.device)
        transport._authenticate = _one_try(transport, endpoint)
        self._line.expect(OPEN_SECONDS)
        try:
            with scrapli_errors(endpoint.device):
                self._driver.open()
        except BaseException:
            self.close()
            raise

    def _write(self, text: str) -> None:
        with scrapli_errors(self.device):
            self._driver.channel.write(text)

    def _asked(self, line: str, seconds: float) -> str:  # noqa: ARG002 - the line has the limit
        with scrapli_errors(self.device):
            raw, _ = self._driver.channel.send_input(line, strip_prompt=False)
        return bytes(raw).decode()

    def _become_privileged(self, privilege: Privilege, secret: SecretStr) -> None:
        driver = self._driver
        driver.auth_secondary = secret.get_secret_value()
        level = driver.privilege_levels[driver.default_desired_privilege_level]
        level.escalate, level.escalate_prompt = privilege.line, rf"^.*(?:{privilege.asks})\s*$"
        with scrapli_errors(self.device):
            driver.acquire_priv(driver.default_desired_privilege_level)


class _Channel(Channel):
    """scrapli's channel behind the line; the session below it does not block."""

    def __init__(self, channel: Channel, line: Line) -> None:
        super().__init__(channel.transport, channel._base_channel_args)
        self._line = line
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def read(self) -> bytes:
        """Return what is clear of what has come, after a moment at most."""
        transport: Any = self.transport
        if transport.session_channel is None:
            raise ScrapliConnectionError
        raw: bytes = transport.read()
        if not raw:
            if not transport.isalive():
                raise ScrapliConnectionError
            select.select([transport.socket.sock], [], [], SETTLED)
        return self._line.heard(self._decoder.decode(raw)).encode()

    def write(self, channel_input: str, redacted: bool = False) -> None:  # noqa: FBT001 - as the library has it
        """Send characters whole."""
        transport: Any = self.transport
        if transport.session is None:
            raise ScrapliConnectionError
        transport.session.set_blocking(True)
        try:
            super().write(channel_input, redacted)
        finally:
            transport.session.set_blocking(False)


def _unblocked(driver: Any) -> None:
    driver.transport.session.set_blocking(False)


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


def _asking_for(
    transport: Any, key: HostKey, set_timeout: Callable[..., None]
) -> Callable[..., None]:
    """Have the session ask for a key of the pinned type: a device may have several.

    scrapli makes the session, sets its time limit and goes on to the key exchange.
    """

    def prepared(*given: Any, **named: Any) -> None:
        set_timeout(*given, **named)
        transport.session.method_pref(LIBSSH2_METHOD_HOSTKEY, ",".join(key.negotiated))

    return prepared


def _pinned(transport: Any, blob: str, device: str) -> Callable[[], None]:
    wanted = base64.b64decode(blob)

    def verify() -> None:
        if transport.session.hostkey()[0] != wanted:
            raise HostKeyMismatch("the device shows another host key", device=device)

    return verify


def _one_try(transport: Any, endpoint: Endpoint) -> Callable[[], None]:
    secret = endpoint.password.get_secret_value()
    key = login_key(endpoint)
    if key is not None and key.get_name() == _UNSAFE:
        message = "by this library a login by RSA key is not possible; use an Ed25519 key"
        raise SecretUnavailable(message, device=endpoint.device)

    def authenticate() -> None:
        session, user = transport.session, endpoint.username
        try:
            if key is not None:
                session.userauth_publickey_frommemory(user, secret.encode())
            else:
                session.userauth_password(user, secret)
        except (AuthenticationError, PublickeyUnverifiedError) as error:
            raise ScrapliAuthenticationFailed from error
        except SSH2Error as error:
            text = "the device went away during the login"
            raise LoginBroken(text, device=endpoint.device) from error

    return authenticate
