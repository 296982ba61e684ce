"""The bootstrap server (RFC 8572's word): which router gets which day-1 configuration.

A configuration leaves only for the router whose serial number is booked for the site and that
came by the site's own circuit: it knows the token which DHCP hands out on that circuit alone, and
it asks from the address that is reserved there. It leaves until the router has told that it has it,
and never again. Everything else is refused. Who asks from a circuit's address with its token and
names another router stands at that circuit, so that the items concerned are held for people to look
at; who does not has proven nothing, and changes nothing.
"""

from collections.abc import Callable
from hashlib import sha512
from ipaddress import IPv6Address, ip_address

import structlog

from adapters.ztp.service import Serial, ZtpRefused
from device_profiles.cli import with_secrets
from device_profiles.day0 import day0_file
from device_profiles.profile import load_profile
from inventory.model import UnknownEntryError
from rom.devices.directory import NoDevice, boot_source
from rom.fulfilment import staging
from rom.fulfilment.transitions import Transitions
from rom.metrics import refusals
from rom.metrics.refusals import Circuit
from rom.model.deed import Actor, ActorKind, DeedKind
from rom.model.order import Item
from rom.model.order_states import CANCELLING_ITEM_STATES, FINAL_ITEM_STATES, ItemState
from rom.model.reason import Reason
from rom.model.ticket import ARRIVED, Ticket, TicketState
from rom.store import order_items, orders, tickets
from rom.store.database import Connection, Engine
from rom.trail import trail
from rom.vault.vault import BOOT_URL, Vault

log = structlog.get_logger(__name__)

_SETTLED = FINAL_ITEM_STATES | CANCELLING_ITEM_STATES
_SELF_HEALING = (Reason.WRONG_CPE, Reason.WRONG_CIRCUIT)


class Bootstrap:
    """Fulfils ``adapters.ztp.service.BootstrapServer`` from the tickets in the database."""

    def __init__(
        self,
        engine: Engine,
        transitions: Transitions,
        vault: Vault,
        base_url: str,
        wake: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._transitions = transitions
        self._vault = vault
        self._base_url = base_url
        self._wake = wake

    def boot_url(self, site: str) -> str:
        """Return what DHCP tells a router at the site to fetch; the token is the circuit's."""
        return self._vault.resolve(f"{BOOT_URL}/{site}").get_secret_value()

    def script(self, token: str, serial: Serial, client: str) -> bytes:
        """Return the day-0 file of the router that is coming to a circuit.

        Where the configuration is part of it, it leaves as ``config`` does, and the first boot is
        complete: the router has nothing more to ask or to tell.
        """
        with self._engine.begin() as connection:
            ticket, circuit = _standing(connection, token, client)
        if ticket is None or circuit is not Circuit.PROVEN or not _may_fetch(ticket):
            _note_refusal(client, None, circuit)
            raise ZtpRefused
        profile = load_profile(ticket.profile)
        file = day0_file(profile, f"{self._base_url}/ztp/v1/{token}", ticket.site)
        if not profile.day0_serial:
            return file
        named = serial(profile.day0_serial)
        configuration = self.config(token, named, client)
        self.event(token, named, client, "completed", "")
        return self._filled(file.decode()).encode() + configuration

    def config(self, token: str, serial: str, client: str) -> bytes:
        """Return the configuration with its secrets, the same bytes on every call."""
        ticket = self._admitted(token, serial, client)
        with self._engine.begin() as connection:
            fetched = TicketState.FETCHED
            if ticket.state is not fetched and staging.note(connection, serial, fetched):
                trail.record(
                    connection,
                    Actor(serial, ActorKind.ROUTER, client),
                    DeedKind.CONFIGURATION_FETCHED,
                    sites=[ticket.site],
                    devices=[serial],
                    order_id=ticket.order_id,
                )
        return self._filled(ticket.configuration).encode()

    def sha512(self, token: str, serial: str, client: str) -> str:
        """Return the hash by which the router checks what it fetched."""
        ticket = self._admitted(token, serial, client)
        return sha512(self._filled(ticket.configuration).encode()).hexdigest()

    def exec_lines(self, token: str, serial: str, client: str) -> bytes:
        """Return the lines that no configuration file can hold, secrets filled in."""
        ticket = self._admitted(token, serial, client)
        return self._filled("\n".join([*ticket.exec_lines, ""])).encode()

    def event(self, token: str, serial: str, client: str, name: str, detail: str) -> None:
        """Note how far the router is; ``completed`` makes the gateway log in and look."""
        ticket = self._admitted(token, serial, client, fetches=False)
        with self._engine.begin() as connection:
            written = staging.note(connection, serial, TicketState(name), detail)
            if (
                name == "failed"
                and written
                and (ticket.state, ticket.detail) != (TicketState(name), detail)
            ):
                text = f"AWAITING_CPE: router {serial} could not take its configuration: {detail}"
                orders.add_note(connection, ticket.order_id, ticket.item_id, text)
        log.info(
            "ztp.event",
            order_id=ticket.order_id,
            serial=serial,
            event_name=name,
            detail=detail,
            written=written,
        )
        self._wake(ticket.site)

    def _filled(self, text: str) -> str:
        return with_secrets(text, lambda name: self._vault.resolve(name).get_secret_value())

    def _admitted(self, token: str, serial: str, client: str, *, fetches: bool = True) -> Ticket:
        with self._engine.begin() as connection:
            ticket, circuit = _standing(connection, token, client)
            if (
                ticket is not None
                and circuit is Circuit.PROVEN
                and ticket.serial == serial
                and (_may_fetch(ticket) if fetches else ticket.state is not TicketState.CLOSED)
            ):
                self._forgive(connection, ticket)
                return ticket
        _note_refusal(client, serial, circuit)
        if ticket is not None and circuit is Circuit.PROVEN and ticket.serial != serial:
            self._hold_concerned(ticket, serial)
        raise ZtpRefused

    def _hold_concerned(self, booked: Ticket, serial: str) -> None:
        """Hold the items whose router is not where it should be, each in a transaction alone.

        The circuit of ``booked`` is proven. A router that has its configuration is judged by its
        checks, not by who asks after it.
        """
        with self._engine.begin() as connection:
            own = tickets.locked(connection, serial=serial)
            if own is not None and own.state not in ARRIVED:
                text = f"router {serial} asked from another circuit than its site's"
                self._hold(connection, own, Reason.WRONG_CIRCUIT, text)
        with self._engine.begin() as connection:
            ticket = tickets.locked(connection, serial=booked.serial)
            if ticket is not None and ticket.state not in ARRIVED:
                text = f"router {serial} asked at this site; {ticket.serial} is booked for it"
                self._hold(connection, ticket, Reason.WRONG_CPE, text)

    def _hold(self, connection: Connection, ticket: Ticket, reason: str, text: str) -> None:
        item = self._item(connection, ticket)
        if item is None or item.state in _SETTLED or item.reason == reason:
            return
        self._transitions.move(
            connection, item, ItemState.HELD, reason=reason, note=f"{reason}: {text}"
        )

    def _forgive(self, connection: Connection, ticket: Ticket) -> None:
        """The right router on the right circuit ends a hold that a wrong one had caused."""
        item = self._item(connection, ticket)
        if item is None or item.state is not ItemState.HELD or item.reason not in _SELF_HEALING:
            return
        note = f"router {ticket.serial} has come by its own circuit; going on"
        self._transitions.move(connection, item, ItemState.IN_PROGRESS, note=note)

    def _item(self, connection: Connection, ticket: Ticket) -> Item | None:
        return order_items.locked(connection, ticket.order_id, ticket.item_id)


def _standing(connection: Connection, token: str, client: str) -> tuple[Ticket | None, Circuit]:
    """Return and lock the ticket of a token, and what the request proves of its circuit."""
    ticket = tickets.locked(connection, token=token)
    if ticket is None:
        return None, Circuit.UNKNOWN
    try:
        expected = boot_source(connection, ticket.serial, ticket.site)
    except (NoDevice, UnknownEntryError):  # nothing is reserved there any more
        return ticket, Circuit.ELSEWHERE
    return ticket, Circuit.PROVEN if _address(client) == expected else Circuit.ELSEWHERE


def _address(client: str) -> object:
    """Return who asks; on a socket for both IP versions, IPv4 is mapped (RFC 4291 section 2.5.5.2).

    What is no address is equal to none.
    """
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _may_fetch(ticket: Ticket) -> bool:
    """Tell whether the router may still fetch something.

    One that fetches a plain file has no way of telling that it has it: the gateway's own login
    closes its ticket.
    """
    if ticket.state is TicketState.COMPLETED:
        return bool(load_profile(ticket.profile).day0_serial)
    return ticket.state is not TicketState.CLOSED


def _note_refusal(client: str, serial: str | None, circuit: Circuit) -> None:
    """The one trace that an unproven request leaves."""
    refusals.note(circuit)
    log.warning("ztp.refused", client=client, serial=serial, circuit=circuit)
