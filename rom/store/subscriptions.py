"""Listeners' registrations at the hubs, and which gateway has taken each for delivery.

A gateway takes a listener for the length of a lease, so no two ever post to it at the same time.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from rom.model.event import DeliveryState, NewSubscription, Subscription, SubscriptionStatus
from rom.model.event_types import Api
from rom.store.deliveries import due_to
from rom.store.event_tables import delivery, hub_subscription
from rom.store.listener_rights import NEWEST, may_listen
from rom.store.scope import limit_column, scope_from_columns

_NOW = sa.func.clock_timestamp()


def add(connection: sa.Connection, new: NewSubscription) -> str | None:
    """Keep a registration; return the id of the same one if there is one, and write nothing then.

    The same is one of the same owner at the same API with the same callback and query.
    """
    same = {
        "api": new.api, "callback": new.callback, "query": new.query, "owner": new.owner,
    }  # fmt: skip
    statement = insert(hub_subscription).values(
        id=new.id,
        **same,
        by_token=new.by_token,
        customers=limit_column(new.scope.customers),
        sites=limit_column(new.scope.sites),
        sealed_secret=new.sealed_secret,
    )
    written = statement.on_conflict_do_nothing().returning(hub_subscription.c.id)
    if connection.scalar(written) is not None:
        return None
    conditions = (hub_subscription.c[name] == value for name, value in same.items())
    found: str = connection.execute(
        sa.select(hub_subscription.c.id).where(*conditions)
    ).scalar_one()
    return found


def count(connection: sa.Connection) -> int:
    """Return how many registrations there are."""
    return connection.scalar(sa.select(sa.func.count()).select_from(hub_subscription)) or 0


def remove(
    connection: sa.Connection, identifier: str, api: Api | None = None, owner: str | None = None
) -> bool:
    """Remove a registration, of this API and owner if given, with its deliveries.

    Tells whether there was one.
    """
    statement = sa.delete(hub_subscription).where(hub_subscription.c.id == identifier)
    if api is not None:
        statement = statement.where(hub_subscription.c.api == api)
    if owner is not None:
        statement = statement.where(hub_subscription.c.owner == owner)
    return connection.execute(statement).rowcount == 1


def status(connection: sa.Connection, identifier: str) -> SubscriptionStatus | None:
    """Return a registration with what waits for its listener, or ``None``."""
    found = _statuses(connection, hub_subscription.c.id == identifier)
    return found[0] if found else None


def statuses(connection: sa.Connection, api: Api | None = None) -> list[SubscriptionStatus]:
    """Return every registration, the oldest first, or those of one API."""
    return _statuses(connection, sa.true() if api is None else hub_subscription.c.api == api)


def _statuses(
    connection: sa.Connection, condition: sa.ColumnElement[bool]
) -> list[SubscriptionStatus]:
    def number_of(state: DeliveryState) -> sa.ColumnElement[int]:
        return sa.func.count().filter(delivery.c.state == state)

    waiting = delivery.c.state == DeliveryState.WAITING
    query = (
        sa.select(
            hub_subscription,
            number_of(DeliveryState.WAITING).label("waiting"),
            number_of(DeliveryState.DEAD).label("dead"),
            sa.func.min(delivery.c.since).filter(waiting).label("waiting_since"),
        )
        .select_from(hub_subscription.outerjoin(delivery))
        .where(condition)
        .group_by(hub_subscription.c.id)
        .order_by(hub_subscription.c.created_at, hub_subscription.c.id)
    )
    return [
        SubscriptionStatus(_subscription(row), row.waiting, row.dead, row.waiting_since)
        for row in connection.execute(query)
    ]


def every_locked(connection: sa.Connection) -> list[Subscription]:
    """Return every listener that may listen, with its limits of now.

    None of them can be removed until the transaction ends.
    """
    query = _CURRENT.with_for_update(read=True, key_share=True, of=hub_subscription)
    return [_current(row) for row in connection.execute(query)]


def current(connection: sa.Connection, identifier: str) -> Subscription | None:
    """Return a listener that may listen, with its limits of now; otherwise ``None``."""
    row = connection.execute(_CURRENT.where(hub_subscription.c.id == identifier)).one_or_none()
    return None if row is None else _current(row)


def anybody_listens(connection: sa.Connection, api: Api) -> bool:
    """Tell whether an API has a listener."""
    listening = sa.exists().where(hub_subscription.c.api == api)
    return bool(connection.scalar(sa.select(listening)))


def lease_due(
    connection: sa.Connection, holder: str, length: timedelta, busy: Collection[str]
) -> list[Subscription]:
    """Lease every listener that has something due and that nobody else has; not the ``busy``."""
    listener = hub_subscription.c
    free = sa.or_(
        listener.lease_until.is_(None),
        listener.lease_until < _NOW,
        listener.lease_holder == holder,
    )
    rested = sa.or_(listener.paused_until.is_(None), listener.paused_until <= _NOW)
    something = sa.exists().where(due_to(listener.id))
    chosen = (
        sa.select(listener.id)
        .where(listener.id.not_in(list(busy)), free, rested, something, may_listen())
        .with_for_update(skip_locked=True, key_share=True)
    )
    ids = connection.scalars(chosen).all()
    return _lease(connection, holder, length, ids) if ids else []


def renew(
    connection: sa.Connection, holder: str, length: timedelta, ids: Collection[str]
) -> set[str]:
    """Prolong the leases of listeners; return those that ``holder`` still has."""
    mine = hub_subscription.c.lease_holder == holder
    return {each.id for each in _lease(connection, holder, length, ids, mine)}


def _lease(
    connection: sa.Connection,
    holder: str,
    length: timedelta,
    ids: Collection[str],
    *conditions: sa.ColumnElement[bool],
) -> list[Subscription]:
    rows = connection.execute(
        sa.update(hub_subscription)
        .where(hub_subscription.c.id.in_(list(ids)), *conditions)
        .values(lease_holder=holder, lease_until=_NOW + length)
        .returning(hub_subscription)
    )
    return [_subscription(row) for row in rows]


def release(connection: sa.Connection, holder: str, identifier: str) -> None:
    """Let any gateway take the listener, if ``holder`` has it."""
    connection.execute(
        sa.update(hub_subscription)
        .where(hub_subscription.c.id == identifier, hub_subscription.c.lease_holder == holder)
        .values(lease_holder=None, lease_until=None)
    )


def note_success(connection: sa.Connection, identifier: str) -> bool:
    """Note that the listener has taken an event; tells whether it may have the next."""
    return _write(
        connection,
        identifier,
        delivered=hub_subscription.c.delivered + 1,
        failures=0,
        paused_until=None,
        last_success_at=_NOW,
    )


def note_failure(connection: sa.Connection, identifier: str, error: str) -> None:
    """Note that an attempt at the listener failed."""
    _write(connection, identifier, last_failure_at=_NOW, last_error=error)


def pause(connection: sa.Connection, identifier: str, failures: int, length: timedelta) -> None:
    """Leave a listener alone for a while: nothing has got through ``failures`` times."""
    _write(connection, identifier, failures=failures, paused_until=_NOW + length)


def end_pauses(connection: sa.Connection, ids: Collection[str]) -> None:
    """Try listeners again at once: whoever asks for it knows that they are up."""
    connection.execute(
        sa.update(hub_subscription)
        .where(hub_subscription.c.id.in_(list(ids)))
        .values(paused_until=None)
    )


def _write(connection: sa.Connection, identifier: str, **values: Any) -> bool:
    written = connection.scalar(
        sa.update(hub_subscription)
        .where(hub_subscription.c.id == identifier)
        .values(values)
        .returning(may_listen())
    )
    return bool(written)


_CURRENT = (
    sa.select(
        hub_subscription,
        NEWEST.c.customers.label("token_customers"),
        NEWEST.c.sites.label("token_sites"),
    )
    .select_from(hub_subscription.outerjoin(NEWEST, sa.true()))
    .where(may_listen())
)


def _current(row: sa.Row[Any]) -> Subscription:
    kept = _subscription(row)
    if not kept.by_token:
        return kept
    return replace(kept, scope=scope_from_columns(row.token_customers, row.token_sites))


def _subscription(row: sa.Row[Any]) -> Subscription:
    return Subscription(
        id=row.id,
        api=Api(row.api),
        callback=row.callback,
        query=row.query,
        owner=row.owner,
        scope=scope_from_columns(row.customers, row.sites),
        by_token=row.by_token,
        sealed_secret=None if row.sealed_secret is None else bytes(row.sealed_secret),
        created_at=row.created_at,
        delivered=row.delivered,
        failures=row.failures,
        paused_until=row.paused_until,
        last_success_at=row.last_success_at,
        last_failure_at=row.last_failure_at,
        last_error=row.last_error,
    )
