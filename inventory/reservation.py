"""Reserve all a site needs, or nothing of it."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from inventory import news
from inventory.candidates import POOL_COLUMNS, Candidates, Group
from inventory.model import (
    Allocation,
    BundleRequest,
    ReservationConflictError,
    ResourceExhausted,
    ResourceRequest,
    Shortage,
    UnknownEntryError,
)
from inventory.requests import groups
from inventory.states import HoldingState, ResourceState
from inventory.stock import Choice, PoolRow, Stock
from inventory.tables import pool, reservation, resource, site

Held = dict[str, Choice]


def reserve(connection: sa.Connection, bundle: BundleRequest) -> tuple[Allocation, ...]:
    """Reserve a bundle inside the caller's transaction (READ COMMITTED), in the bundle's order.

    A name the site holds already is returned as it is held. Raises ``ResourceExhausted`` with
    every shortage, ``ReservationConflictError`` when a name is held by another kind,
    ``UnknownEntryError`` for an unknown site, ``ValueError`` for a malformed bundle; then
    nothing was written. A transaction that reserves for several sites uses ``reserve_many``:
    two calls in one transaction could deadlock with another's.
    """
    (result,) = reserve_many(connection, (bundle,))
    if isinstance(result, ResourceExhausted):
        raise result
    return result


def reserve_many(
    connection: sa.Connection, bundles: Sequence[BundleRequest]
) -> tuple[tuple[Allocation, ...] | ResourceExhausted, ...]:
    """Reserve many bundles in one transaction, each all or nothing by itself, first come first.

    Locks the sites, then every pool that could serve, each in sorted order: reservers wait for
    each other but never in a circle. Results are in the order of ``bundles``. Raises as
    ``reserve`` for mistakes of the caller, having written nothing.
    """
    sites = sorted({bundle.site for bundle in bundles})
    if len(sites) != len(bundles):
        raise ValueError("each site may be in a batch once")
    lock_sites(connection, sites)
    held = _held(connection, sites)
    plans: list[tuple[BundleRequest, tuple[Group, ...], Held]] = []
    candidates = Candidates(connection)
    for bundle in bundles:
        own = held.get(bundle.site, {})
        _refuse_other_kinds(bundle, own)
        parts = groups(bundle, own)
        for group in parts:
            candidates.add(bundle.site, group, own)
        plans.append((bundle, parts, own))
    stock = candidates.lock(sites)
    outcomes = [_choose(stock, *plan) for plan in plans]
    chosen = [
        choice.id
        for outcome in outcomes
        if not isinstance(outcome, ResourceExhausted)
        for choice in outcome.values()
    ]
    with news.of_sites(connection, sites, also=chosen):
        _write(connection, zip(bundles, outcomes, strict=True))
    return tuple(
        outcome if isinstance(outcome, ResourceExhausted) else _allocations(bundle, own, outcome)
        for (bundle, _, own), outcome in zip(plans, outcomes, strict=True)
    )


def lock_sites(connection: sa.Connection, sites: Sequence[str]) -> None:
    """Have these sites' holdings for ourselves until commit; ``UnknownEntryError`` if missing.

    Raises ``ValueError`` in a transaction that is not READ COMMITTED: its snapshot would not show
    what others took while we waited for a lock, and amounts could be given twice.
    """
    query = (
        sa.select(site.c.key, sa.func.current_setting("transaction_isolation"))
        .where(site.c.key.in_(sites))
        .order_by(site.c.key)
        .with_for_update(key_share=True)
    )
    found = dict(connection.execute(query).all())
    missing = sorted(set(sites) - found.keys())
    if missing:
        raise UnknownEntryError(f"site {missing[0]} is not in the inventory")
    if set(found.values()) - {"read committed"}:
        raise ValueError("inventory is changed in READ COMMITTED transactions only")


def _held(connection: sa.Connection, sites: Sequence[str]) -> dict[str, Held]:
    query = (
        sa.select(reservation, resource.c.attributes.label("own"), pool)
        .select_from(
            reservation.join(pool, pool.c.id == reservation.c.pool_id).outerjoin(
                resource, resource.c.id == reservation.c.resource_id
            )
        )
        .where(reservation.c.site.in_(sites))
        .set_label_style(sa.LABEL_STYLE_TABLENAME_PLUS_COL)
    )
    found: dict[str, Held] = {}
    for row in connection.execute(query).mappings():
        held_pool = PoolRow(**{name: row[f"pool_{name}"] for name in POOL_COLUMNS})
        amount = row["reservation_amount"]
        name = row["reservation_name"]
        found.setdefault(row["reservation_site"], {})[name] = Choice(
            ResourceRequest(name=name, kind=held_pool.kind),
            held_pool,
            row["reservation_resource_id"] or row["reservation_id"],
            {"value": amount} if amount is not None else row["own"],
            is_held=True,
        )
    return found


def _refuse_other_kinds(bundle: BundleRequest, held: Held) -> None:
    for request in bundle.requests:
        present = held.get(request.name)
        if present is not None and present.pool.kind != request.kind:
            raise ReservationConflictError(
                f"{bundle.site} holds a {present.pool.kind} as {request.name!r}, "
                f"not a {request.kind}; release it first"
            )


def _choose(
    stock: Stock, bundle: BundleRequest, parts: Iterable[Group], held: Held
) -> Held | ResourceExhausted:
    chosen: Held = {}
    shortages: list[Shortage] = []
    for group in parts:
        found, short = stock.choose(bundle.site, group, {**held, **chosen})
        chosen.update(found)
        shortages += short
    if shortages:
        return ResourceExhausted(tuple(shortages))
    stock.take(chosen)
    return chosen


def _write(
    connection: sa.Connection, results: Iterable[tuple[BundleRequest, Held | ResourceExhausted]]
) -> None:
    rows: list[dict[str, Any]] = []
    made: list[dict[str, Any]] = []
    taken: list[Any] = []
    for bundle, outcome in results:
        if isinstance(outcome, ResourceExhausted):
            continue
        for name, choice in outcome.items():
            rows.append(_reservation_row(bundle, name, choice))
            if choice.is_new:
                made.append(_pattern_row(choice))
            elif choice.pool.mode != "quantity" and not choice.pool.shared:
                taken.append(choice.id)
    if made:
        connection.execute(sa.insert(resource), made)
    if taken:
        allocated = {"state": ResourceState.ALLOCATED, "quarantine_until": None}
        connection.execute(sa.update(resource).where(resource.c.id.in_(taken)).values(allocated))
    if rows:
        connection.execute(sa.insert(reservation), rows)


def _reservation_row(bundle: BundleRequest, name: str, choice: Choice) -> dict[str, Any]:
    is_amount = choice.pool.mode == "quantity"
    return {
        # An amount has no thing behind it: its hold is what people ask for by id.
        "id": choice.id if is_amount else uuid4(),
        "site": bundle.site,
        "name": name,
        "pool_id": choice.pool.id,
        "resource_id": None if is_amount else choice.id,
        "exclusive": not is_amount and not choice.pool.shared,
        "amount": choice.request.amount,
        "order_id": bundle.order_id,
        "item_id": bundle.items.get(name),
        "state": HoldingState.RESERVED,
    }


def _pattern_row(choice: Choice) -> dict[str, Any]:
    return {
        "id": choice.id,
        "pool_id": choice.pool.id,
        "scope": f"{choice.pool.kind} in {choice.pool.name}",
        "value": choice.attributes["value"],
        "attributes": dict(choice.attributes),
        "ordinal": 0,
        "state": ResourceState.ALLOCATED,
    }


def _allocations(bundle: BundleRequest, held: Held, chosen: Held) -> tuple[Allocation, ...]:
    found = {**held, **chosen}
    return tuple(
        Allocation(
            resource_id=str(found[request.name].id),
            name=request.name,
            kind=found[request.name].pool.kind,
            pool=found[request.name].pool.name,
            attributes=found[request.name].attributes,
        )
        for request in bundle.requests
    )
