"""The lab's services as devices: DHCP, RADIUS, network management, logistics."""

import json
from collections.abc import Mapping

from mock_devices.lab.faults import FaultUnsupported, KeaFault
from mock_devices.lab.nodes import Json
from mock_devices.lab.topology import KeaSpec
from mock_devices.services.kea.agent import KeaAgent
from mock_devices.services.logistics import Logistics
from mock_devices.services.nms import TrapReceiver
from mock_devices.services.radius.database import RadiusDatabase


class KeaNode:
    """The Kea control agent, published as one device for each of its servers."""

    def __init__(self, spec: KeaSpec, agent: KeaAgent) -> None:
        self.spec = spec
        self.agent = agent
        self._port = spec.port

    async def start(self) -> None:
        """Listen."""
        self._port = await self.agent.start(self.spec.host, self._port)

    async def stop(self) -> None:
        """Stop listening."""
        await self.agent.stop()

    async def restart(self) -> None:
        """Restart both servers from their files."""
        self.agent.restart()

    def endpoints(self) -> Mapping[str, Json]:
        """Return one entry a server, both with the agent's address."""
        return {
            name: {
                "profile_hint": f"kea-{service}",
                "role": service,
                "host": self.spec.host,
                "port": self._port,
                "username": self.spec.username,
                "password": self.spec.password,
                "host_key": None,
                "url": f"{self.agent.web.url}/",
                "options": {"service": service},
            }
            for name, service in zip(self.spec.publish, ("dhcp4", "dhcp6"), strict=True)
        }

    def running(self) -> str:
        """Return both running configurations as JSON."""
        both: Json = {}
        for server in self.agent.servers.values():
            both.update(server.configuration())
        return json.dumps(both, indent=2)

    def counters(self) -> Json:
        """Return how often each command came."""
        return dict(self.agent.counters)

    def fault(self, body: bytes) -> None:
        """Order a fault of the agent."""
        KeaFault.validate_json(body).strike(self.agent)


class RadiusNode:
    """The RADIUS database; there is no server to start."""

    def __init__(self, name: str, database: RadiusDatabase) -> None:
        self.name = name
        self.database = database

    async def start(self) -> None:
        """Do nothing: the database is a file."""

    async def stop(self) -> None:
        """Do nothing: the database is a file."""

    async def restart(self) -> None:
        """Do nothing: the database is a file."""

    def endpoints(self) -> Mapping[str, Json]:
        """Return the database's address."""
        entry = _service("freeradius-sql", "radius", self.database.url)
        return {self.name: {**entry, "options": {"path": str(self.database.path)}}}

    def running(self) -> str:
        """Return the number of rows in each table as JSON."""
        return json.dumps(self.database.rows(), indent=2)

    def counters(self) -> Json:
        """Return the number of rows in each table."""
        return dict(self.database.rows())

    def fault(self, body: bytes) -> None:  # noqa: ARG002 - seam
        """Refuse: the file has no faults to order."""
        raise FaultUnsupported("the RADIUS database has no faults")


class NmsNode:
    """The trap receiver."""

    def __init__(self, name: str, host: str, port: int, receiver: TrapReceiver) -> None:
        self.name = name
        self.receiver = receiver
        self._host = host
        self._port = port

    async def start(self) -> None:
        """Listen."""
        self._port = await self.receiver.start(self._host, self._port)

    async def stop(self) -> None:
        """Stop listening."""
        await self.receiver.stop()

    async def restart(self) -> None:
        """Forget what was counted."""
        self.receiver.traps.clear()
        self.receiver.malformed = 0

    def endpoints(self) -> Mapping[str, Json]:
        """Return the trap port and the status page."""
        entry = _service("trap-receiver", "nms", f"{self.receiver.web.url}/status")
        options = {"trap_host": self._host, "trap_port": str(self._port)}
        return {self.name: {**entry, "host": self._host, "port": self._port, "options": options}}

    def running(self) -> str:
        """Return the status as JSON."""
        return json.dumps(self.receiver.status(), indent=2)

    def counters(self) -> Json:
        """Return the status."""
        return self.receiver.status()

    def fault(self, body: bytes) -> None:  # noqa: ARG002 - seam
        """Refuse: there are no faults to order."""
        raise FaultUnsupported("the trap receiver has no faults")


class LogisticsNode:
    """The logistics partner."""

    def __init__(self, name: str, host: str, port: int, token: str, partner: Logistics) -> None:
        self.name = name
        self.partner = partner
        self._host = host
        self._port = port
        self._token = token

    async def start(self) -> None:
        """Listen; boxes on their way go on."""
        self._port = await self.partner.start(self._host, self._port)

    async def stop(self) -> None:
        """Stop listening."""
        await self.partner.stop()

    async def restart(self) -> None:
        """Stop and start on the same port."""
        await self.stop()
        await self.start()

    def endpoints(self) -> Mapping[str, Json]:
        """Return address and bearer token (as password)."""
        entry = _service("logistics-rest", "logistics", self.partner.web.url)
        return {
            self.name: {
                **entry,
                "host": self._host,
                "port": self._port,
                "password": self._token,
                "options": {"authentication": "bearer"},
            }
        }

    def running(self) -> str:
        """Return all shipments as JSON."""
        shipments = [shipment.shown() for shipment in self.partner.shipments.values()]
        return json.dumps(shipments, indent=2)

    def counters(self) -> Json:
        """Return the number of shipments."""
        return {"shipments": len(self.partner.shipments)}

    def fault(self, body: bytes) -> None:  # noqa: ARG002 - seam
        """Refuse: there are no faults to order."""
        raise FaultUnsupported("the logistics partner has no faults")


def _service(profile: str, role: str, url: str) -> Json:
    return {
        "profile_hint": profile,
        "role": role,
        "host": "127.0.0.1",
        "port": 0,
        "username": "",
        "password": "",
        "host_key": None,
        "url": url,
        "options": {},
    }
