"""Exec commands of the router: BGP, TWAMP, SSH and SNMP."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from time import monotonic

from mock_devices.ce.network import BgpNeighbour, BgpSession
from mock_devices.ce.nvram import Private
from mock_devices.ce.twamp import Reflector
from mock_devices.cli.configuration import Section, interfaces
from mock_devices.cli.machine import Machine
from mock_devices.cli.shell import Handler, Shell

ESTABLISHED = "Established"


def bgp_neighbours(machine: Machine) -> list[BgpNeighbour]:
    """Return the neighbours that are configured, not shut down, and active in a family."""
    lines = machine.configuration.starting("router bgp")
    if not lines or lines[0].section is None:
        return []
    section = lines[0].section
    local_as = int(lines[0].arguments["number"])
    found: list[BgpNeighbour] = []
    for line in section.starting("neighbor"):
        peer = line.arguments["peer"]
        if line.words[2] != "remote-as" or section.has(f"neighbor {peer} shutdown"):
            continue
        shown = (section.value(f"neighbor {peer} password") or "").rpartition(" ")[2]
        found.append(
            BgpNeighbour(
                address=peer,
                remote_as=int(line.arguments["number"]),
                local_as=local_as,
                local_address=_facing(machine, peer),
                password=(machine.vault.revealed(shown) or shown) if shown else None,
            )
        )
    return [peer for peer in found if _activated(section, peer.address)]


def _activated(section: Section, peer: str) -> bool:
    families = [line.section for line in section.lines.values() if line.section is not None]
    by_default = not any(
        line.negated and line.text == "bgp default ipv4-unicast" for line in section.lines.values()
    )
    return by_default or any(family.has(f"neighbor {peer} activate") for family in families)


def _facing(machine: Machine, peer: str) -> str:
    for section in interfaces(machine.configuration).values():
        value = section.value("ip address")
        if value and value != "dhcp" and not section.has("shutdown"):
            address = IPv4Interface("/".join(value.split()))
            if IPv4Address(peer) in address.network:
                return str(address.ip)
    return ""


@dataclass(slots=True)
class StatusCommands:
    """The commands of one router, which look at its state through these callables."""

    session: Callable[[BgpNeighbour], BgpSession]
    reflector: Reflector
    twamp_port: Callable[[], int | None]
    ssh_ready: Callable[[], bool]
    private: Callable[[], Private]
    engine_id: str
    established_since: dict[str, float]

    @property
    def handlers(self) -> dict[str, Handler]:
        """The exec commands by the names the grammar gives them."""
        return {
            "show-bgp-summary": self.show_bgp_summary,
            "show-sla-responder": self.show_sla_responder,
            "show-sla-twamp": self.show_sla_twamp,
            "show-ssh": self.show_ssh,
            "show-snmp-user": self.show_snmp_user,
            "show-snmp-engine": self.show_snmp_engine,
            "show-crypto-key": self.show_crypto_key,
        }

    async def show_bgp_summary(self, shell: Shell, _arguments: dict[str, str]) -> str:
        """Return one row a neighbour; the last column is the state, or the prefixes received."""
        configuration = shell.machine.configuration
        lines = configuration.starting("router bgp")
        if not lines or lines[0].section is None:
            return "% BGP not active"
        router_id = lines[0].section.value("bgp router-id") or "0.0.0.0"  # noqa: S104 - no router id
        rows = [
            f"BGP router identifier {router_id}, local AS number {lines[0].arguments['number']}",
            shell.machine.grammar.wording.bgp_heading,
        ]
        rows += [self._row(shell.machine, peer) for peer in bgp_neighbours(shell.machine)]
        return "\n".join(rows)

    def _row(self, machine: Machine, peer: BgpNeighbour) -> str:
        session = self.session(peer)
        state, messages, age = session.state, 0, "never"
        if session.state == ESTABLISHED:
            since = self.established_since.setdefault(peer.address, monotonic())
            seconds = int(monotonic() - since)
            state, messages = f"{session.prefixes:>8}", 2 + session.prefixes + seconds // 10
            age = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        else:
            self.established_since.pop(peer.address, None)
        return machine.grammar.wording.bgp_row.format(
            address=peer.address,
            asn=peer.remote_as,
            messages=messages,
            version=1,
            zero=0,
            age=age,
            state=state,
        )

    async def show_sla_responder(self, shell: Shell, _arguments: dict[str, str]) -> str:
        """Return whether the responder is on."""
        on = shell.machine.configuration.has("ip sla responder")
        return (
            f"\tGeneral IP SLA Responder on Control port 1967\n"
            f"General IP SLA Responder is: {'Enabled' if on else 'Disabled'}"
        )

    async def show_sla_twamp(self, _shell: Shell, _arguments: dict[str, str]) -> str:
        """Return the reflector's state and packet counters."""
        port = self.twamp_port()
        counters = self.reflector.counters
        return (
            f"IP SLAs Responder TWAMP is: {'Enabled' if port else 'Disabled'}\n"
            f"TWAMP server port: {port or 'none'}\n"
            f"Packets received: {counters['received']}\n"
            f"Packets reflected: {counters['reflected']}"
        )

    async def show_ssh(self, _shell: Shell, _arguments: dict[str, str]) -> str:
        """Return whether SSH is on."""
        state = "Enabled - version 2.0" if self.ssh_ready() else "Disabled - version 2.0"
        return f"SSH {state}\nAuthentication methods:publickey,keyboard-interactive,password"

    async def show_snmp_user(self, _shell: Shell, _arguments: dict[str, str]) -> str:
        """Return the SNMP users without their passwords."""
        return "\n".join(
            f"User name: {user.name}\nEngine ID: {self.engine_id.upper()}\n"
            f"storage-type: nonvolatile\t active\nAuthentication Protocol: SHA{user.algorithm}\n"
            f"Privacy Protocol: AES{user.key_bits}\nGroup-name: {user.group}\n"
            for user in self.private().users
        )

    async def show_snmp_engine(self, _shell: Shell, _arguments: dict[str, str]) -> str:
        """Return the SNMP engine ID."""
        return f"Local SNMP engineID: {self.engine_id.upper()}"

    async def show_crypto_key(self, _shell: Shell, _arguments: dict[str, str]) -> str:
        """Return the key pair's name."""
        label = self.private().key_label
        return f"Key name: {label}\n Key type: RSA KEYS" if label else ""
