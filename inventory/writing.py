"""The common part of loading: what differs from what there is, and writing only that."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.dialects.postgresql import insert

from device_profiles.words import Word
from inventory.problems import Problem

Row = dict[str, Any]


class ChangeOfEntry(Word):
    """What a load does to an entry."""

    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"


class EntryChange(BaseModel):
    """One entry that a load creates, changes or removes.

    ``fields`` has what a changed one was and becomes; of a pool's own entries ``section`` is the
    pool and ``name`` the values, consecutive ones as a range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    section: str
    name: str
    change: ChangeOfEntry
    fields: Mapping[str, Mapping[str, Any]] = Field(default_factory=dict)


class LoadReport(BaseModel):
    """How many entries a load created, changed and removed; all 0 when nothing was new.

    ``replanned`` has the sites whose services were planned anew because a change was asked for,
    each with the devices that get something else.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    created: int = 0
    changed: int = 0
    removed: int = 0
    replanned: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)

    def __add__(self, other: "LoadReport") -> "LoadReport":
        return LoadReport(
            created=self.created + other.created,
            changed=self.changed + other.changed,
            removed=self.removed + other.removed,
            replanned={**self.replanned, **other.replanned},
        )


class LoadPreview(LoadReport):
    """What a load would do; nothing was written."""

    changes: tuple[EntryChange, ...] = ()


class RefusedError(Exception):
    """What the database's content forbids to change; becomes an ``InventoryFileError``."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(map(str, problems)))


@dataclass(frozen=True)
class Rows:
    """The rows of one table that a file makes anew or changes, with what they were."""

    section: str
    table: sa.Table
    key: str
    created: Sequence[Row] = ()
    changed: Sequence[tuple[Row, Row]] = ()

    def report(self) -> LoadReport:
        """Return the counts."""
        return LoadReport(created=len(self.created), changed=len(self.changed))

    def changes(self) -> list[EntryChange]:
        """Return what becomes of each entry."""
        new = [self._change(row, ChangeOfEntry.CREATED) for row in self.created]
        return new + [
            self._change(row, ChangeOfEntry.CHANGED, before) for before, row in self.changed
        ]

    def _change(self, row: Row, change: ChangeOfEntry, before: Row | None = None) -> EntryChange:
        fields = {} if before is None else differing(before, row)
        if self.section == "network" and fields:  # its one column has the members
            fields = differing(*fields["parameters"].values())
        name = self.section if self.section == "network" else str(row[self.key])
        return EntryChange(section=self.section, name=name, change=change, fields=fields)

    def write(self, connection: sa.Connection) -> None:
        """Write the rows, leaving columns that they do not name."""
        for row in (*self.created, *(after for _, after in self.changed)):
            statement = insert(self.table).values(row)
            connection.execute(statement.on_conflict_do_update(index_elements=[self.key], set_=row))


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return by name what differs, as it was and as it becomes."""
    return {
        name: {"before": before.get(name), "after": after.get(name)}
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }


def among(column: sa.ColumnElement[Any], values: Collection[Any]) -> sa.ColumnElement[bool]:
    """Compare with any of many values as one array: a statement has 65,535 parameters at most."""
    return column == sa.any_(sa.literal(list(values), sa.ARRAY(column.type)))


def compared(
    connection: sa.Connection, section: str, table: sa.Table, key: str, rows: Sequence[Row]
) -> Rows:
    """Return which rows are new or differ from the table's in a column that they name."""
    column = table.c[key]
    found = connection.execute(sa.select(table).where(among(column, [row[key] for row in rows])))
    present = {row[key]: dict(row) for row in found.mappings()}
    created = [row for row in rows if row[key] not in present]
    changed = [
        ({name: present[row[key]][name] for name in row}, row)
        for row in rows
        if row[key] in present
        and any(present[row[key]][name] != value for name, value in row.items())
    ]
    return Rows(section, table, key, created, changed)


def ranges(values: Iterable[str]) -> Iterator[str]:
    """Yield texts as they come, consecutive whole numbers as one range."""
    first = last = None
    for text in values:
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else None
        if number is not None and last is not None and number == last + 1:
            last = number
            continue
        if first is not None:
            yield str(first) if first == last else f"{first}-{last}"
        first = last = number
        if number is None:
            yield text
    if first is not None:
        yield str(first) if first == last else f"{first}-{last}"
