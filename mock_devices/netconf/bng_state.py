"""State of a broadband network gateway: ports, SAPs, interfaces, BGP (sros-bng schema)."""

from collections.abc import Callable
from typing import Any

from mock_devices.netconf.operational import StateData, StateRequest
from mock_devices.netconf.tree import Container

BgpState = Callable[[str, str], str]
"""Session state by VPRN name and neighbour address, such as ``Established``."""


class BngState:
    """A SAP is up when everything above it is enabled and its port has light.

    ``port_up`` takes a port such as ``1/1/c1/1``.
    """

    def __init__(
        self,
        port_up: Callable[[str], bool] = lambda _: True,
        bgp: BgpState = lambda _vprn, _neighbour: "Active",
    ) -> None:
        self._port_up = port_up
        self._bgp = bgp

    def state(self, running: Container, request: StateRequest) -> StateData:
        """Return the ``state`` tree."""
        if not request.wants("state"):
            return {}
        configure = running.container("configure")
        names = request.names("state", "service", "vprn", key="service-name")
        return {
            "state": {
                "port": [
                    {"port-id": name, "oper-state": _word(self._port(configure, name))}
                    for (name,) in configure.entries("port")
                ],
                "service": {
                    "vprn": [
                        self._vprn(configure, name, entry, request)
                        for (name,), entry in configure.container("service").entries("vprn").items()
                        if names is None or name in names
                    ]
                },
            }
        }

    def _vprn(
        self, configure: Container, name: str, vprn: Container, request: StateRequest
    ) -> dict[str, Any]:
        up = vprn.leaf("admin-state") == "enable"
        path = ("state", "service", "vprn")
        interfaces = request.names(*path, "interface", key="interface-name")
        neighbours = request.names(*path, "bgp", "neighbor", key="ip-address")
        return {
            "service-name": name,
            "oper-state": _word(up),
            "interface": [
                self._interface(configure, key, entry, up=up)
                for (key,), entry in vprn.entries("interface").items()
                if interfaces is None or key in interfaces
            ],
            "bgp": {
                "neighbor": [
                    self._neighbour(name, address, entry, up=up)
                    for (address,), entry in vprn.container("bgp").entries("neighbor").items()
                    if neighbours is None or address in neighbours
                ]
            },
        }

    def _interface(
        self, configure: Container, name: str, entry: Container, *, up: bool
    ) -> dict[str, Any]:
        enabled = up and entry.leaf("admin-state") != "disable"
        saps = {
            sap_id: enabled
            and sap.leaf("admin-state") != "disable"
            and self._port(configure, sap_id.partition(":")[0])
            for (sap_id,), sap in entry.entries("sap").items()
        }
        addressed = entry.container("ipv4", "primary").leaf("address") is not None
        return {
            "interface-name": name,
            "oper-state": _word(any(saps.values())),
            "ipv4": {"oper-state": _word(addressed and any(saps.values()))},
            "sap": [{"sap-id": sap, "oper-state": _word(state)} for sap, state in saps.items()],
        }

    def _neighbour(self, vprn: str, address: str, entry: Container, *, up: bool) -> dict[str, Any]:
        enabled = up and entry.leaf("admin-state") != "disable"
        session = self._bgp(vprn, address) if enabled else "Idle"
        return {"ip-address": address, "statistics": {"session-state": session}}

    def _port(self, configure: Container, name: str) -> bool:
        port = configure.entry("port", name)
        return port is not None and port.leaf("admin-state") == "enable" and self._port_up(name)


def _word(up: object) -> str:
    return "up" if up else "down"
