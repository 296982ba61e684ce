"""The router's network services, opened and closed as power, configuration and keys want it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from mock_devices.ce.snmp_agent import SnmpAgent, SnmpUser
from mock_devices.ce.twamp import Reflector
from mock_devices.cli.device import SshFrontEnd
from mock_devices.ports import PortClaim, claim_port

NAMES = ("ssh", "snmp", "twamp")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What should answer at present; SNMP does with at least one user."""

    ssh: bool = False
    twamp: bool = False
    users: tuple[SnmpUser, ...] = ()
    boots: int = 1


@dataclass(slots=True)
class Services:
    """The three services on their loopback ports."""

    front_end: SshFrontEnd
    reflector: Reflector
    agent: SnmpAgent
    host: str = "127.0.0.1"
    ports: dict[str, int] = field(default_factory=dict)
    _claims: list[PortClaim] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def take_ports(self, owner: str, host: str, fixed: Mapping[str, int]) -> None:
        """Settle a port for each service: the fixed one, else the same for an owner while free.

        They stay this router's until ``give_ports_back``, whatever answers on them meanwhile.
        Raises OSError when none is free.
        """
        self.give_ports_back()
        self.host, self.ports = host, dict(fixed)
        for name in NAMES:
            if not self.ports.get(name):
                claim = claim_port(host, f"{owner} {name}", avoid=self.ports.values())
                self._claims.append(claim)
                self.ports[name] = claim.port

    def give_ports_back(self) -> None:
        """Let others have the ports; ``ports`` still tells them."""
        while self._claims:
            self._claims.pop().release()

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
