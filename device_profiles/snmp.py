"""MIB objects to canonical trees and back (RFC 2578, RFC 2579).

A row that SNMP can create is an entry of the tree, made by RowStatus createAndGo(4) and removed by
destroy(6) in the same SET as its columns. A row that is simply there, such as an interface, is no
entry: only its columns are paths. The empty string counts as absent, since an octet string
cannot be removed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from device_profiles.errors import ProfileError
from device_profiles.models import MibObject, MibTable, Syntax
from device_profiles.profile import Profile
from device_profiles.steps import parse_step
from device_profiles.tree import PRESENT, Edit, Path, path_text

CREATE_AND_GO, DESTROY = 4, 6
SnmpValue = str | int | bytes


@dataclass(frozen=True, slots=True)
class Varbind:
    """One variable binding; ``value`` is bytes for octets, text for OIDs, else a number."""

    oid: str
    syntax: Syntax
    value: SnmpValue


def oids(profile: Profile, scope: Collection[Path]) -> dict[str, Path]:
    """Return the instances to GET for the paths in ``scope``, each with the path it answers.

    A path to a row asks for all its columns and, where rows can be created, its RowStatus.
    """
    found: dict[str, Path] = {}
    for path in scope:
        table, suffix = _row(profile, path)
        names = [path[1]] if len(path) > 1 else list(table.columns)
        for name in names:
            found[_column(table, path, name).oid + suffix] = (path[0], name)
        if table.row_status and len(path) == 1:
            found[table.row_status + suffix] = (path[0],)
    return found


def decode(
    profile: Profile, scope: Collection[Path], values: Mapping[str, SnmpValue | None]
) -> dict[Path, str]:
    """Return the tree of what a GET of ``oids(profile, scope)`` brought.

    ``None`` and the empty string mean that there is no such instance.
    """
    tree: dict[Path, str] = {}
    for oid, path in oids(profile, scope).items():
        value = values.get(oid)
        if value is None or value in ("", b""):
            continue
        if len(path) == 1:
            tree[path] = PRESENT
            continue
        table, _ = _row(profile, path)
        tree[path] = _text(table.columns[path[1]].syntax, value)
    return tree


def varbinds(profile: Profile, edits: Collection[Edit]) -> list[tuple[Varbind, ...]]:
    """Return one SET per row that makes ``edits``; a SET of several variables is atomic."""
    grouped: dict[str, list[Edit]] = {}
    for edit in sorted(edits, key=lambda edit: edit.path):
        grouped.setdefault(edit.path[0], []).append(edit)
    return [_set(profile, group) for group in grouped.values()]


def _set(profile: Profile, edits: list[Edit]) -> tuple[Varbind, ...]:
    table, suffix = _row(profile, edits[0].path)
    row = next((edit for edit in edits if len(edit.path) == 1), None)
    if row is not None and row.after is None:
        return (Varbind(table.row_status + suffix, "integer", DESTROY),)
    bindings = []
    for edit in edits:
        if len(edit.path) > 1:
            column = _column(table, edit.path, edit.path[1])
            value = _value(column.syntax, edit.after, edit.path)
            bindings.append(Varbind(column.oid + suffix, column.syntax, value))
    if row is not None:
        bindings.append(Varbind(table.row_status + suffix, "integer", CREATE_AND_GO))
    return tuple(bindings)


def label(profile: Profile, oid: str) -> str:
    """Return an instance as people write it, ``ifAlias.1``; the OID itself when unknown."""
    for table, model in _tables(profile).items():
        known = {column.oid: name for name, column in model.columns.items()}
        if model.row_status:
            known[model.row_status] = f"{table.removesuffix('Entry')}RowStatus"
        for prefix, name in known.items():
            if oid.startswith(f"{prefix}."):
                return name + oid.removeprefix(prefix)
    return oid


def _tables(profile: Profile) -> Mapping[str, MibTable]:
    if profile.snmp is None:
        raise ProfileError(f"profile {profile.name} has no MIB objects")
    return profile.snmp.tables


def _row(profile: Profile, path: Path) -> tuple[MibTable, str]:
    step = parse_step(path[0])
    tables = _tables(profile)
    if step.name not in tables:
        raise ProfileError(f"{path_text(path)}: profile {profile.name} has no such table")
    table = tables[step.name]
    if [key for key, _ in step.keys] != list(table.index):
        raise ProfileError(f"{path_text(path)}: index must be {', '.join(table.index) or 'none'}")
    if not step.keys:
        return table, ".0"
    parts = []
    for name, text in step.keys:
        if table.index[name] == "integer":
            parts.append(text)
        else:
            parts += [str(octet) for octet in text.encode()]
    return table, "".join(f".{part}" for part in parts)


def _column(table: MibTable, path: Path, name: str) -> MibObject:
    if name not in table.columns:
        raise ProfileError(f"{path_text(path)}: no such object")
    return table.columns[name]


def _value(syntax: Syntax, text: str | None, path: Path) -> SnmpValue:
    if text is None:
        if syntax != "octets":
            raise ProfileError(f"{path_text(path)}: only octet strings can be emptied")
        return b""
    match syntax:
        case "integer":
            return int(text)
        case "oid":
            return text
        case "transport-address":
            address, _, port = text.partition(":")
            return IPv4Address(address).packed + int(port).to_bytes(2, "big")
        case "octets":
            return text.encode()


def _text(syntax: Syntax, value: SnmpValue) -> str:
    if syntax == "transport-address" and isinstance(value, bytes) and len(value) == 6:
        return f"{IPv4Address(value[:4])}:{int.from_bytes(value[4:], 'big')}"
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(value)
