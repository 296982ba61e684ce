"""Rows of FreeRADIUS' rlm_sql tables to canonical trees and back.

The tables have no unique key of their own; the profile names the columns that tell rows apart.
Where somebody else has put another row of the same key, it is read as something below ours, which
it is not: rows are changed and removed by all that is known of them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from device_profiles.errors import ProfileError
from device_profiles.models import RadiusModel, Table
from device_profiles.profile import Profile
from device_profiles.steps import format_step, parse_step
from device_profiles.tree import DIGEST_PREFIX, PRESENT, Edit, Path, in_scope

Cell = str | int
_ROW = "row"
"""What somebody else's row of the same key is called below the entry."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row to insert, update or delete.

    ``key`` tells it apart, ``values`` are new cells, ``was`` are those it has: another row of the
    same key is not meant.
    """

    operation: Literal["insert", "update", "delete"]
    table: str
    key: Mapping[str, Cell]
    values: Mapping[str, Cell]
    was: Mapping[str, Cell] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows to read: those of ``table`` whose columns equal ``key``."""

    table: str
    key: Mapping[str, Cell]


def radius_model(profile: Profile) -> RadiusModel:
    """Return the profile's tables. Raises ProfileError when it has none."""
    if profile.radius is None:
        raise ProfileError(f"profile {profile.name} has no tables")
    return profile.radius


def decode(
    profile: Profile,
    rows: Iterable[tuple[str, Mapping[str, Cell]]],
    scope: Collection[Path] = ((),),
    gone: Collection[str] = (),
) -> dict[Path, str]:
    """Return the tree of (table, row) pairs, reduced to ``scope`` and the entries it lies in.

    The first of several rows of one key is its entry, the others lie below it; so do all rows of
    the entries in ``gone``, which have just been removed. Raises ProfileError for a table the
    profile does not know.
    """
    tree: dict[Path, str] = {}
    for name, row in rows:
        table = _table(profile, name)
        entry = (format_step(name, [(key, str(row[key])) for key in table.keys]),)
        cells = [(column, str(row[column])) for column in table.columns]
        if entry in tree or entry[0] in gone or _is_beside(table, cells):
            tree[*entry, format_step(_ROW, cells)] = PRESENT
            continue
        tree[entry] = PRESENT
        tree |= {(*entry, column): cell for column, cell in cells}
    return in_scope(tree, scope)


def _is_beside(table: Table, cells: Iterable[tuple[str, str]]) -> bool:
    return any(cell in table.beside.get(column, ()) for column, cell in cells)


def filters(profile: Profile, scope: Collection[Path]) -> tuple[RowFilter, ...]:
    """Return which rows hold the paths in ``scope``."""
    found = {}
    for path in scope:
        step = parse_step(path[0])
        table = _table(profile, step.name)
        found[path[0]] = RowFilter(step.name, _cells(table, dict(step.keys)))
    return tuple(found[step] for step in sorted(found))


def changes(profile: Profile, edits: Collection[Edit]) -> tuple[RowChange, ...]:
    """Return the row changes that make ``edits``: deletions first, then updates and inserts."""
    grouped: dict[str, list[Edit]] = {}
    for edit in sorted(edits, key=lambda edit: edit.path):
        grouped.setdefault(edit.path[0], []).append(edit)
    made = [_change(profile, step, group) for step, group in grouped.items()]
    return tuple(sorted(made, key=lambda change: change.operation))


def _change(profile: Profile, entry: str, edits: Collection[Edit]) -> RowChange:
    step = parse_step(entry)
    table = _table(profile, step.name)
    key = _cells(table, dict(step.keys))
    whole = next((edit for edit in edits if len(edit.path) == 1), None)
    was = _cells(table, {edit.path[1]: edit.before for edit in edits if _tells(edit)})
    if whole is not None and whole.after is None:
        return RowChange("delete", step.name, key, {}, was)
    cells = {edit.path[1]: edit.after for edit in edits if len(edit.path) == 2}
    if any(parse_step(name).name == _ROW for name in cells) or _is_beside(
        table, [(name, value or "") for name, value in cells.items()]
    ):
        raise ProfileError(f"/{entry}: a row that stands beside others is somebody else's")
    values = _cells(table, {name: value for name, value in cells.items() if value is not None})
    if len(values) != len(cells) or (whole is not None and set(values) != set(table.columns)):
        raise ProfileError(f"/{entry}: a row has all its columns: {', '.join(table.columns)}")
    return RowChange("update" if whole is None else "insert", step.name, key, values, was)


def _tells(edit: Edit) -> bool:
    """Tell whether an edit says what a cell of the row holds; of a secret nobody knows it."""
    known = edit.before is not None and not edit.before.startswith(DIGEST_PREFIX)
    return len(edit.path) == 2 and known and parse_step(edit.path[1]).name != _ROW


def _table(profile: Profile, name: str) -> Table:
    tables = radius_model(profile).tables
    if name not in tables:
        raise ProfileError(f"profile {profile.name} has no table {name}")
    return tables[name]


def _cells(table: Table, texts: Mapping[str, str | None]) -> dict[str, Cell]:
    known = {name: text for name, text in texts.items() if text is not None}
    return {name: int(text) if name in table.integers else text for name, text in known.items()}
