"""The customers' routers of the lab and what the plant tells them."""

import hashlib
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from mock_devices.ce.commands import bgp_neighbours
from mock_devices.ce.network import BgpNeighbour, BgpSession, Offer
from mock_devices.ce.router import CustomerEdge
from mock_devices.lab.plant import Plant, RouterBgp
from mock_devices.lab.probes import Address
from mock_devices.lab.topology import RouterSpec

_EXPECTED_USER = "netops"
_ANY_ROUTE = 1


def lab_host(state_dir: Path) -> str:
    """Return a loopback address for the routers of one lab, so that labs do not meet there."""
    digest = hashlib.sha256(str(state_dir.resolve()).encode()).digest()
    return f"127.{128 + digest[0] % 64}.{digest[1]}.{1 + digest[2] % 250}"


SOURCES = IPv4Network("127.0.0.0/8")
"""Where packets of the simulated network come from."""


def source_address(address: str) -> str:
    """Return the loopback address that stands for an address of the simulated network.

    The first octet becomes 127: who sees a request from 127.88.12.2 knows that it is 10.88.12.2's.
    """
    inside = int(IPv4Address(address)) & int(SOURCES.hostmask)
    return str(SOURCES.network_address + inside)


def router_bgp(neighbour: BgpNeighbour) -> RouterBgp:
    """Return a router's end of a session as the plant compares it."""
    return RouterBgp(
        address=neighbour.local_address,
        local_as=str(neighbour.local_as),
        neighbour=neighbour.address,
        remote_as=str(neighbour.remote_as),
        password=neighbour.password or "",
    )


class Routers:
    """Every customer edge of the topology, by serial number."""

    def __init__(self, specs: Mapping[str, RouterSpec], state_dir: Path, plant: Plant) -> None:
        self._plant = plant
        self._host = lab_host(state_dir)
        self.edges = {
            serial: CustomerEdge(
                serial,
                spec.model,
                state_dir / "ce" / serial,
                self._discover,
                self._bgp_session,
                platform=spec.platform,
            )
            for serial, spec in specs.items()
        }

    async def start(self) -> None:
        """Settle the ports; routers that had power come up as they were."""
        for edge in self.edges.values():
            await edge.start(self._host)

    async def stop(self) -> None:
        """Stop every router; those with power go on at the next start."""
        for edge in self.edges.values():
            await edge.stop()

    def endpoints(self) -> dict[str, dict[str, Any]]:
        """Return the entries of the ready file by serial number.

        The user is whom the usual day-1 configuration creates; in factory state there is none.
        """
        return {
            serial: {
                "ssh": {
                    "host": self._host,
                    "port": edge.ports["ssh"],
                    "username": _EXPECTED_USER,
                    "password": "",
                    # Nobody knows the key of a router from a factory. One that cannot tell its
                    # serial number either would have to be looked at by a person.
                    "host_key": None if edge.tells_serial else edge.public_key,
                },
                "snmp": {
                    "host": self._host,
                    "port": edge.ports["snmp"],
                    "engine_id": edge.agent.engine_id,
                },
                "twamp": {"host": self._host, "port": edge.ports["twamp"]},
                "ztp": {"network": str(SOURCES)},
            }
            for serial, edge in self.edges.items()
        }

    def bgp(self, serial: str, address: str) -> RouterBgp | None:
        """Return a powered router's session that has ``address`` as its own end."""
        edge = self.edges[serial]
        sessions = (router_bgp(peer) for peer in bgp_neighbours(edge.machine))
        found = (session for session in sessions if session.address == address)
        return next(found, None) if edge.powered else None

    def reflector(self, address: str) -> Address | None:
        """Return where the reflector of the router at ``address`` listens, if packets pass."""
        for serial, edge in self.edges.items():
            offered = edge.offer.address if edge.offer else None
            if edge.powered and offered == address and self._plant.reachable(serial):
                return self._host, edge.ports["twamp"]
        return None

    async def _discover(self, serial: str) -> Offer | None:
        digest = hashlib.sha256(serial.encode()).hexdigest()
        hardware = ":".join(["02", *(digest[i : i + 2] for i in range(0, 10, 2))])
        made = self._plant.discover(serial, hardware)
        if made is None:
            return None
        return Offer(
            address=made.address,
            boot_url=made.boot_file or "",
            netmask=str(made.interface.netmask),
            gateway=made.routers[0] if made.routers else "",
            source=source_address(made.address),
        )

    def _bgp_session(self, serial: str, neighbour: BgpNeighbour) -> BgpSession:
        state = self._plant.bgp_state(serial, router_bgp(neighbour))
        return BgpSession(state, _ANY_ROUTE if state == "Established" else 0)
