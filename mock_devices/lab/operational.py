"""Operational state of the lab's devices: what the plant does to their ports and sessions."""

from collections.abc import Callable, Mapping
from typing import Any

from mock_devices.lab.plant import Plant, channel_termination
from mock_devices.lab.probes import ProbeCounters
from mock_devices.netconf import Container, StateData, StateRequest

PRESENCE = "bbf-xpon-onu-types"
BgpState = Callable[[str, str], str]
"""Tells the state of a BGP session: BNG, neighbour address."""


class OltState:
    """ONTs as the OLT sees them, and the interfaces above them."""

    def __init__(self, name: str, plant: Plant) -> None:
        self._name = name
        self._plant = plant

    def state(self, running: Container, request: StateRequest) -> StateData:
        """Return ``interfaces-state`` and ``xpongemtcont-state``."""
        state: dict[str, Any] = {}
        interfaces = running.container("interfaces").entries("interface")
        if request.wants("interfaces-state"):
            wanted = request.names("interfaces-state", "interface")
            rows = [
                self._interface(interfaces, key[0])
                for key in interfaces
                if wanted is None or key[0] in wanted
            ]
            state["interfaces-state"] = {"interface": rows}
        if request.wants("xpongemtcont-state"):
            state["xpongemtcont-state"] = _ids_in_use(running.container("xpongemtcont"))
        return state

    def _interface(
        self, interfaces: Mapping[tuple[str, ...], Container], name: str
    ) -> dict[str, Any]:
        entry = interfaces[(name,)]
        enabled = entry.leaf("enabled") != "false"
        row: dict[str, Any] = {
            "name": name,
            "type": entry.leaf("type") or "",
            "admin-status": "up" if enabled else "down",
            "oper-status": self._status(interfaces, name),
        }
        v_ani = entry.container("v-ani")
        if v_ani.children:
            row["v-ani"] = self._v_ani(interfaces, v_ani)
        return row

    def _status(self, interfaces: Mapping[tuple[str, ...], Container], name: str) -> str:
        entry = interfaces.get((name,))
        if entry is None:
            return "not-present"
        if entry.leaf("enabled") == "false":
            return "down"
        v_ani = entry.container("v-ani")
        if v_ani.children:
            return "up" if self._present(interfaces, v_ani) else "down"
        lower = entry.container("olt-v-enet").leaf("lower-layer-interface")
        lower = lower or entry.container("subif-lower-layer").leaf("interface")
        if lower is None or self._status(interfaces, lower) == "up":
            return "up"
        return "lower-layer-down"

    def _present(
        self, interfaces: Mapping[tuple[str, ...], Container], v_ani: Container
    ) -> str | None:
        """Return the channel termination on which the expected ONT is, if it is the right one."""
        serial = v_ani.leaf("expected-serial-number") or ""
        ont = self._plant.topology.onts.get(serial)
        if ont is None or ont.olt != self._name or serial not in self._plant.connected:
            return None
        name = channel_termination(ont.port)
        termination = interfaces.get((name,))
        if termination is None:
            return None
        pair = termination.container("channel-termination").leaf("channel-pair-ref")
        return name if v_ani.leaf("preferred-channel-pair") in (None, pair) else None

    def _v_ani(
        self, interfaces: Mapping[tuple[str, ...], Container], v_ani: Container
    ) -> dict[str, Any]:
        onu_id = v_ani.leaf("onu-id") or "0"
        row: dict[str, Any] = {"onu-id": onu_id, "management-gemport-id": onu_id}
        termination = self._present(interfaces, v_ani)
        if termination is None:
            return {**row, "onu-presence-state": f"{PRESENCE}:onu-not-present-with-v-ani"}
        serial = v_ani.leaf("expected-serial-number") or ""
        pair = interfaces[(termination,)].container("channel-termination").leaf("channel-pair-ref")
        return {
            **row,
            "onu-presence-state": (f"{PRESENCE}:onu-present-and-on-intended-channel-termination"),
            "onu-present-on-this-olt": {
                "onu-present-on-this-channel-pair": pair or "",
                "onu-present-on-this-channel-termination": termination,
                "onu-fiber-distance": self._plant.topology.onts[serial].distance,
                "detected-serial-number": serial,
            },
        }


def _ids_in_use(config: Container) -> dict[str, Any]:
    tconts = config.container("tconts").entries("tcont")
    gemports = config.container("gemports").entries("gemport")
    return {
        "tconts": {
            "tcont": [
                {"name": key[0], "actual-alloc-id": entry.leaf("alloc-id") or "0"}
                for key, entry in tconts.items()
            ]
        },
        "gemports": {
            "gemport": [
                {"name": key[0], "actual-gemport-id": entry.leaf("gemport-id") or "0"}
                for key, entry in gemports.items()
            ]
        },
    }


class SwitchState:
    """Ports of an OpenConfig switch: up where enabled and something powered is plugged in."""

    def __init__(self, link_up: Callable[[str], bool]) -> None:
        self._link_up = link_up

    def state(self, running: Container, request: StateRequest) -> StateData:
        """Return the ``state`` containers of the interfaces and of the VLANs."""
        state: dict[str, Any] = {}
        if request.wants("interfaces"):
            wanted = request.names("interfaces", "interface")
            rows = [
                self._interface(key[0], entry)
                for key, entry in running.container("interfaces").entries("interface").items()
                if wanted is None or key[0] in wanted
            ]
            state["interfaces"] = {"interface": rows}
        if request.wants("network-instances"):
            state["network-instances"] = {"network-instance": _vlans(running)}
        return state

    def _interface(self, name: str, entry: Container) -> dict[str, Any]:
        enabled = entry.container("config").leaf("enabled") != "false"
        up = enabled and self._link_up(name)
        row: dict[str, Any] = {
            "name": name,
            "state": {
                "name": name,
                "admin-status": "UP" if enabled else "DOWN",
                "oper-status": "UP" if up else "LOWER_LAYER_DOWN" if enabled else "DOWN",
            },
        }
        speed = entry.container("ethernet", "config").leaf("port-speed")
        if speed is not None:
            ethernet = {"port-speed": speed}
            if up:
                ethernet["negotiated-port-speed"] = speed
            row["ethernet"] = {"state": ethernet}
        return row


def _vlans(running: Container) -> list[dict[str, Any]]:
    instances = running.container("network-instances").entries("network-instance")
    return [
        {
            "name": key[0],
            "vlans": {
                "vlan": [
                    {
                        "vlan-id": vlan[0],
                        "state": {
                            "vlan-id": vlan[0],
                            "status": entry.container("config").leaf("status") or "ACTIVE",
                        },
                    }
                    for vlan, entry in instance.container("vlans").entries("vlan").items()
                ]
            },
        }
        for key, instance in instances.items()
    ]


class BngState:
    """Ports, services and BGP sessions of a BNG."""

    def __init__(self, name: str, bgp_state: BgpState) -> None:
        self._name = name
        self._bgp_state = bgp_state

    def state(self, running: Container, request: StateRequest) -> StateData:
        """Return ``state`` of nokia-state."""
        if not request.wants("state"):
            return {}
        configure = running.container("configure")
        ports = {key[0]: entry for key, entry in configure.entries("port").items()}
        wanted = request.names("state", "service", "vprn", key="service-name")
        return {
            "state": {
                "port": [
                    {"port-id": name, "oper-state": _oper(_is_enabled(entry, "disable"))}
                    for name, entry in ports.items()
                ],
                "service": {
                    "vprn": [
                        self._vprn(key[0], entry, ports, request)
                        for key, entry in configure.container("service").entries("vprn").items()
                        if wanted is None or key[0] in wanted
                    ]
                },
            }
        }

    def _vprn(
        self, name: str, vprn: Container, ports: Mapping[str, Container], request: StateRequest
    ) -> dict[str, Any]:
        up = _is_enabled(vprn, "disable")
        row: dict[str, Any] = {
            "service-name": name,
            "oper-state": _oper(up),
            "interface": [
                _interface(key[0], entry, ports, service_up=up)
                for key, entry in vprn.entries("interface").items()
            ],
        }
        path = ("state", "service", "vprn", "bgp")
        if request.wants(*path):
            wanted = request.names(*path, "neighbor", key="ip-address")
            row["bgp"] = {
                "neighbor": [
                    {
                        "ip-address": key[0],
                        "statistics": {"session-state": self._bgp_state(self._name, key[0])},
                    }
                    for key in vprn.container("bgp").entries("neighbor")
                    if wanted is None or key[0] in wanted
                ]
            }
        return row


def _interface(
    name: str, interface: Container, ports: Mapping[str, Container], *, service_up: bool
) -> dict[str, Any]:
    saps = []
    for key, sap in interface.entries("sap").items():
        port = ports.get(key[0].partition(":")[0])
        port_up = port is not None and _is_enabled(port, "disable")
        saps.append((key[0], service_up and port_up and _is_enabled(sap, "enable")))
    up = service_up and _is_enabled(interface, "enable") and any(state for _, state in saps)
    addressed = interface.container("ipv4", "primary").leaf("address") is not None
    return {
        "interface-name": name,
        "oper-state": _oper(up),
        "ipv4": {"oper-state": _oper(up and addressed)},
        "sap": [{"sap-id": sap, "oper-state": _oper(state)} for sap, state in saps],
    }


def _is_enabled(node: Container, default: str) -> bool:
    return (node.leaf("admin-state") or default) == "enable"


def _oper(up: bool) -> str:  # noqa: FBT001 - the one thing it is about
    return "up" if up else "down"


class ProbeState:
    """Counters of the probe's test sessions."""

    def __init__(self, counters: Callable[[], Mapping[str, ProbeCounters]]) -> None:
        self._counters = counters

    def state(self, running: Container, request: StateRequest) -> StateData:
        """Return the state leaves of ``test-session``."""
        if not request.wants("twamp"):
            return {}
        counters = self._counters()
        sessions = running.container("twamp", "session-sender").entries("test-session")
        rows = [
            {"name": key[0], **counters[key[0]].shown()} for key in sessions if key[0] in counters
        ]
        return {"twamp": {"session-sender": {"test-session": rows}}} if rows else {}
