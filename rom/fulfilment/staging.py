"""Staging of a router: its day-1 configuration waits for the box to boot and fetch it."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from device_profiles.checks import exec_lines
from device_profiles.cli import day1_text
from device_profiles.profile import load_profile
from rom.fulfilment.targets import Target
from rom.fulfilment.view import Item, SiteView
from rom.ledger import changes, intents
from rom.store.tables import ztp_ticket

ARRIVED = ("completed", "closed")


def token_of(boot_url: str) -> str:
    """Return the circuit's token, the part of the boot URL before the script's name."""
    return boot_url.rsplit("/", 2)[-2]


def stage(
    connection: sa.Connection, view: SiteView, item: Item, target: Target, fragment: str
) -> None:
    """Keep the configuration the router will get, secrets as names; again replaces it."""
    profile = load_profile(target.profile)
    wanted = intents.wanted(connection, target.device, view.site)
    values: dict[str, Any] = {
        "site": view.site,
        "token": token_of(view.boot_url),
        "order_id": item.order_id,
        "item_id": item.item_id,
        "profile": target.profile,
        "configuration": day1_text(profile, wanted.own),
        "exec_lines": list(exec_lines(profile, fragment, view.context(target.as_context()))),
    }
    statement = insert(ztp_ticket).values(serial=target.device, state="staged", **values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[ztp_ticket.c.serial],
            set_={**values, "state": "staged", "updated_at": sa.func.clock_timestamp()},
            where=ztp_ticket.c.state.not_in(ARRIVED),
        )
    )


def arrived(connection: sa.Connection, serial: str) -> bool:
    """Tell whether the router has fetched and applied its configuration."""
    state = connection.scalar(sa.select(ztp_ticket.c.state).where(ztp_ticket.c.serial == serial))
    return state in ARRIVED


def ticket(
    connection: sa.Connection, *, token: str | None = None, serial: str | None = None
) -> sa.Row[Any] | None:
    """Return and lock the ticket with this token or serial."""
    wanted = ztp_ticket.c.token == token if token is not None else ztp_ticket.c.serial == serial
    return connection.execute(sa.select(ztp_ticket).where(wanted).with_for_update()).one_or_none()


def note(connection: sa.Connection, serial: str, state: str, detail: str = "") -> bool:
    """Write how far the router is; ``completed`` lets the changes that wait for it go.

    A late event never takes a router back from ``completed``; tells whether it was written.
    """
    done = connection.execute(
        sa.update(ztp_ticket)
        .where(ztp_ticket.c.serial == serial, ztp_ticket.c.state.not_in(ARRIVED))
        .values(state=state, detail=detail, updated_at=sa.func.clock_timestamp())
    )
    if done.rowcount and state == "completed":
        site = connection.execute(
            sa.select(ztp_ticket.c.site).where(ztp_ticket.c.serial == serial)
        ).scalar_one()
        changes.unblock(connection, serial, site)
    return done.rowcount > 0


def close(connection: sa.Connection, serial: str) -> None:
    """Hand out nothing any more: the router is proven, or will never come."""
    connection.execute(
        sa.update(ztp_ticket)
        .where(ztp_ticket.c.serial == serial)
        .values(state="closed", updated_at=sa.func.clock_timestamp())
    )
