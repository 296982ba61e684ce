"""The router as its SNMP agent shows it, and what the agent's writes do to the router."""

from time import monotonic

from mock_devices.ce.nvram import UserEntry
from mock_devices.ce.snmp_agent import SnmpUser
from mock_devices.ce.snmp_tables import Interface, SystemGroup
from mock_devices.cli.configuration import Section, interfaces
from mock_devices.cli.machine import Machine

_GIGABIT = 1_000_000_000
_LOOPBACK_INDEX = 1000


def system_group(machine: Machine) -> SystemGroup:
    """Return the system group's scalars."""
    configuration = machine.configuration
    return SystemGroup(
        description=machine.grammar.texts["show-version"].splitlines()[1],
        uptime=int((monotonic() - machine.started) * 100),
        contact=configuration.value("snmp-server contact") or "",
        name=machine.hostname,
        location=configuration.value("snmp-server location") or "",
    )


def interface_table(machine: Machine) -> dict[int, Interface]:
    """Return the interfaces by ifIndex: physical ones from 1, loopbacks from 1000."""
    fixed = {name: number for number, name in enumerate(machine.grammar.interfaces, 1)}
    result: dict[int, Interface] = {}
    for name, section in interfaces(machine.configuration).items():
        index = fixed.get(name) or _LOOPBACK_INDEX + int(name.removeprefix("Loopback"))
        result[index] = _interface(machine, index, name, section)
    return result


def _interface(machine: Machine, index: int, name: str, section: Section) -> Interface:
    enabled = not section.has("shutdown")
    loopback = name.startswith("Loopback")
    return Interface(
        index=index,
        name=name,
        short_name=name.replace("GigabitEthernet", "Gi").replace("Loopback", "Lo"),
        description=section.value("description") or "",
        enabled=enabled,
        up=enabled and (loopback or machine.link_up(name)),
        speed_bps=8 * _GIGABIT if loopback else _GIGABIT,
        loopback=loopback,
    )


def write_scalar(machine: Machine, name: str, text: str) -> None:
    """Configure location, contact or hostname; an empty text takes the line away."""
    line = name if name == "hostname" else f"snmp-server {name}"
    machine.merge(f"{line} {text}" if text else f"no {line}")


def agent_users(configuration: Section, users: tuple[UserEntry, ...]) -> tuple[SnmpUser, ...]:
    """Return the users that may come in: those whose group is configured with ``priv``."""
    trees = {
        line.arguments["view"]: line.arguments["tree"]
        for line in configuration.starting("snmp-server view")
        if line.arguments["kind"] == "included"
    }
    groups = {
        line.arguments["group"]: line.arguments
        for line in configuration.starting("snmp-server group")
        if line.arguments["level"] == "priv"
    }
    return tuple(
        SnmpUser(
            name=user.name,
            group=user.group,
            algorithm=user.algorithm,
            key_bits=user.key_bits,
            authentication=user.authentication,
            privacy=user.privacy,
            read_tree=trees.get(groups[user.group].get("read", ""), ""),
            write_tree=trees.get(groups[user.group].get("write", ""), ""),
        )
        for user in users
        if user.group in groups
    )
