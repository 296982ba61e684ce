"""The lab's network devices: NETCONF, with probes among them, and command lines."""

from collections.abc import Mapping

from mock_devices.cli.device import CliDevice
from mock_devices.lab.faults import CliFault, NetconfFault
from mock_devices.lab.nodes import Json
from mock_devices.lab.probes import Probe
from mock_devices.lab.topology import CliDeviceSpec, NetconfDeviceSpec
from mock_devices.netconf import NetconfDevice


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
