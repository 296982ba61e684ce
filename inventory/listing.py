"""List resources for whoever shows them: things and shares of quantities alike, in pages."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from inventory.records import Holder, ResourceFilter, ResourcePage, ResourceRecord
from inventory.states import ResourceState
from inventory.tables import HOLDING_STATES, annotation, pool, reservation, resource

BEARER = "bearer"
"""The name under which a site holds its access, which all its other resources rely on."""
_AT_ONCE = 5000
"""A statement has 65,535 parameters at most."""
_NOTHING = sa.cast(sa.literal_column("'{}'"), JSONB)


def list_resources(
    connection: sa.Connection,
    filters: ResourceFilter | None = None,
    *,
    offset: int = 0,
    limit: int = 100,
) -> ResourcePage:
    """Return one page in a stable order (kind, pool, value's place in the pool) and the total.

    An id that is no UUID finds nothing. Shares of a quantity appear while a site holds them.
    """
    listed = listed_things()
    found = sa.select(listed).where(*_conditions(listed, filters or ResourceFilter()))
    total = connection.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0
    ordered = found.order_by(
        listed.c.kind, listed.c.pool, listed.c.ordinal, listed.c.value, listed.c.resource_id
    )
    rows = connection.execute(ordered.offset(offset).limit(limit)).mappings().all()
    return ResourcePage(rows=records(connection, rows), total=total)


def records(
    connection: sa.Connection, rows: Sequence[Mapping[Any, Any]]
) -> tuple[ResourceRecord, ...]:
    """Return rows of ``listed_things`` with their holders and what they rely on."""
    holders = _holders(connection, [row["resource_id"] for row in rows])
    bearers = _bearers(connection, {h.site for held in holders.values() for h in held})
    return tuple(_record(dict(row), holders.get(row["resource_id"], ()), bearers) for row in rows)


def records_of(connection: sa.Connection, ids: Collection[UUID]) -> dict[str, ResourceRecord]:
    """Return by id the resources and shares of these ids, those that there are."""
    listed = listed_things()
    found: dict[str, ResourceRecord] = {}
    ordered = sorted(ids)
    for start in range(0, len(ordered), _AT_ONCE):
        part = ordered[start : start + _AT_ONCE]
        query = sa.select(listed).where(listed.c.resource_id.in_(part))
        rows = connection.execute(query).mappings().all()
        found |= {row.resource_id: row for row in records(connection, rows)}
    return found


def listed_things() -> sa.Subquery:
    """Return things and shares as rows of one kind, with what clients have said of them."""
    holding = (
        sa.select(_furthest(reservation.c.state))
        .where(reservation.c.resource_id == resource.c.id)
        .scalar_subquery()
    )
    occupied = resource.c.state.in_((ResourceState.AVAILABLE, ResourceState.ALLOCATED))
    things = sa.select(
        resource.c.id.label("resource_id"), pool.c.kind, pool.c.name.label("pool"),
        resource.c.value, resource.c.ordinal, resource.c.attributes,
        pool.c.attributes.label("pool_attributes"),
        sa.case(
            (occupied, sa.func.coalesce(holding, ResourceState.AVAILABLE)), else_=resource.c.state
        ).label("state"),
        sa.null().cast(sa.BigInteger).label("amount"),
        resource.c.used_by, resource.c.quarantine_until,
        sa.func.coalesce(annotation.c.document, _NOTHING).label("annotation"),
    ).join_from(resource, pool).outerjoin(
        annotation, annotation.c.thing == resource.c.id
    )  # fmt: skip
    shares = sa.select(
        reservation.c.id, pool.c.kind, pool.c.name,
        sa.cast(reservation.c.amount, sa.Text), sa.literal(0),
        sa.func.jsonb_build_object("value", reservation.c.amount), pool.c.attributes,
        reservation.c.state, reservation.c.amount,
        sa.null().cast(sa.Text), sa.null().cast(sa.DateTime(timezone=True)),
        sa.func.coalesce(annotation.c.document, _NOTHING),
    ).join_from(reservation, pool).outerjoin(
        annotation, annotation.c.thing == reservation.c.id
    ).where(reservation.c.amount.is_not(None))  # fmt: skip
    return sa.union_all(things, shares).subquery("listed")


def _furthest(state: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """Return of several holders' states the one furthest on its way to use."""
    words = sa.cast(sa.literal(list(HOLDING_STATES)), sa.ARRAY(sa.Text))
    place = sa.func.max(sa.func.array_position(words, state))
    return sa.case(*((place == index, word) for index, word in enumerate(HOLDING_STATES, start=1)))


def _conditions(listed: sa.Subquery, filters: ResourceFilter) -> list[sa.ColumnElement[bool]]:
    wanted = filters.model_dump(exclude_none=True)
    found: list[sa.ColumnElement[bool]] = []
    held_by = {name: wanted.pop(name) for name in ("site", "order_id") if name in wanted}
    if held_by:
        held = sa.select(sa.func.coalesce(reservation.c.resource_id, reservation.c.id)).where(
            *(reservation.c[name] == value for name, value in held_by.items())
        )
        found.append(listed.c.resource_id.in_(held))
    if "resource_id" in wanted:
        try:
            wanted["resource_id"] = UUID(wanted["resource_id"])
        except ValueError:
            return [sa.false()]
    return found + [listed.c[name] == value for name, value in wanted.items()]


def _holders(connection: sa.Connection, ids: list[UUID]) -> dict[UUID, tuple[Holder, ...]]:
    held = sa.func.coalesce(reservation.c.resource_id, reservation.c.id)
    query = (
        sa.select(held.label("held"), *(reservation.c[name] for name in Holder.model_fields))
        .where(sa.or_(reservation.c.resource_id.in_(ids), reservation.c.id.in_(ids)))
        .order_by(reservation.c.site, reservation.c.name)
    )
    found: dict[UUID, tuple[Holder, ...]] = {}
    for row in connection.execute(query).mappings():
        fields: dict[str, Any] = dict(row)
        thing = fields.pop("held")
        found[thing] = (*found.get(thing, ()), Holder(**fields))
    return found


def _bearers(connection: sa.Connection, sites: Collection[str]) -> dict[str, str]:
    """Return by site the id of what all its other resources rely on."""
    query = sa.select(reservation.c.site, reservation.c.resource_id).where(
        reservation.c.site.in_(sorted(sites)), reservation.c.name == BEARER,
        reservation.c.resource_id.is_not(None),
    )  # fmt: skip
    return {site: str(thing) for site, thing in connection.execute(query)}


def _record(
    row: dict[str, Any], holders: tuple[Holder, ...], bearers: Mapping[str, str]
) -> ResourceRecord:
    del row["ordinal"]
    row["resource_id"] = str(row["resource_id"])
    sites = {holder.site for holder in holders}
    bearer = bearers.get(sites.pop()) if len(sites) == 1 else None
    return ResourceRecord(
        **row, holders=holders, relies_on=None if bearer == row["resource_id"] else bearer
    )
