"""What edits look like in the device's own words, for people to read; never sent."""

import json
import re
from collections.abc import Collection, Iterator

from lxml import etree

from device_profiles import cli, data, radius, snmp, yang
from device_profiles.profile import Profile
from device_profiles.tree import SECRET_PREFIX, Edit, path_text

_MASKED_IN_XML = re.compile(r"&lt;(secret(?: [^&<>]*)?)&gt;")
_SPACE = "  "


def native(profile: Profile, edits: Collection[Edit]) -> str:
    """Return ``edits`` as the device will see them, every secret masked as ``<secret name>``.

    No edits give the empty text.
    """
    if not edits:
        return ""
    shown = [_masked(profile, edit) for edit in edits]
    if profile.yang is not None:
        return _xml(profile, shown)
    if profile.cli is not None:
        return "\n".join(_indented(cli.encode_lines(profile, shown))) + "\n"
    if profile.radius is not None:
        return "\n".join(map(_statement, radius.changes(profile, shown))) + "\n"
    if profile.snmp is not None:
        return "\n".join(_sets(profile, shown)) + "\n"
    return _json(profile, shown)


def _masked(profile: Profile, edit: Edit) -> Edit:
    if not profile.is_secret(edit.path):
        return edit
    return Edit(edit.path, _mask(edit.before), _mask(edit.after))


def _mask(value: str | None) -> str | None:
    if not value:
        return value
    if value.startswith(SECRET_PREFIX):
        return f"<secret {value.removeprefix(SECRET_PREFIX)}>"
    return "<secret>"


def _xml(profile: Profile, edits: Collection[Edit]) -> str:
    element = yang.encode_edit(profile, edits)
    etree.indent(element, _SPACE)
    text = etree.tostring(element, encoding="unicode") + "\n"
    return _MASKED_IN_XML.sub(r"<\1>", text)


def _indented(lines: Collection[tuple[str, ...]]) -> Iterator[str]:
    """Yield lines with their sections entered where they change."""
    entered: tuple[str, ...] = ()
    for line in lines:
        for depth, step in enumerate(line):
            if depth == len(line) - 1 or line[: depth + 1] != entered[: depth + 1]:
                yield " " * depth + step
        entered = line


def _statement(change: radius.RowChange) -> str:
    """Return the change as a statement to read; the adapter binds parameters instead."""
    where = " AND ".join(f"{name}={_sql(cell)}" for name, cell in change.key.items())
    if change.operation == "delete":
        return " ".join(["DELETE FROM", change.table, "WHERE", where]) + ";"
    if change.operation == "update":
        cells = ", ".join(f"{name}={_sql(cell)}" for name, cell in change.values.items())
        return " ".join(["UPDATE", change.table, "SET", cells, "WHERE", where]) + ";"
    row = {**change.key, **change.values}
    names, cells = ", ".join(row), ", ".join(map(_sql, row.values()))
    return " ".join(["INSERT INTO", change.table, f"({names})", f"VALUES ({cells})"]) + ";"


def _sql(cell: radius.Cell) -> str:
    return str(cell) if isinstance(cell, int) else "'" + cell.replace("'", "''") + "'"


def _sets(profile: Profile, edits: Collection[Edit]) -> Iterator[str]:
    for bindings in snmp.varbinds(profile, edits):
        words = []
        for binding in bindings:
            value = binding.value
            text = value.hex(" ") if isinstance(value, bytes) and not _printable(value) else value
            shown = text.decode() if isinstance(text, bytes) else str(text)
            name = snmp.label(profile, binding.oid)
            words.append(f"{name} {binding.syntax} {json.dumps(shown, ensure_ascii=False)}")
        yield " \\\n  ".join(["snmpset", *words])


def _printable(value: bytes) -> bool:
    try:
        return value.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _json(profile: Profile, edits: Collection[Edit]) -> str:
    """Show what is set as the objects it makes, and what is removed by path."""
    removed = [path_text(edit.path) for edit in edits if edit.after is None]
    kept = [edit for edit in edits if edit.after is not None]
    lines = [f"remove {path}" for path in removed]
    if kept:
        document = data.patch(profile, {}, kept)
        lines.append(json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True))
    return "\n".join(lines) + "\n"
