"""How far an untagged frame of a router gets through an access device, by its configuration.

Read from the device's running configuration at that moment, so that every missing piece of it
means that the frame goes no further, as in the field.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lxml import etree

from mock_devices.cli.grammar import Ports


class Blocked(Exception):
    """The path ends here; the text says where and why."""


@dataclass(frozen=True)
class AccessPath:
    """Where a customer's frames leave the access device."""

    uplink: str
    vlan: int
    circuit_id: str | None
    """What the access device writes into DHCP option 82, ``None`` when it adds none."""


def text(element: etree._Element, *path: str) -> str:
    """Return the text of a descendant by local names, empty when it is not there."""
    found = element.find("/".join(f"{{*}}{step}" for step in path))
    return (found.text or "").strip() if found is not None else ""


def entries(element: etree._Element, *path: str) -> list[etree._Element]:
    """Return descendants by local names."""
    return element.findall("/".join(f"{{*}}{step}" for step in path))


def _is_off(interface: etree._Element, *path: str) -> bool:
    return text(interface, *path) == "false"


class OltView:
    """An OLT's configuration in the BBF models (TR-383, TR-385)."""

    def __init__(self, name: str, config: etree._Element) -> None:
        self.name = name
        self._config = config
        interfaces = entries(config, "interfaces", "interface")
        self._interfaces = {text(interface, "name"): interface for interface in interfaces}

    def path(self, serial: str, channel_termination: str) -> AccessPath:
        """Follow the ONT ``serial`` on a PON; raises ``Blocked``."""
        v_ani = self._v_ani(serial, channel_termination)
        v_enet = self._v_enet(v_ani)
        self._gemport(v_ani, v_enet)
        user = self._user_interface(v_enet)
        uplink, vlan = self._across(user)
        return AccessPath(uplink, vlan, self._circuit_id(user))

    def _v_ani(self, serial: str, channel_termination: str) -> str:
        termination = self._interfaces.get(channel_termination)
        if termination is None:
            raise Blocked(f"{self.name} has no {channel_termination}")
        pair = text(termination, "channel-termination", "channel-pair-ref")
        for name, interface in self._interfaces.items():
            if text(interface, "v-ani", "expected-serial-number") != serial:
                continue
            if text(interface, "v-ani", "preferred-channel-pair") not in ("", pair):
                raise Blocked(f"{self.name} {name}: ONT {serial} is expected on another PON")
            if _is_off(interface, "enabled"):
                raise Blocked(f"{self.name} {name} is disabled")
            return name
        raise Blocked(f"{self.name} expects no ONT {serial}")

    def _v_enet(self, v_ani: str) -> str:
        for name, interface in self._interfaces.items():
            if text(interface, "olt-v-enet", "lower-layer-interface") == v_ani:
                if _is_off(interface, "enabled"):
                    raise Blocked(f"{self.name} {name} is disabled")
                return name
        raise Blocked(f"{self.name} {v_ani} has no olt-v-enet")

    def _gemport(self, v_ani: str, v_enet: str) -> None:
        tconts = {
            text(tcont, "name")
            for tcont in entries(self._config, "xpongemtcont", "tconts", "tcont")
            if text(tcont, "interface-reference") == v_ani
        }
        for gemport in entries(self._config, "xpongemtcont", "gemports", "gemport"):
            if text(gemport, "interface") == v_enet and text(gemport, "tcont-ref") in tconts:
                return
        raise Blocked(f"{self.name} {v_enet} has no gemport on a T-CONT of {v_ani}")

    def _above(self, lower: str) -> Iterator[tuple[str, etree._Element]]:
        for name, interface in self._interfaces.items():
            if text(interface, "subif-lower-layer", "interface") == lower:
                yield name, interface

    def _user_interface(self, v_enet: str) -> str:
        for name, interface in self._above(v_enet):
            if _is_off(interface, "enabled"):
                raise Blocked(f"{self.name} {name} is disabled")
            return name
        raise Blocked(f"{self.name} {v_enet} has no vlan-sub-interface")

    def _across(self, user: str) -> tuple[str, int]:
        """Return uplink and VLAN at the other side of the forwarder that ``user`` is a port of."""
        for forwarder in entries(self._config, "forwarding", "forwarders", "forwarder"):
            ports = [text(port, "sub-interface") for port in entries(forwarder, "ports", "port")]
            if user not in ports:
                continue
            for name in ports:
                network = self._interfaces.get(name)
                if name == user or network is None:
                    continue
                return self._leave(user, name, network)
        raise Blocked(f"{self.name} {user} is in no forwarder with an uplink")

    def _leave(self, user: str, name: str, network: etree._Element) -> tuple[str, int]:
        if _is_off(network, "enabled"):
            raise Blocked(f"{self.name} {name} is disabled")
        vlan, user_vlan = _tag(network), _tag(self._interfaces[user])
        if vlan is None or vlan != user_vlan:
            raise Blocked(f"{self.name} {user} and {name} are not of one VLAN")
        uplink = text(network, "subif-lower-layer", "interface")
        if uplink not in self._interfaces or _is_off(self._interfaces[uplink], "enabled"):
            raise Blocked(f"{self.name} uplink {uplink} is disabled")
        return uplink, vlan

    def _circuit_id(self, user: str) -> str | None:
        interface = self._interfaces[user]
        if text(interface, "l2-dhcpv4-relay", "enable") != "true":
            return None
        wanted = text(interface, "subscriber-profile", "profile")
        for profile in entries(self._config, "subscriber-profiles", "subscriber-profile"):
            if wanted and text(profile, "name") == wanted:
                return text(profile, "circuit-id") or None
        return None


def _tag(interface: etree._Element) -> int | None:
    vlans = interface.findall("{*}inline-frame-processing//{*}dot1q-tag/{*}vlan-id")
    return int(vlans[0].text or 0) if vlans else None


def openconfig_switch_path(
    name: str, config: etree._Element, port: str, uplinks: Iterable[str]
) -> AccessPath:
    """Follow an access port of an OpenConfig switch to an uplink; raises ``Blocked``."""
    interfaces = {
        text(entry, "name"): entry for entry in entries(config, "interfaces", "interface")
    }
    switched = ("ethernet", "switched-vlan", "config")
    customer = interfaces.get(port)
    if customer is None or text(customer, "config", "enabled") != "true":
        raise Blocked(f"{name} {port} is not enabled")
    vlan = text(customer, *switched, "access-vlan")
    if text(customer, *switched, "interface-mode") != "ACCESS" or not vlan:
        raise Blocked(f"{name} {port} is no access port of a VLAN")
    known = entries(config, "network-instances", "network-instance", "vlans", "vlan")
    active = {
        text(entry, "vlan-id")
        for entry in known
        if text(entry, "config", "status") in ("", "ACTIVE")
    }
    if vlan not in active:
        raise Blocked(f"{name} has no active VLAN {vlan}")
    for uplink in uplinks:
        trunk = interfaces.get(uplink)
        if trunk is None or _is_off(trunk, "config", "enabled"):
            continue
        members = [
            (member.text or "").strip() for member in entries(trunk, *switched, "trunk-vlans")
        ]
        if any(_in_range(int(vlan), member, "..") for member in members):
            return AccessPath(uplink, int(vlan), None)
    raise Blocked(f"{name} carries VLAN {vlan} on no uplink")


def cli_switch_path(
    name: str, model: Ports, running: str, port: str, uplinks: Iterable[str]
) -> AccessPath:
    """Follow an access port of a switch with a command line to an uplink; raises ``Blocked``."""
    sections = _sections(running)
    customer = sections.get(model.line.format(port=port))
    if customer is None or _has(customer, model.closed):
        raise Blocked(f"{name} {port} is shut down")
    vlan = next(_named(customer, model.untagged, "vlan"), None)
    if vlan is None or not _has(customer, model.access):
        raise Blocked(f"{name} {port} is no access port of a VLAN")
    if model.vlan.format(vlan=vlan) not in sections:
        raise Blocked(f"{name} has no VLAN {vlan}")
    for uplink in uplinks:
        trunk = sections.get(model.line.format(port=uplink))
        if trunk is None or _has(trunk, model.closed) or not _has(trunk, model.trunk):
            continue
        if _carries(trunk, model, int(vlan)):
            return AccessPath(uplink, int(vlan), None)
    raise Blocked(f"{name} carries VLAN {vlan} on no uplink")


def _sections(running: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    inside: list[str] = []
    for line in running.splitlines():
        if line.startswith(" "):
            inside.append(line.strip())
        elif line.strip() != "!":
            inside = sections.setdefault(line.strip(), [])
    return sections


def _has(lines: Iterable[str], pattern: str) -> bool:
    return any(re.fullmatch(pattern, line) for line in lines)


def _named(lines: Iterable[str], pattern: str, group: str) -> Iterator[str]:
    found = (re.fullmatch(pattern, line) for line in lines)
    return (one[group] for one in found if one)


def _carries(trunk: Iterable[str], model: Ports, vlan: int) -> bool:
    lists = list(_named(trunk, model.tagged, "vlans"))
    if not lists:
        return model.carries_all
    parts = [part for entry in lists for part in entry.split(",")]
    return any(_in_range(vlan, part, "-") for part in parts)


def _in_range(vlan: int, member: str, separator: str) -> bool:
    first, _, last = member.partition(separator)
    if not first.isdecimal():
        return False
    return int(first) <= vlan <= int(last or first)
