"""The lab's devices behind one small seam: start, stop, restart, endpoint, running, faults."""

import json
from collections.abc import Mapping
from typing import Any, Protocol

from mock_devices.cli.device import CliDevice
from mock_devices.lab.faults import CliFault, FaultUnsupported, KeaFault, NetconfFault
from mock_devices.lab.probes import Probe
from mock_devices.lab.topology import CliDeviceSpec, KeaSpec, NetconfDeviceSpec
from mock_devices.netconf import NetconfDevice
from mock_devices.services.kea.agent import KeaAgent
from mock_devices.services.logistics import Logistics
from mock_devices.services.nms import TrapReceiver
from mock_devices.services.radius.database import RadiusDatabase

Json = dict[str, Any]


class Node(Protocol):
    """One device of the lab."""

    async def start(self) -> None:
        """Listen; the port stays the same over restarts of the device."""

    async def stop(self) -> None:
        """Stop listening; safe to call twice."""

    async def restart(self) -> None:
        """Restart as the device itself would."""

    def endpoints(self) -> Mapping[str, Json]:
        """Return the entries of the ready file by device name."""

    def running(self) -> str:
        """Return what the device holds, as it would show it."""

    def counters(self) -> Json:
        """Return what the device was asked to do."""

    def fault(self, body: bytes) -> None:
        """Order a fault; raises ``ValidationError`` or ``FaultUnsupported``."""


class NetconfNode:
    """A NETCONF device, with its probe when it is one."""

    def __init__(self, spec: NetconfDeviceSpec, device: NetconfDevice) -> None:
        self.spec = spec
        self.device = device
        self.probe: Probe | None = None
        self._port = spec.port

    async def start(self) -> None:
        """Start the device, then its sender."""
        self._port = await self.device.start(self.spec.host, self._port)
        if self.probe is not None:
            self.probe.start()

    async def stop(self) -> None:
        """Stop the sender, then the device."""
        if self.probe is not None:
            await self.probe.stop()
        await self.device.stop()

    async def restart(self) -> None:
        """Lose sessions, candidate and an unconfirmed commit; keep running."""
        await self.stop()
        await self.start()

    def endpoints(self) -> Mapping[str, Json]:
        """Return host, port, credentials and host key."""
        entry = {
            "profile_hint": self.spec.platform,
            "role": self.spec.role,
            "host": self.spec.host,
            "port": self._port,
            "username": self.spec.username,
            "password": self.spec.password,
            "host_key": self.device.host_key_public,
            "url": None,
            "options": {"transport": "netconf"},
        }
        return {self.device.name: entry}

    def running(self) -> str:
        """Return running as XML."""
        return self.device.running_xml().decode()

    def counters(self) -> Json:
        """Return connections, edits, commits, and the latest changes of running."""
        counters = self.device.counters
        changes = [
            {"session": commit.session, "kind": commit.kind, "paths": len(commit.paths())}
            for commit in counters.applied
        ]
        return {
            "connections": counters.connections,
            "edits": counters.edits,
            "commits": counters.commits,
            "changes": changes,
        }

    def fault(self, body: bytes) -> None:
        """Order a fault of a NETCONF device."""
        NetconfFault.validate_json(body).strike(self.device)


class CliNode:
    """A device managed by command lines."""

    def __init__(self, spec: CliDeviceSpec, device: CliDevice) -> None:
        self.spec = spec
        self.device = device
        self._port = spec.port

    async def start(self) -> None:
        """Start the device."""
        self._port = await self.device.start(self.spec.host, self._port)

    async def stop(self) -> None:
        """Stop the device."""
        await self.device.stop()

    async def restart(self) -> None:
        """Reload: what was not written to the startup configuration is lost."""
        self.device.reload()

    def endpoints(self) -> Mapping[str, Json]:
        """Return host, port, credentials and host key."""
        entry = {
            "profile_hint": self.spec.platform,
            "role": self.spec.role,
            "host": self.spec.host,
            "port": self._port,
            "username": self.spec.username,
            "password": self.spec.password,
            "host_key": self.device.public_key,
            "url": None,
            "options": {"transport": "ssh"},
        }
        return {self.device.name: entry}

    def running(self) -> str:
        """Return the running configuration."""
        return self.device.running_config

    def counters(self) -> Json:
        """Return the device's own counters."""
        return dict(self.device.record.counters)

    def fault(self, body: bytes) -> None:
        """Order a fault of a command line device."""
        CliFault.validate_json(body).strike(self.device)


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
