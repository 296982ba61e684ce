"""One lab: makes the devices of a topology, starts and stops them, and knows them by name."""

import asyncio
import secrets
from pathlib import Path
from typing import Any

from lxml import etree

from mock_devices.cli.device import CliDevice, Credentials
from mock_devices.lab.baselines import Baselines
from mock_devices.lab.neighbours import neighbours
from mock_devices.lab.network_nodes import CliNode, NetconfNode
from mock_devices.lab.nodes import Node
from mock_devices.lab.plant import Plant, channel_termination
from mock_devices.lab.probes import Probe
from mock_devices.lab.routers import Routers
from mock_devices.lab.served import neighbour_bgp, with_neighbours
from mock_devices.lab.service_nodes import KeaNode, LogisticsNode, NmsNode, RadiusNode
from mock_devices.lab.topology import (
    CliDeviceSpec,
    DeviceSpec,
    KeaSpec,
    LogisticsSpec,
    NetconfDeviceSpec,
    NmsSpec,
    RadiusSpec,
    Settings,
    Topology,
)
from mock_devices.netconf import BareTree, DerivedState, NetconfDevice, Operational, load_schema
from mock_devices.netconf.olt_state import OltState
from mock_devices.netconf.probe_state import ProbeState
from mock_devices.netconf.switch_state import SwitchState
from mock_devices.services.kea.agent import KeaAgent
from mock_devices.services.kea.decision import Offer
from mock_devices.services.logistics import Logistics
from mock_devices.services.nms import TrapReceiver
from mock_devices.services.radius.database import RadiusDatabase


class Lab:
    """All devices of a topology and the plant between them.

    ``folder`` holds the baselines, ``state_dir`` what devices keep over a restart of the lab.
    """

    def __init__(self, topology: Topology, folder: Path, state_dir: Path) -> None:
        self.topology = topology
        self.settings: Settings = topology.settings
        self._state_dir = state_dir
        self._sites = neighbours(topology)
        self._by_address = {(site.bng, site.router): site for site in self._sites}
        self._baselines = Baselines(folder, self._sites, topology.shares)
        self._trees: dict[str, BareTree] = {}
        self._started: list[Node] = []
        served = with_neighbours(topology, self._sites)
        self.plant = Plant(served, self._tree, self._lines, self._ask)
        self.routers = Routers(topology.routers, state_dir, self.plant)
        self.nodes: dict[str, Node] = {
            name: self._node(name, spec) for name, spec in topology.devices.items()
        }

    async def start(self) -> None:
        """Start every device; when one cannot, those already up are stopped again."""
        # Logistics last: a box that is on its way may arrive at once and boot its router.
        ordered = sorted(
            self.nodes, key=lambda name: isinstance(self.topology.devices[name], LogisticsSpec)
        )
        try:
            await self.routers.start()
            for name in ordered:
                await self.nodes[name].start()
                self._started.append(self.nodes[name])
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop every device that was started; safe to call twice."""
        started, self._started = self._started, []
        await asyncio.gather(*(node.stop() for node in started))
        await self.routers.stop()

    def endpoints(self) -> dict[str, Any]:
        """Return the ``devices`` and ``cpe`` parts of the ready file."""
        devices: dict[str, Any] = {}
        for node in self.nodes.values():
            devices.update(node.endpoints())
        return {"devices": devices, "cpe": self.routers.endpoints()}

    def node(self, name: str) -> Node | None:
        """Return a device by its name or by one it is published under."""
        if name in self.nodes:
            return self.nodes[name]
        return next((node for node in self.nodes.values() if name in node.endpoints()), None)

    def _node(self, name: str, spec: DeviceSpec) -> Node:
        match spec:
            case NetconfDeviceSpec():
                return self._netconf(name, spec)
            case CliDeviceSpec():
                return self._cli(name, spec)
            case KeaSpec():
                agent = KeaAgent(
                    self._state_dir / name,
                    self._baselines.kea(spec),
                    spec.username,
                    spec.password,
                )
                return KeaNode(spec, agent)
            case RadiusSpec():
                database = RadiusDatabase(self._state_dir / name, self._baselines.radius())
                return RadiusNode(name, database)
            case NmsSpec():
                return NmsNode(name, spec.host, spec.port, TrapReceiver())
            case LogisticsSpec():
                return self._logistics(name, spec)

    def _netconf(self, name: str, spec: NetconfDeviceSpec) -> NetconfNode:
        delay = self.settings.commit_delay if spec.commit_delay is None else spec.commit_delay
        device = NetconfDevice(
            name,
            load_schema(spec.platform),
            {spec.username: spec.password},
            self._state_dir / name,
            self._baselines.netconf(name, spec),
            commit_delay=delay,
            framing=spec.framing,
            confirmed_commit=spec.confirmed_commit,
        )
        node = NetconfNode(spec, device)
        if spec.role == "probe":
            node.probe = Probe(
                lambda: device.running,
                self.routers.reflector,
                self.settings.minimum_probe_interval,
            )
        device.operational = self._operational(name, spec, node)
        return node

    def _operational(self, name: str, spec: NetconfDeviceSpec, node: NetconfNode) -> Operational:
        if node.probe is not None:
            return ProbeState(node.probe.counters)
        if spec.pon_ports:
            return OltState(lambda: self._light(name))
        if node.device.schema.state:
            return DerivedState(
                node.device.schema, session=lambda _vrf, peer: self._bgp_state(name, peer)
            )
        return SwitchState(lambda port: self._link_up(name, port))

    def _cli(self, name: str, spec: CliDeviceSpec) -> CliNode:
        device = CliDevice(
            name,
            spec.platform,
            Credentials(spec.username, spec.password),
            self._state_dir / name,
            baseline=self._baselines.cli(name, spec),
        )
        device.machine.link_up = lambda port: self._link_up(name, port)
        return CliNode(spec, device)

    def _logistics(self, name: str, spec: LogisticsSpec) -> LogisticsNode:
        token = secrets.token_urlsafe(24)
        partner = Logistics(
            self._state_dir / name,
            tuple(self.topology.routers),
            token,
            self.settings.delivery_seconds,
            self._installed,
        )
        return LogisticsNode(name, spec.host, spec.port, token, partner)

    async def _installed(self, serial: str) -> None:
        await self.routers.edges[serial].boot()

    def _tree(self, name: str) -> etree._Element:
        node = self.nodes[name]
        assert isinstance(node, NetconfNode)  # noqa: S101 - the plant asks by kind
        if name not in self._trees:
            self._trees[name] = BareTree(node.device.schema)
        return self._trees[name].of(node.device.running)

    def _lines(self, name: str) -> str:
        return self.nodes[name].running()

    def _ask(self, server: str, giaddr: str, circuit_id: str | None, hw: str) -> Offer | None:
        for node in self.nodes.values():
            if isinstance(node, KeaNode) and node.spec.address == server:
                return node.agent.offer(giaddr, circuit_id, hw)
        return None

    def _light(self, olt: str) -> dict[str, str]:
        """Return the ONTs with light on an OLT, by serial number, and where they hang."""
        return {
            serial: channel_termination(ont.port)
            for serial, ont in self.plant.topology.onts.items()
            if ont.olt == olt and serial in self.plant.connected
        }

    def _link_up(self, switch: str, port: str) -> bool:
        if self.topology.link(switch, port) is not None:
            return True
        for serial, router in self.plant.topology.routers.items():
            if (router.switch, router.port) == (switch, port):
                edge = self.routers.edges.get(serial)
                return edge is None or edge.powered
        return False

    def _bgp_state(self, bng: str, address: str) -> str:
        """Return a session's state as the BNG sees it: the other end may be a neighbour's."""
        site = self._by_address.get((bng, address))
        if site is not None:
            return self.plant.bgp_state(site.site, neighbour_bgp(site))
        for serial in self.routers.edges:
            router = self.routers.bgp(serial, address)
            if router is not None:
                return self.plant.bgp_state(serial, router)
        return "Active"
