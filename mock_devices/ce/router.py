"""The customer edge router: power, zero-touch provisioning and the services that follow from it."""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mock_devices.ce.autoinstall import SCRIPT_LIMIT_SECONDS, Autoinstall, BackOff
from mock_devices.ce.commands import StatusCommands, bgp_neighbours
from mock_devices.ce.files import FileCommands
from mock_devices.ce.network import BgpNeighbour, BgpSession, BgpState, Discover, Offer
from mock_devices.ce.nvram import Nvram, Private, UserEntry
from mock_devices.ce.services import Services, Wanted
from mock_devices.ce.snmp_agent import ManagedState, SnmpAgent
from mock_devices.ce.snmp_view import agent_users, interface_table, system_group, write_scalar
from mock_devices.ce.twamp import Reflector
from mock_devices.cli.commands import COMMON
from mock_devices.cli.device import SshFrontEnd
from mock_devices.cli.grammar import load_grammar
from mock_devices.cli.machine import MINUTE, Machine
from mock_devices.cli.record import Faults, Record
from mock_devices.cli.shell import ADMINISTRATOR, Handler

_SETTLE = 0.02
"""Seconds after a change before services follow, so that a file's lines count as one change."""
_PORT_RETRY = 1.0
_CISCO_ENGINE = "800000090300"


def _no_session(_serial: str, _neighbour: BgpNeighbour) -> BgpSession:
    return BgpSession()


class CustomerEdge:
    """A simulated router of a customer, by default an ISR 4431; ``platform`` names its grammar.

    Without power nothing answers on any of its ports. ``discover`` is the plant's DHCP,
    ``bgp_state`` the other end of its BGP sessions. ``ports`` fixes the loopback ports of ``ssh``
    (TCP), ``snmp`` and ``twamp`` (UDP) whatever ports the configuration names; missing ones are
    chosen and stay the same for a serial number in a state directory where they are free.
    """

    def __init__(
        self,
        serial: str,
        model: str,
        state_dir: Path,
        discover: Discover,
        bgp_state: BgpState = _no_session,
        *,
        platform: str = "iosxe-ce",
        ports: Mapping[str, int] | None = None,
        back_off: BackOff | None = None,
        script_limit: float = SCRIPT_LIMIT_SECONDS,
        minute: float = MINUTE,
    ) -> None:
        self.serial = serial
        self.model = model
        self._fixed_ports = dict(ports or {})
        self.machine = Machine(
            serial, load_grammar(platform), state_dir, serial=serial, minute=minute
        )
        state_dir.chmod(0o700)
        self._state_dir = state_dir.resolve()
        self.reflector = Reflector()
        self.offer: Offer | None = None
        self.powered = False
        self._bgp_state = bgp_state
        self._nvram = Nvram(state_dir)
        self._memory = self._nvram.memory()
        self._private = Private()
        self._boots = 0
        self._established_since: dict[str, float] = {}
        digest = hashlib.sha256(serial.encode()).hexdigest()
        self.agent = SnmpAgent(_CISCO_ENGINE + digest[:12], self._managed_state())
        handlers = self._handlers()
        self.services = Services(
            SshFrontEnd(self.machine, handlers, self._password_accepted),
            self.reflector,
            self.agent,
        )
        self.autoinstall = Autoinstall(
            self.machine,
            handlers,
            discover,
            self._offered,
            back_off or BackOff(),
            script_limit,
            self._make_account,
        )
        self._boot_task: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._restarting: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self.settled = asyncio.Event()
        """Set while the services are as the configuration wants them."""
        self.machine.on_change = self._changed
        self.machine.on_action = self._act
        self.machine.on_save = self._saved
        self.machine.on_reload = self._reload

    @property
    def faults(self) -> Faults:
        """Faults to order on the command line."""
        return self.machine.faults

    @property
    def record(self) -> Record:
        """The log of lines and the counters of the command line."""
        return self.machine.record

    @property
    def ports(self) -> dict[str, int]:
        """The loopback ports of ``ssh``, ``snmp`` and ``twamp``, settled by ``start``."""
        return dict(self.services.ports)

    @property
    def public_key(self) -> str:
        """The SSH host key as an OpenSSH line.

        The factory prepares it, so that it is known before ``crypto key generate`` brings it into
        use; RSA of the asked length is not really made.
        """
        return self.services.front_end.public_key

    @property
    def running_config(self) -> str:
        """The running configuration."""
        return self.machine.running_text()

    @property
    def startup_config(self) -> str | None:
        """The saved configuration, None in factory state."""
        return self.machine.startup

    async def start(self, host: str = "127.0.0.1") -> dict[str, int]:
        """Settle the ports and return them by service.

        A router that had power when the simulation stopped comes up as it was.
        Raises OSError when a fixed port is taken.
        """
        owner = f"{self._state_dir} {self.serial}"
        self.services.take_ports(owner, host, self._fixed_ports)
        self._refreshing = asyncio.create_task(self._keep_services())
        live = self._nvram.live()
        if live is not None and self.machine.wake():
            self._private, self.offer = live
            self._power_up()
            await self._refresh()
            if self.machine.startup is None:
                self._begin_autoinstall()
        return self.ports

    async def boot(self) -> None:
        """Switch the power on.

        With a startup configuration the router comes up with it at once; without one it runs
        zero-touch provisioning, and this returns when that is done or the power goes.
        """
        if not self.powered:
            self._private = self._nvram.private()
            self.machine.restart()
            self._power_up()
            await self._refresh()
            if self.machine.startup is None:
                self._begin_autoinstall()
            else:
                self.offer = self._nvram.offer()
        if self._boot_task is not None:
            await asyncio.wait([self._boot_task])
            await self._refresh()

    async def power_off(self) -> None:
        """Cut the power: what was not written is lost, every connection breaks."""
        self.powered = False
        await self._end_boot()
        self.machine.stop_timer()
        self.offer = None
        self._established_since.clear()
        self._private = Private()
        self._nvram.forget("live.json", "running.cfg")
        await self._refresh()

    async def stop(self) -> None:
        """End the simulation; a router that has power goes on at the next ``start``."""
        await self._end_boot()
        for task in (self._refreshing, self._restarting):
            if task is not None:
                await _cancelled(task)
        self._refreshing = self._restarting = None
        self.machine.stop_timer()
        if self.powered:
            self.machine.hibernate()
            self._nvram.save_live(self._private, self.offer)
        await self.services.become(Wanted())
        self.services.give_ports_back()

    async def factory_reset(self) -> None:
        """Cut the power and forget everything but the host key."""
        await self.power_off()
        self._nvram.forget("startup.cfg", "private.json", "offer.json", "snmp.json")
        self._memory.aliases.clear()
        self._memory.rows.clear()
        for path in self.machine.flash.iterdir():
            path.unlink()
        self.machine.restart()

    @property
    def tells_serial(self) -> bool:
        """Whether a command shows its serial number."""
        return "{serial}" in self.machine.grammar.texts.get("show-version", "")

    def facts(self) -> dict[str, object]:
        """Return what a status page shows, free of secrets."""
        return {
            "serial": self.serial,
            "model": self.model,
            "powered": self.powered,
            "hostname": self.machine.hostname,
            "configured": self.machine.startup is not None,
            "address": self.offer.address if self.offer else None,
            "circuit": self.offer.circuit if self.offer else None,
            "ztp_attempts": self.autoinstall.attempts,
            "ztp_history": list(self.autoinstall.history),
            "services": self.services.listening(),
            "ports": self.ports,
            "snmp_engine_id": self.agent.engine_id,
            "host_key": self.public_key,
            "bgp": {
                peer.address: self._session(peer).state for peer in bgp_neighbours(self.machine)
            },
            "twamp_packets": dict(self.reflector.counters),
            "counters": dict(self.record.counters),
        }

    def twamp_port(self) -> int | None:
        """Return the port that the configuration gives the reflector, None when there is none."""
        if self.machine.grammar.boot.reflector_port is not None:
            return self.machine.grammar.boot.reflector_port
        configuration = self.machine.configuration
        light = configuration.value("ip sla responder twamp-light udp-port")
        server = configuration.section("ip sla server twamp")
        configured = server.value("port") if server else None
        if light is not None:
            return int(light)
        on = configuration.section("ip sla responder twamp") is not None
        return int(configured) if on and configured else None

    def _handlers(self) -> dict[str, Handler]:
        status = StatusCommands(
            session=self._session,
            reflector=self.reflector,
            twamp_port=self.twamp_port,
            ssh_ready=self._ssh_wanted,
            private=lambda: self._private,
            engine_id=self.agent.engine_id,
            established_since=self._established_since,
        )
        return {**COMMON, **FileCommands(lambda: self.offer).handlers, **status.handlers}

    def _managed_state(self) -> ManagedState:
        return ManagedState(
            system=lambda: system_group(self.machine),
            interfaces=lambda: interface_table(self.machine),
            memory=self._memory,
            write_scalar=lambda name, text: write_scalar(self.machine, name, text),
            written=lambda: self._nvram.save_memory(self._memory),
        )

    def _offered(self, offer: Offer | None) -> None:
        self.offer = offer

    def _session(self, neighbour: BgpNeighbour) -> BgpSession:
        if not self.powered:
            return BgpSession()
        return self._bgp_state(self.serial, neighbour)

    def _power_up(self) -> None:
        self.powered = True
        self._boots = self._nvram.next_boot()

    def _begin_autoinstall(self) -> None:
        self._boot_task = asyncio.create_task(self.autoinstall.run())

    async def _end_boot(self) -> None:
        task, self._boot_task = self._boot_task, None
        if task is not None and task is not asyncio.current_task():
            await _cancelled(task)

    def _saved(self) -> None:
        self._nvram.save_private(self._private)
        self._nvram.save_offer(self.offer)

    def _reload(self) -> None:
        self._restarting = asyncio.create_task(self._restart())

    async def _restart(self) -> None:
        await self.power_off()
        await self.boot()

    def _changed(self) -> None:
        self.settled.clear()
        self._wanted.set()

    def _act(self, action: str, arguments: dict[str, str], negated: bool) -> str:  # noqa: FBT001 - ConfigurationAction
        if action == "crypto-key":
            label = arguments.get("label") or f"{self.machine.hostname}.cust.example.net"
            self._private = replace(self._private, key_label=label)
            message = (
                f"The name for the keys will be: {label}\n"
                f"% The key modulus size is {arguments.get('bits', '2048')} bits\n"
                f"% Generating {arguments.get('bits', '2048')} bit RSA keys, "
                "keys will be non-exportable...\n[OK] (elapsed time was 1 seconds)"
            )
        elif action == "crypto-zeroize":
            self._private = replace(self._private, key_label="")
            message = ""
        else:
            message = self._change_user(arguments, negated=negated)
        self._changed()
        return message

    def _change_user(self, arguments: dict[str, str], *, negated: bool) -> str:
        if negated or "auth" not in arguments:
            self._private = self._private.without_user(arguments["user"])
            return ""
        user = UserEntry(
            name=arguments["user"],
            group=arguments["group"],
            algorithm=arguments.get("algorithm", "sha"),
            key_bits=arguments["bits"],
            authentication=arguments["auth"],
            privacy=arguments["priv"],
        )
        self._private = self._private.with_user(user)
        return ""

    async def _keep_services(self) -> None:
        while True:
            await self._wanted.wait()
            await asyncio.sleep(_SETTLE)
            try:
                await self._refresh()
            except OSError as error:
                # Somebody else has the port; it may be free again later.
                self.autoinstall.history.append(f"service: {error}")
                await asyncio.sleep(_PORT_RETRY)
                self._wanted.set()

    async def _refresh(self) -> None:
        """Open and close services as power, configuration and keys want it."""
        self._wanted.clear()
        wanted = Wanted()
        if self.powered:
            users = agent_users(self.machine.configuration, self._private.users)
            twamp = self.twamp_port() is not None
            wanted = Wanted(self._ssh_wanted(), twamp, users, self._boots)
        await self.services.become(wanted)
        if self.powered:
            self.machine.hibernate()
            self._nvram.save_live(self._private, self.offer)
        if not self._wanted.is_set():
            self.settled.set()

    def _make_account(self, user: str, password: str) -> None:
        accounts = {**self._private.accounts, user: password}
        self._private = replace(self._private, accounts=accounts)
        self._changed()

    def _password_accepted(self, username: str, password: str) -> int | None:
        known = self._private.accounts.get(username)
        if known is not None:
            return ADMINISTRATOR if hmac.compare_digest(known, password) else None
        return self.machine.password_accepted(username, password)

    def _ssh_wanted(self) -> bool:
        if self.machine.grammar.boot.account:
            return self.powered and bool(self._private.accounts)
        configuration = self.machine.configuration
        return (
            self.powered
            and bool(self._private.key_label)
            and configuration.value("ip ssh version") == "2"
            and configuration.has("username")
        )


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


__all__ = ["BackOff", "BgpNeighbour", "BgpSession", "CustomerEdge", "Offer"]
