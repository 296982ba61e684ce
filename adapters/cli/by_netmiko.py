"""Command lines by netmiko (paramiko below) and its driver for the platform."""

import codecs
import re
from functools import lru_cache
from typing import Any

from netmiko.channel import SSHChannel
from netmiko.ssh_dispatcher import CLASS_MAPPER
from pydantic import SecretStr

from adapters.cli.line import Line
from adapters.cli.terminal import OPEN_SECONDS, EnableSecret, Terminal, unnamed
from adapters.errors import Unsupported
from adapters.faults.ssh import netmiko_errors
from adapters.seam import Endpoint
from adapters.ssh import check_host_key, known_hosts, login_key
from device_profiles.dialects import CliDialect, Privilege

_SPARE_SECONDS = 5
"""The line's own time limit comes first: it knows what the device was asking."""
_READ_BYTES = 65536


class NetmikoTerminal(Terminal):
    """A command line by netmiko.

    netmiko accepts any host key by default, so the key is looked at before and pinned for the
    login itself.
    """

    def __init__(
        self, endpoint: Endpoint, dialect: CliDialect, secret: EnableSecret | None
    ) -> None:
        super().__init__(endpoint.device, dialect)
        self._wanted = unnamed(dialect.prompt)
        login = login_key(endpoint)
        check_host_key(endpoint, OPEN_SECONDS)
        with netmiko_errors(endpoint.device):
            self._connection: Any = _driver(dialect.platform, endpoint.device)(
                device_type=dialect.platform,
                host=endpoint.host,
                port=endpoint.port,
                username=endpoint.username,
                password=None if login else endpoint.password.get_secret_value(),
                pkey=login,
                conn_timeout=OPEN_SECONDS,
                ssh_strict=True,
                system_host_keys=False,
                use_keys=False,
                allow_agent=False,
                auto_connect=False,
            )
        self._open(endpoint)
        self._settle(dialect, secret)

    @property
    def alive(self) -> bool:
        """Whether the conversation is still open."""
        channel = self._connection.remote_conn
        return channel is not None and not channel.closed and channel.transport.is_active()

    def close(self) -> None:
        """Drop the connection; safe to call twice."""
        self._connection.disconnect()

    def _open(self, endpoint: Endpoint) -> None:
        connection = self._connection
        names = (f"[{endpoint.host}]:{endpoint.port}", endpoint.host)
        self._line.expect(OPEN_SECONDS)
        try:
            with known_hosts(endpoint, *names) as file, netmiko_errors(self.device):
                connection.alt_host_keys, connection.alt_key_file = True, str(file)
                connection.rom_line, connection.rom_prompt = self._line, self._wanted
                connection._open()
        except BaseException:
            self.close()
            raise

    def _write(self, text: str) -> None:
        with netmiko_errors(self.device):
            # Not the connection's own method: it waits for the reader, and this is in one.
            self._connection.channel.write_channel(text)

    def _asked(self, line: str, seconds: float) -> str:
        """Read echo and prompt as netmiko's own configuration loop does.

        Its ``send_command`` does the same and sleeps between; a site has dozens of lines.
        """
        limit = seconds + _SPARE_SECONDS
        connection = self._connection
        with netmiko_errors(self.device):
            connection.write_channel(connection.normalize_cmd(line))
            if line:
                connection.read_until_pattern(re.escape(line.strip()), read_timeout=limit)
            return str(connection.read_until_pattern(self._wanted, read_timeout=limit))

    def _become_privileged(self, privilege: Privilege, secret: SecretStr) -> None:
        self._connection.secret = secret.get_secret_value()
        with netmiko_errors(self.device):
            self._connection.enable(cmd=privilege.line, pattern=privilege.asks)


class _Channel(SSHChannel):
    """netmiko's channel behind the line; characters of several bytes are not cut in two."""

    def __init__(self, conn: Any, encoding: str, line: Line) -> None:
        super().__init__(conn, encoding)
        self._conn = conn
        self._line = line
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def read_channel(self) -> str:
        """Return what is clear of what has come. Raises EOFError when the device has gone."""
        raw = b""
        while self._conn.recv_ready():
            raw += self._conn.recv(_READ_BYTES)
        if not raw and self._conn.closed:
            raise EOFError
        return self._line.heard(self._decoder.decode(raw))


@lru_cache(maxsize=64)
def _driver(platform: str, device: str) -> Any:
    """Return netmiko's driver of a platform, reading through our line.

    Lines that set the terminal up are the dialect's; saying good-bye is left out, for it would
    wait for an answer. Raises Unsupported for a platform netmiko does not reach by SSH.
    """
    base: Any = CLASS_MAPPER.get(platform)
    if base is None or platform.endswith(("_telnet", "_serial")):
        raise Unsupported(f"netmiko has no SSH driver {platform}", device=device)

    class Driver(base):  # type: ignore[misc]  # chosen by its name
        rom_line: Line
        rom_prompt: str

        def establish_connection(self, width: int = 511, height: int = 1000) -> None:
            super().establish_connection(width, height)
            self.channel = _Channel(self.remote_conn, self.encoding, self.rom_line)

        def session_preparation(self) -> None:
            self._test_channel_read(pattern=self.rom_prompt)
            self.set_base_prompt()

        def cleanup(self, command: str = "") -> None:
            """Say nothing."""

    return Driver
