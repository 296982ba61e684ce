"""The common part of loading: what changed, what is refused, rows written only if they differ."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.dialects.postgresql import insert

from inventory.problems import Problem

Row = dict[str, Any]


class LoadReport(BaseModel):
    """How many entries a load created, changed and removed; all 0 when nothing was new."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    created: int = 0
    changed: int = 0
    removed: int = 0

    def __add__(self, other: "LoadReport") -> "LoadReport":
        return LoadReport(
            created=self.created + other.created,
            changed=self.changed + other.changed,
            removed=self.removed + other.removed,
        )


class RefusedError(Exception):
    """What the database's content forbids to change; becomes an ``InventoryFileError``."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, problems)))


def refuse(problems: Sequence[Problem]) -> None:
    """Raise ``RefusedError`` if there is any problem."""
    if problems:
        raise RefusedError(problems)


def among(column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
    """Compare with any of many values as one array: a statement has 65,535 parameters at most."""
    return column == sa.any_(sa.literal(list(values), sa.ARRAY(column.type)))


def upsert_rows(
    connection: sa.Connection, table: sa.Table, key: str, rows: Sequence[Row]
) -> LoadReport:
    """Insert new rows and update those that differ in a given column, leaving other columns."""
    column = table.c[key]
    found = connection.execute(sa.select(table).where(among(column, [row[key] for row in rows])))
    present = {row[key]: row for row in found.mappings()}
    created = changed = 0
    for row in rows:
        before = present.get(row[key])
        if before is None:
            created += 1
        elif any(before[name] != value for name, value in row.items()):
            changed += 1
        else:
            continue
        statement = insert(table).values(row)
        connection.execute(statement.on_conflict_do_update(index_elements=[key], set_=row))
    return LoadReport(created=created, changed=changed)
