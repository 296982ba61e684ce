"""Write pools and their resources; what a site holds, or what rests, stays as it is."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from inventory.expansion import WantedPool, WantedResource
from inventory.problems import Problem
from inventory.states import ResourceState
from inventory.tables import pool, reservation, resource
from inventory.writing import LoadReport, Row, among, refuse, upsert_rows

_KEPT = "load it unchanged, or release it first"


@dataclass(slots=True)
class _Difference:
    """Rows to write, for all pools together, and what forbids it."""

    new: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    gone: list[Any] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def upsert_pools(connection: sa.Connection, wanted: Sequence[WantedPool]) -> LoadReport:
    """Write what differs; raises ``RefusedError``, then the caller rolls back."""
    names = among(pool.c.name, [entry.name for entry in wanted])
    before = {
        row["name"]: dict(row)
        for row in connection.execute(sa.select(pool).where(names)).mappings()
    }
    held = _held_amounts(connection)
    rows = [_pool_row(entry) for entry in wanted]
    known = [(before[row["name"]], row) for row in rows if row["name"] in before]
    refuse([problem for pair in known for problem in _pool_problems(*pair, held)])
    report = upsert_rows(connection, pool, "name", rows)
    ids = dict(connection.execute(sa.select(pool.c.name, pool.c.id).where(names)).all())
    present = _present(connection, list(ids.values()))
    difference = _Difference()
    for entry in wanted:
        if entry.mode != "pattern":  # its resources come from reservations, not from the file
            _compare(entry, ids[entry.name], present[ids[entry.name]], difference)
    refuse(difference.problems)
    return report + _write(connection, difference)


def _pool_row(entry: WantedPool) -> Row:
    return {name: getattr(entry, name) for name in WantedPool.__slots__ if name != "resources"}


def _held_amounts(connection: sa.Connection) -> dict[Any, int]:
    """Return by pool id what sites hold of it: bit/s, or 0 for things."""
    amount = sa.func.coalesce(sa.func.sum(reservation.c.amount), 0)
    query = sa.select(reservation.c.pool_id, amount).group_by(reservation.c.pool_id)
    return {pool_id: int(total) for pool_id, total in connection.execute(query)}


def _pool_problems(before: Row, row: Row, held: dict[Any, int]) -> list[Problem]:
    if before["id"] not in held:
        return []
    found = [
        (name, f"cannot change while sites hold something of it (it is {before[name]!r})")
        for name in ("kind", "mode", "shared", "attributes", "pattern")
        if before[name] != row[name]
    ]
    amount = held[before["id"]]
    if row["capacity"] is not None and row["capacity"] - row["used_elsewhere"] < amount:
        found.append(("capacity", f"is less than the {amount} that sites hold"))
    return [
        Problem(entry=f"pool {row['name']!r}", field=name, text=text, fix=_KEPT)
        for name, text in found
    ]


def _present(connection: sa.Connection, pool_ids: Sequence[Any]) -> dict[Any, dict[str, Row]]:
    held = sa.exists().where(reservation.c.resource_id == resource.c.id).label("held")
    query = sa.select(resource, held).where(among(resource.c.pool_id, pool_ids))
    found: dict[Any, dict[str, Row]] = defaultdict(dict)
    for row in connection.execute(query).mappings():
        found[row["pool_id"]][row["value"]] = dict(row)
    return found


def _compare(
    wanted: WantedPool, pool_id: Any, present: dict[str, Row], difference: _Difference
) -> None:
    values = {row.value: row for row in wanted.resources}
    for value, row in values.items():
        before = present.get(value)
        if before is None:
            difference.new.append({**_row(row), "pool_id": pool_id})
            continue
        fixed = before["held"] or before["state"] == ResourceState.QUARANTINED
        if fixed and _means_else(row, before):
            difference.problems.append(_problem(wanted, before, "be changed"))
        elif any(before[name] != inner for name, inner in _row(row, before).items()):
            difference.changed.append({**_row(row, before), "known": before["id"]})
    for value in present.keys() - values.keys():
        before = present[value]
        if before["held"] or before["state"] == ResourceState.QUARANTINED:
            difference.problems.append(_problem(wanted, before, "be removed"))
        else:
            difference.gone.append(before["id"])


def _row(row: WantedResource, before: Row | None = None) -> Row:
    """Return the columns the file decides; the state of what is held or rests is not among them."""
    found = {name: getattr(row, name) for name in WantedResource.__slots__ if name != "prefix"}
    if before is None:
        return {**found, "prefix": row.prefix}
    if before["state"] in {ResourceState.ALLOCATED, ResourceState.QUARANTINED}:
        del found["state"], found["used_by"]
    return found


def _means_else(row: WantedResource, before: Row) -> bool:
    marked = row.state != ResourceState.AVAILABLE
    return marked or row.attributes != before["attributes"] or row.scope != before["scope"]


def _problem(wanted: WantedPool, before: Row, what: str) -> Problem:
    why = "a site holds it" if before["held"] else "it is in quarantine"
    return Problem(
        entry=f"pool {wanted.name!r}",
        field=f"values {before['value']}",
        text=f"cannot {what}: {why}",
        fix=_KEPT,
    )


def _write(connection: sa.Connection, difference: _Difference) -> LoadReport:
    if difference.gone:  # first, for a value may move from one pool to another
        connection.execute(sa.delete(resource).where(among(resource.c.id, difference.gone)))
    for row in difference.changed:
        known = row.pop("known")
        connection.execute(sa.update(resource).where(resource.c.id == known).values(row))
    if difference.new:
        connection.execute(sa.insert(resource), difference.new)
    return LoadReport(
        created=len(difference.new),
        changed=len(difference.changed),
        removed=len(difference.gone),
    )
