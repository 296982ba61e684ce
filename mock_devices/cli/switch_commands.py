"""Exec commands of the access switch."""

from mock_devices.cli.arguments import vlan_members
from mock_devices.cli.commands import inactive_vlan, is_closed, is_up
from mock_devices.cli.configuration import Section, interfaces
from mock_devices.cli.shell import Handler, Shell

_TRUNK = "trunk"


def _ports(shell: Shell) -> list[tuple[str, Section]]:
    machine = shell.machine
    found = interfaces(machine.configuration)
    return [(name, found[name]) for name in machine.grammar.interfaces]


def _short(name: str) -> str:
    return name.replace("TenGigabitEthernet", "Te").replace("GigabitEthernet", "Gi")


async def show_vlan(shell: Shell, arguments: dict[str, str]) -> str:
    """Return the VLANs and their access ports."""
    rows = [
        "VLAN Name                             Status    Ports",
        "---- -------------------------------- --------- -------------------------------",
    ]
    for line in sorted(
        shell.machine.configuration.starting("vlan"), key=lambda line: int(line.arguments["vlan"])
    ):
        vlan = line.arguments["vlan"]
        if arguments.get("vlan", vlan) != vlan:
            continue
        name = (line.section.value("name") if line.section else None) or f"VLAN{int(vlan):04}"
        ports = ", ".join(
            _short(port)
            for port, section in _ports(shell)
            if (section.value("switchport access vlan") or "1") == vlan
            and section.value("switchport mode") != _TRUNK
        )
        rows.append(f"{vlan:<4} {name:<32} active    {ports}".rstrip())
    if len(rows) == 2:
        return f"VLAN id {arguments.get('vlan')} not found in current VLAN database"
    return "\n".join(rows)


async def show_interfaces_status(shell: Shell, arguments: dict[str, str]) -> str:
    """Return one row a port."""
    rows = ["Port      Name               Status       Vlan       Duplex  Speed Type"]
    for name, section in _ports(shell):
        if arguments.get("interface", name) != name:
            continue
        if is_closed(shell, section):
            status = "disabled"
        elif not is_up(shell, name, section):
            status = "notconnect"
        else:
            status = "inactive" if inactive_vlan(shell, section) else "connected"
        trunk = section.value("switchport mode") == _TRUNK
        vlan = _TRUNK if trunk else section.value("switchport access vlan") or "1"
        speed = "a-10G" if name.startswith("Ten") else "a-1000"
        label = (section.value("description") or "")[:18]
        rows.append(f"{_short(name):<9} {label:<18} {status:<12} {vlan:<10} a-full {speed:>7} SFP")
    return "\n".join(rows)


async def show_interfaces_trunk(shell: Shell, _arguments: dict[str, str]) -> str:
    """Return the trunks with the VLANs allowed on them and those of them that exist."""
    trunks = [
        (name, section.value("switchport trunk allowed vlan") or "1-4094")
        for name, section in _ports(shell)
        if section.value("switchport mode") == _TRUNK
    ]
    known = {int(line.arguments["vlan"]) for line in shell.machine.configuration.starting("vlan")}
    rows = ["Port        Mode             Encapsulation  Status        Native vlan"]
    rows += [
        f"{_short(name):<11} on               802.1q         trunking      1" for name, _ in trunks
    ]
    rows += ["", "Port        Vlans allowed on trunk"]
    rows += [f"{_short(name):<11} {vlans}" for name, vlans in trunks]
    rows += ["", "Port        Vlans allowed and active in management domain"]
    for name, vlans in trunks:
        active = sorted((vlan_members(vlans) or frozenset()) & known)
        rows.append(f"{_short(name):<11} {','.join(map(str, active)) or 'none'}")
    return "\n".join(rows)


async def show_switchport(shell: Shell, arguments: dict[str, str]) -> str:
    """Return a port's layer 2 settings; a VLAN that does not exist is ``(Inactive)``."""
    name = arguments["interface"]
    section = interfaces(shell.machine.configuration).get(name)
    if section is None:
        return "% Interface does not exist"
    vlan = section.value("switchport access vlan") or "1"
    entry = shell.machine.configuration.section(f"vlan {vlan}")
    label = "Inactive" if entry is None else entry.value("name") or f"VLAN{int(vlan):04}"
    mode = section.value("switchport mode")
    administrative = "static access" if mode == "access" else mode or "dynamic auto"
    return "\n".join(
        [
            f"Name: {_short(name)}",
            "Switchport: Enabled",
            f"Administrative Mode: {administrative}",
            f"Operational Mode: {'down' if not is_up(shell, name, section) else mode or 'access'}",
            f"Negotiation of Trunking: {'Off' if section.has('switchport nonegotiate') else 'On'}",
            f"Access Mode VLAN: {vlan} ({label})",
            f"Trunking VLANs Enabled: {section.value('switchport trunk allowed vlan') or 'ALL'}",
        ]
    )


async def show_transceiver(shell: Shell, arguments: dict[str, str]) -> str:
    """Return the optical levels of a port that has a link."""
    section = interfaces(shell.machine.configuration).get(arguments["interface"])
    rows = [
        "                                           Optical   Optical",
        "           Temperature  Voltage  Current   Tx Power  Rx Power",
        "Port       (Celsius)    (Volts)  (mA)      (dBm)     (dBm)",
        "---------  -----------  -------  --------  --------  --------",
    ]
    if section is not None and is_up(shell, arguments["interface"], section):
        rows.append(
            f"{_short(arguments['interface']):<9}    31.4        3.29      17.2      -5.6      -7.9"
        )
    return "\n".join(rows)


async def show_lldp(_shell: Shell, _arguments: dict[str, str]) -> str:
    """Return the LLDP neighbours: there are none towards customers."""
    heading = "Device ID           Local Intf     Hold-time  Capability      Port ID"
    return f"{heading}\n\nTotal entries displayed: 0"


SWITCH: dict[str, Handler] = {
    "show-vlan": show_vlan,
    "show-interfaces-status": show_interfaces_status,
    "show-interfaces-trunk": show_interfaces_trunk,
    "show-switchport": show_switchport,
    "show-transceiver": show_transceiver,
    "show-lldp": show_lldp,
}
