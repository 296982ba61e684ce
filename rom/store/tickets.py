"""ZTP tickets in PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from rom.model.order import Item
from rom.model.ticket import ARRIVED, TICKET_LIFE, Ticket, TicketState
from rom.store.tables import ztp_ticket


def stage(
    connection: sa.Connection,
    *,
    serial: str,
    site: str,
    token: str,
    order_id: str,
    item_id: str,
    profile: str,
    configuration: str,
    exec_lines: Sequence[str],
) -> bool:
    """Write what the router will get; again replaces it, unless the router has it already.

    Tells whether it was written.
    """
    values: dict[str, Any] = {
        "site": site,
        "token_hash": hash_of(token),
        "order_id": order_id,
        "item_id": item_id,
        "profile": profile,
        "configuration": configuration,
        "exec_lines": list(exec_lines),
    }
    statement = insert(ztp_ticket).values(serial=serial, state=TicketState.STAGED, **values)
    written = connection.execute(
        statement.on_conflict_do_update(
            index_elements=[ztp_ticket.c.serial],
            set_={
                **values,
                "state": TicketState.STAGED,
                "updated_at": sa.func.clock_timestamp(),
            },
            where=ztp_ticket.c.state.not_in(ARRIVED),
        ).returning(ztp_ticket.c.serial)
    )
    return written.first() is not None


def hash_of(token: str) -> str:
    """Return what is kept of a token."""
    return sha256(token.encode()).hexdigest()


def state_of(connection: sa.Connection, serial: str) -> TicketState | None:
    """Return how far a router is, ``None`` without a ticket."""
    state = connection.scalar(sa.select(ztp_ticket.c.state).where(ztp_ticket.c.serial == serial))
    return None if state is None else TicketState(state)


def locked(
    connection: sa.Connection, *, token: str | None = None, serial: str | None = None
) -> Ticket | None:
    """Return and lock the ticket with this token or serial."""
    wanted = (
        ztp_ticket.c.serial == serial
        if token is None
        else ztp_ticket.c.token_hash == hash_of(token)
    )
    row = connection.execute(sa.select(ztp_ticket).where(wanted).with_for_update()).one_or_none()
    if row is None:
        return None
    return Ticket(
        serial=row.serial,
        site=row.site,
        order_id=row.order_id,
        item_id=row.item_id,
        state=TicketState(row.state),
        detail=row.detail,
        profile=row.profile,
        configuration=row.configuration,
        exec_lines=tuple(row.exec_lines),
        updated_at=row.updated_at,
    )


def enter(
    connection: sa.Connection, serial: str, state: TicketState, detail: str | None = None
) -> str | None:
    """Write how far the router is, if that can follow; returns its site, ``None`` if it cannot."""
    values: dict[str, Any] = {"state": state, "updated_at": sa.func.clock_timestamp()}
    if detail is not None:
        values["detail"] = detail
    site: str | None = connection.scalar(
        sa.update(ztp_ticket)
        .where(ztp_ticket.c.serial == serial)
        .where(ztp_ticket.c.state.in_(TICKET_LIFE.before(state)))
        .values(values)
        .returning(ztp_ticket.c.site)
    )
    return site


def hear_silent(connection: sa.Connection, site: str, seconds: float) -> list[str]:
    """Return the site's routers that got their configuration so long ago and said nothing since.

    They count as heard of now, so that nobody else looks for them at once.
    """
    return list(
        connection.scalars(
            sa.update(ztp_ticket)
            .where(ztp_ticket.c.site == site, _silent(seconds))
            .values(updated_at=sa.func.clock_timestamp())
            .returning(ztp_ticket.c.serial)
        )
    )


def silent_sites(connection: sa.Connection, seconds: float) -> set[str]:
    """Return the sites with such a router."""
    return set(connection.scalars(sa.select(ztp_ticket.c.site).where(_silent(seconds))))


def _silent(seconds: float) -> sa.ColumnElement[bool]:
    since = sa.func.clock_timestamp() - timedelta(seconds=seconds)
    return sa.and_(ztp_ticket.c.state == TicketState.FETCHED, ztp_ticket.c.updated_at < since)


def serial_of_item(connection: sa.Connection, item: Item) -> str | None:
    """Return the router that an item has booked, ``None`` for none."""
    serial: str | None = connection.scalar(
        sa.select(ztp_ticket.c.serial).where(
            ztp_ticket.c.order_id == item.order_id, ztp_ticket.c.item_id == item.item_id
        )
    )
    return serial


def tear_up(connection: sa.Connection, items: Sequence[Item]) -> None:
    """Forget the tickets of one order's items.

    Without its ticket the router is refused, and another one may be staged for the site.
    """
    connection.execute(
        sa.delete(ztp_ticket).where(
            ztp_ticket.c.order_id == items[0].order_id,
            ztp_ticket.c.item_id.in_([item.item_id for item in items]),
        )
    )


def tear_up_of(connection: sa.Connection, serial: str, site: str) -> None:
    """Forget the ticket of a router that leaves a site, as ``tear_up`` does."""
    connection.execute(
        sa.delete(ztp_ticket).where(ztp_ticket.c.serial == serial, ztp_ticket.c.site == site)
    )
