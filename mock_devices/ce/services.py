"""The router's network services, opened and closed as power, configuration and keys want it."""

import asyncio
import contextlib
import errno
import hashlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field

from mock_devices.ce.snmp_agent import SnmpAgent, SnmpUser
from mock_devices.ce.twamp import Reflector
from mock_devices.cli.device import SshFrontEnd

NAMES = ("ssh", "snmp", "twamp")
_LOWEST_PORT, _PORTS = 20000, 12000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should answer at present; SNMP does with at least one user."""

    ssh: bool = False
    twamp: bool = False
    users: tuple[SnmpUser, ...] = ()
    boots: int = 1


def choose_ports(serial: str, host: str, fixed: Mapping[str, int]) -> dict[str, int]:
    """Return a port for each service: the fixed one, else the same one for a serial while free.

    They lie below the system's ephemeral range, so that no client takes one while its service is
    off. Raises OSError when none is free.
    """
    chosen = dict(fixed)
    for name in NAMES:
        if not chosen.get(name):
            chosen[name] = _free_port(serial, host, name, set(chosen.values()))
    return chosen


def _free_port(serial: str, host: str, name: str, taken: set[int]) -> int:
    kind = socket.SOCK_STREAM if name == "ssh" else socket.SOCK_DGRAM
    digest = int(hashlib.sha256(f"{serial} {name}".encode()).hexdigest(), 16)
    for attempt in range(_PORTS):
        port = _LOWEST_PORT + (digest + attempt) % _PORTS
        if port in taken:
            continue
        with socket.socket(socket.AF_INET, kind) as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
    raise OSError(errno.EADDRINUSE, "no free port")


@dataclass(slots=True)
class Services:
    """The three services on their loopback ports."""

    front_end: SshFrontEnd
    reflector: Reflector
    agent: SnmpAgent
    host: str = "127.0.0.1"
    ports: dict[str, int] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def become(self, wanted: Wanted) -> None:
        """Open what is wanted and closed, close what is open and not wanted.

        Raises OSError when a port is taken.
        """
        async with self._lock:
            if wanted.ssh and not self.front_end.listening:
                await self.front_end.open(self.host, self.ports["ssh"])
            elif not wanted.ssh:
                await self.front_end.close()
            if wanted.twamp and not self.reflector.listening:
                self.reflector.open(self.host, self.ports["twamp"])
            elif not wanted.twamp:
                self.reflector.close()
            if wanted.users != self.agent.users:
                self.agent.close()
                # The transport gives its port back in the loop's next turn.
                await asyncio.sleep(0)
                if wanted.users:
                    port = self.ports["snmp"]
                    await self.agent.open(self.host, port, wanted.users, wanted.boots)

    def listening(self) -> dict[str, bool]:
        """Tell which services answer."""
        return {
            "ssh": self.front_end.listening,
            "snmp": self.agent.listening,
            "twamp": self.reflector.listening,
        }
