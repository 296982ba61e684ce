"""Compare pools and their resources; what a site holds, or what rests, stays as it is."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from inventory.expansion import WantedPool, WantedResource
from inventory.problems import Problem, by_name
from inventory.reading import Reading
from inventory.states import ResourceState
from inventory.tables import pool, reservation, resource
from inventory.writing import (
    ChangeOfEntry,
    EntryChange,
    LoadReport,
    Row,
    Rows,
    among,
    compared,
    ranges,
)

_KEPT = "load it unchanged, or release it first"
_UNSAID = frozenset({"ordinal", "scope", "pool_id", "prefix"})
"""Columns of an entry that say nothing to people."""


@dataclass(frozen=True, slots=True)
class HeldChange:
    """A change of what a pool says of itself, or of a value, while sites hold something of it."""

    name: str
    """By which it can be asked for."""
    problem: Problem
    """Why it is refused otherwise."""
    pool_id: UUID
    resource_id: UUID | None = None
    rows: tuple[Row, Row] | None = None
    """The value's row as it was and as it becomes; a pool's is among the pools that change."""


@dataclass(slots=True)
class PoolsDifference:
    """Rows to write, for all pools together, and what forbids it."""

    pools: Rows
    new: list[Row] = field(default_factory=list)
    changed: list[tuple[Row, Row]] = field(default_factory=list)
    gone: list[Row] = field(default_factory=list)
    names: Mapping[Any, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    in_service: list[HeldChange] = field(default_factory=list)

    def accept(self, asked: Collection[str]) -> None:
        """Let what is held and was asked for by name be written too."""
        self.changed += [
            change.rows
            for change in self.in_service
            if change.rows is not None and change.name in asked
        ]

    def report(self) -> LoadReport:
        """Return the counts."""
        return self.pools.report() + LoadReport(
            created=len(self.new), changed=len(self.changed), removed=len(self.gone)
        )

    def changes(self) -> list[EntryChange]:
        """Return what becomes of pools and their entries."""
        found = self.pools.changes()
        for change, rows in (
            (ChangeOfEntry.CREATED, self.new),
            (ChangeOfEntry.REMOVED, self.gone),
        ):
            by_pool = groupby(rows, key=lambda row: row["pool_id"])
            found += [
                EntryChange(section=self._section(pool_id), name=name, change=change)
                for pool_id, members in by_pool
                for name in ranges(row["value"] for row in members)
            ]
        changed = [self._changed(before, row) for before, row in self.changed]
        return found + [change for change in changed if change.fields]  # else only the order

    def _changed(self, before: Row, row: Row) -> EntryChange:
        fields = {
            name: {"before": before[name], "after": value}
            for name, value in row.items()
            if before[name] != value and name not in _UNSAID
        }
        return EntryChange(
            section=self._section(before["pool_id"]),
            name=before["value"],
            change=ChangeOfEntry.CHANGED,
            fields=fields,
        )

    def _section(self, pool_id: Any) -> str:
        return f"pool {self.names[pool_id]}"

    def write(self, connection: sa.Connection) -> None:
        """Write all of it."""
        self.pools.write(connection)
        if self.gone:  # first, for a value may move from one pool to another
            ids = [row["id"] for row in self.gone]
            connection.execute(sa.delete(resource).where(among(resource.c.id, ids)))
        for before, row in self.changed:
            connection.execute(sa.update(resource).where(resource.c.id == before["id"]).values(row))
        if self.new:
            connection.execute(sa.insert(resource), self.new)


def compare_pools(connection: sa.Connection, reading: Reading) -> PoolsDifference:
    """Return what differs from the pools there are, and what forbids to write it."""
    wanted = reading.pools
    names = [entry.name for entry in wanted]
    query = sa.select(pool).where(among(pool.c.name, names))
    before = {row["name"]: dict(row) for row in connection.execute(query).mappings()}
    rows = [_pool_row(entry) for entry in wanted]
    difference = PoolsDifference(compared(connection, "pools", pool, "name", rows))
    for row in difference.pools.created:
        row["id"] = uuid4()
    held = _held_amounts(connection)
    ids = {row["name"]: row["id"] for row in (*before.values(), *difference.pools.created)}
    difference.names = {known: name for name, known in ids.items()}
    for row in rows:
        if row["name"] in before:
            difference.problems += _pool_problems(reading, before[row["name"]], row, held)
            difference.in_service += _of_pool(reading, before[row["name"]], row, held)
    present = _present(connection, [row["id"] for row in before.values()])
    for entry in wanted:
        if entry.mode != "pattern":  # its resources come from reservations, not from the file
            _compare(reading, entry, ids[entry.name], present[ids[entry.name]], difference)
    return difference


def _pool_row(entry: WantedPool) -> Row:
    return {name: getattr(entry, name) for name in WantedPool.__slots__ if name != "resources"}


def _held_amounts(connection: sa.Connection) -> dict[Any, int]:
    """Return by pool id what sites hold of it: bit/s, or 0 for things."""
    amount = sa.func.coalesce(sa.func.sum(reservation.c.amount), 0)
    query = sa.select(reservation.c.pool_id, amount).group_by(reservation.c.pool_id)
    return {pool_id: int(total) for pool_id, total in connection.execute(query)}


def _pool_problems(reading: Reading, before: Row, row: Row, held: dict[Any, int]) -> list[Problem]:
    if before["id"] not in held:
        return []
    found = [
        (name, f"cannot change while sites hold something of it (it is {before[name]!r})")
        for name in ("kind", "mode", "shared", "pattern")
        if before[name] != row[name]
    ]
    amount = held[before["id"]]
    if row["capacity"] is not None and row["capacity"] - row["used_elsewhere"] < amount:
        found.append(("capacity", f"is less than the {amount} that sites hold"))
    return [reading.problem("pools", row["name"], name, text, _KEPT) for name, text in found]


def _of_pool(reading: Reading, before: Row, row: Row, held: dict[Any, int]) -> Iterator[HeldChange]:
    """Yield what a pool says of all its values, where some are held and it becomes another."""
    if before["id"] in held and before["attributes"] != row["attributes"]:
        name = f"pools/{row['name']}/attributes"
        was = f"(it is {before['attributes']!r})"
        text = f"cannot change while sites hold something of it {was}"
        problem = reading.problem("pools", row["name"], "attributes", text, by_name(name, _KEPT))
        yield HeldChange(name, problem, before["id"])


def _present(connection: sa.Connection, pool_ids: Sequence[Any]) -> dict[Any, dict[str, Row]]:
    held = sa.exists().where(reservation.c.resource_id == resource.c.id).label("held")
    query = (
        sa.select(resource, held)
        .where(among(resource.c.pool_id, pool_ids))
        .order_by(resource.c.pool_id, resource.c.ordinal)
    )
    found: dict[Any, dict[str, Row]] = defaultdict(dict)
    for row in connection.execute(query).mappings():
        found[row["pool_id"]][row["value"]] = dict(row)
    return found


def _compare(
    reading: Reading,
    wanted: WantedPool,
    pool_id: Any,
    present: dict[str, Row],
    difference: PoolsDifference,
) -> None:
    values = {row.value: row for row in wanted.resources}
    for value, row in values.items():
        before = present.get(value)
        if before is None:
            difference.new.append({**_row(row), "pool_id": pool_id})
            continue
        fixed = before["held"] or before["state"] == ResourceState.QUARANTINED
        if fixed and _means_else(row, before):
            refused = _problem(reading, wanted, before, "be changed")
            if not before["held"] or _moves(row, before):
                difference.problems.append(refused)
                continue
            name = f"pools/{wanted.name}/values/{value}"
            refused = refused.model_copy(update={"fix": by_name(name, _KEPT)})
            rows = (before, _row(row, before))
            difference.in_service.append(HeldChange(name, refused, pool_id, before["id"], rows))
        elif any(before[name] != inner for name, inner in _row(row, before).items()):
            difference.changed.append((before, _row(row, before)))
    for value, before in present.items():
        if value in values:
            continue
        if before["held"] or before["state"] == ResourceState.QUARANTINED:
            difference.problems.append(_problem(reading, wanted, before, "be removed"))
        else:
            difference.gone.append(before)


def _row(row: WantedResource, before: Row | None = None) -> Row:
    """Return the columns the file decides; the state of what is held or rests is not among them."""
    found = {name: getattr(row, name) for name in WantedResource.__slots__ if name != "prefix"}
    if before is None:
        return {**found, "prefix": row.prefix}
    if before["state"] in {ResourceState.ALLOCATED, ResourceState.QUARANTINED}:
        del found["state"], found["used_by"]
    return found


def _means_else(row: WantedResource, before: Row) -> bool:
    return _moves(row, before) or row.attributes != before["attributes"]


def _moves(row: WantedResource, before: Row) -> bool:
    """Tell whether the value would be somebody else's, or one of another scope."""
    return row.state != ResourceState.AVAILABLE or row.scope != before["scope"]


def _problem(reading: Reading, wanted: WantedPool, before: Row, what: str) -> Problem:
    why = "a site holds it" if before["held"] else "it is in quarantine"
    found = reading.problem("pools", wanted.name, "values", f"cannot {what}: {why}", _KEPT)
    return found.model_copy(update={"field": f"values {before['value']}"})
