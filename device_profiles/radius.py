"""Rows of FreeRADIUS' rlm_sql tables to canonical trees and back.

The tables have no unique key of their own; the profile names the columns that tell rows apart.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from device_profiles.errors import ProfileError
from device_profiles.models import RadiusModel, Table
from device_profiles.profile import Profile
from device_profiles.steps import format_step, parse_step
from device_profiles.tree import PRESENT, Edit, Path, in_scope, path_text

Cell = str | int


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row to insert, update or delete; ``key`` tells it apart, ``values`` are new cells."""

    operation: Literal["insert", "update", "delete"]
    table: str
    key: Mapping[str, Cell]
    values: Mapping[str, Cell]


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
) -> dict[Path, str]:
    """Return the tree of (table, row) pairs, reduced to ``scope`` and the entries it lies in.

    Raises ProfileError for a table the profile does not know and for two rows with the same key.
    """
    tree: dict[Path, str] = {}
    for name, row in rows:
        table = _table(profile, name)
        entry = (format_step(name, [(key, str(row[key])) for key in table.keys]),)
        if entry in tree:
            raise ProfileError(f"{path_text(entry)}: two rows with the same key")
        tree[entry] = PRESENT
        for column in table.columns:
            tree[*entry, column] = str(row[column])
    return in_scope(tree, scope)


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
    if whole is not None and whole.after is None:
        return RowChange("delete", step.name, key, {})
    cells = {edit.path[1]: edit.after for edit in edits if len(edit.path) == 2}
    values = _cells(table, {name: value for name, value in cells.items() if value is not None})
    if len(values) != len(cells) or (whole is not None and set(values) != set(table.columns)):
        raise ProfileError(f"/{entry}: a row has all its columns: {', '.join(table.columns)}")
    return RowChange("update" if whole is None else "insert", step.name, key, values)


def _table(profile: Profile, name: str) -> Table:
    tables = radius_model(profile).tables
    if name not in tables:
        raise ProfileError(f"profile {profile.name} has no table {name}")
    return tables[name]


def _cells(table: Table, texts: Mapping[str, str]) -> dict[str, Cell]:
    return {name: int(text) if name in table.integers else text for name, text in texts.items()}
