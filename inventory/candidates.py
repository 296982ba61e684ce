"""Find, lock and read the pools that could serve a batch of bundles."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from inventory.model import ResourceRequest
from inventory.requests import references
from inventory.states import ResourceState
from inventory.stock import ANY, Choice, FreeItem, PoolRow, Stock
from inventory.tables import pool, reservation, resource

Group = tuple[ResourceRequest, ...]
_Domain = frozenset[str]
POOL_COLUMNS = ("id", "name", "kind", "mode", "shared", "attributes", "pattern")
_Key = tuple[str, frozenset[tuple[str, _Domain]]]


class Candidates:
    """Pools that could serve the bundles of a batch, found without locks, then locked together.

    A reference is narrowed to the values it could take: the attributes of what could be chosen
    as its target. So only pools near the site are locked, not every pool of the kind.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._found: dict[_Key, list[PoolRow]] = {}
        self._item_attributes: dict[UUID, list[Mapping[str, Any]]] = {}
        self._demand: Counter[UUID] = Counter()
        self._pools: dict[UUID, PoolRow] = {}

    def add(self, site: str, group: Group, held: Mapping[str, Choice]) -> None:
        """Note the pools that could serve one group of requests of a site."""
        options: dict[str, list[PoolRow]] = {}
        for request in group:
            domains: dict[str, _Domain] = {
                key: frozenset((str(value),))
                for key, value in request.match.items()
                if key != "site"
            }
            for key, target in references(request).items():
                if target.name in held:
                    values = {held[target.name].attribute(target.attribute)}
                else:
                    values = self._values(options[target.name], target.attribute)
                domains[key] = frozenset(map(str, values - {None}))
            pools = self._pools_for(request.kind, domains)
            options[request.name] = [
                each for each in pools if each.attributes.get("site") in (None, site)
            ]
            for each in options[request.name]:
                self._demand[each.id] += 1
                self._pools[each.id] = each

    def lock(self, sites: Sequence[str]) -> Stock:
        """Lock the pools in order of id and read what is free in them."""
        ids = sorted(self._pools)
        locked = (
            sa.select(pool.c.id, pool.c.capacity - pool.c.used_elsewhere)
            .where(pool.c.id.in_(ids))
            .order_by(pool.c.id)
            .with_for_update(key_share=True)  # rows may still refer to the pool meanwhile
        )
        capacity = dict(self._connection.execute(locked).all())
        taken = (
            sa.select(reservation.c.pool_id, sa.func.sum(reservation.c.amount))
            .where(reservation.c.pool_id.in_(ids), reservation.c.amount.is_not(None))
            .group_by(reservation.c.pool_id)
        )
        amounts = dict(self._connection.execute(taken).all())
        by_kind: dict[str, list[PoolRow]] = defaultdict(list)
        for row in sorted(self._pools.values(), key=_preference):
            free = int((capacity.get(row.id) or 0) - amounts.get(row.id, 0))
            by_kind[row.kind].append(replace(row, free_amount=free))
        return Stock(by_kind, self._free_items(sites), self._pattern_rows(sites))

    def _values(self, pools: Iterable[PoolRow], attribute: str) -> set[Any]:
        found: set[Any] = set()
        for row in pools:
            own = {attributes.get(attribute) for attributes in self._attributes_in(row.id)}
            found |= own - {None} or {row.attributes.get(attribute)}
        return found

    def _attributes_in(self, pool_id: UUID) -> list[Mapping[str, Any]]:
        if pool_id not in self._item_attributes:
            query = sa.select(resource.c.attributes).where(
                resource.c.pool_id == pool_id, resource.c.state == ResourceState.AVAILABLE
            )
            self._item_attributes[pool_id] = list(self._connection.scalars(query))
        return self._item_attributes[pool_id]

    def _pools_for(self, kind: str, domains: Mapping[str, _Domain]) -> list[PoolRow]:
        key = (kind, frozenset(domains.items()))
        if key not in self._found:
            conditions = [
                pool.c.attributes[name].astext.in_([*sorted(values), ANY])
                for name, values in domains.items()
            ]
            columns = [pool.c[name] for name in POOL_COLUMNS]
            query = sa.select(*columns).where(pool.c.kind == kind, *conditions)
            self._found[key] = [PoolRow(*row) for row in self._connection.execute(query)]
        return self._found[key]

    def _free_items(self, sites: Sequence[str]) -> dict[UUID, list[FreeItem]]:
        """Read no more rows of a pool than the batch can use, and all of a shared one."""
        limits = [
            (each.id, None if each.shared else self._demand[each.id])
            for each in self._pools.values()
            if each.mode == "items"
        ]
        if not limits:
            return {}
        wanted = sa.values(sa.column("pool_id", sa.Uuid), sa.column("most", sa.Integer)).data(
            limits
        )
        listed = wanted.alias("wanted")
        free = (resource.c.pool_id == listed.c.pool_id, resource.c.state == ResourceState.AVAILABLE)
        columns = [resource.c[name] for name in ("id", "value", "attributes", "earmark", "ordinal")]
        for_all = (
            sa.select(*columns)
            .where(*free, resource.c.earmark.is_(None))
            .order_by(resource.c.ordinal)
            .limit(sa.cast(listed.c.most, sa.BigInteger))
        )
        for_one = sa.select(*columns).where(*free, resource.c.earmark.in_(sites))
        rows = sa.union_all(for_all, for_one).lateral("free")
        query = sa.select(
            listed.c.pool_id, rows.c.id, rows.c.value, rows.c.attributes, rows.c.earmark
        ).order_by(listed.c.pool_id, rows.c.ordinal)
        found: dict[UUID, list[FreeItem]] = defaultdict(list)
        for pool_id, *row in self._connection.execute(query.join_from(listed, rows, sa.true())):
            found[pool_id].append(FreeItem(*row))
        return found

    def _pattern_rows(self, sites: Sequence[str]) -> dict[tuple[UUID, str], UUID]:
        patterns = [each for each in self._pools.values() if each.pattern is not None]
        values = [
            (each.pattern or "").replace("{site}", site) for each in patterns for site in sites
        ]
        query = sa.select(resource.c.pool_id, resource.c.value, resource.c.id).where(
            resource.c.pool_id.in_([each.id for each in patterns]), resource.c.value.in_(values)
        )
        return {(pool_id, value): row for pool_id, value, row in self._connection.execute(query)}


def _preference(row: PoolRow) -> tuple[bool, str]:
    return row.attributes.get("site") is None, row.name
