"""Staging of a router: its day-1 configuration waits for the box to boot and fetch it."""

from device_profiles.checks import exec_lines
from device_profiles.cli import day1_text
from device_profiles.profile import load_profile
from inventory import trust
from rom.catalog.site_view import SiteView
from rom.model.deed import GATEWAY, DeedKind
from rom.model.device import Device
from rom.model.order import Item
from rom.model.ticket import ARRIVED, TicketState
from rom.store import changes, intents, tickets
from rom.store.database import Connection
from rom.trail import trail


def token_of(boot_url: str) -> str:
    """Return the circuit's token, the part of the boot URL before the script's name."""
    return boot_url.rsplit("/", 2)[-2]


def stage(
    connection: Connection, view: SiteView, item: Item, device: Device, fragment: str
) -> None:
    """Keep the configuration the router will get, secrets as names; again replaces it.

    A router that will be provisioned makes its own keys anew, so a pinned one is forgotten if the
    router can show by its serial number who it is.
    """
    profile = load_profile(device.profile)
    wanted = intents.wanted(connection, device.name, view.site)
    written = tickets.stage(
        connection,
        serial=device.name,
        site=view.site,
        token=token_of(view.boot_url),
        order_id=item.order_id,
        item_id=item.item_id,
        profile=device.profile,
        configuration=day1_text(profile, wanted.own),
        exec_lines=exec_lines(profile, fragment, view.context(device.as_context())),
    )
    if written and profile.serial is not None and trust.forget_unit(connection, device.name):
        trail.record(
            connection,
            GATEWAY,
            DeedKind.HOST_KEY_FORGOTTEN,
            sites=[view.site],
            devices=[device.name],
            order_id=item.order_id,
            reason="it is provisioned anew",
        )


def arrived(connection: Connection, serial: str) -> bool:
    """Tell whether the router has fetched and applied its configuration."""
    return tickets.state_of(connection, serial) in ARRIVED


def note(connection: Connection, serial: str, state: TicketState, detail: str = "") -> bool:
    """Write how far the router is; ``completed`` lets the changes that wait for it go.

    A late event never takes a router back from ``completed``; tells whether it was written.
    """
    site = tickets.enter(connection, serial, state, detail)
    if site is not None and state is TicketState.COMPLETED:
        changes.unblock(connection, serial, site)
    return site is not None


def close(connection: Connection, serial: str) -> None:
    """Hand out nothing any more: the router is proven, or will never come."""
    tickets.enter(connection, serial, TicketState.CLOSED)
