"""Inventory as a file that loads to the same: what sites hold is in it as what they could hold."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_network, summarize_address_range
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from inventory.counting import range_of
from inventory.kinds import (
    DEFAULT_SCOPE,
    KINDS,
    Network,
    is_prefix,
    kind_of,
    prefix_attributes,
    scope_of,
)
from inventory.states import ResourceState
from inventory.tables import customer, device, network_parameters, pool, resource, site
from inventory.writing import Row, ranges

Content = dict[str, Any]
_OTHERS = "others"
"""Whose an amount is that is not ours to give: inventory keeps the sum only."""
_ENDPOINT = ("host", "port", "username", "secret_name", "host_key", "options")
_MARKS = {ResourceState.USED_ELSEWHERE: "used", ResourceState.RETIRED: "retired"}


def export_content(connection: sa.Connection) -> Content:
    """Return all there is as the content of an inventory file.

    Loaded into an empty database it gives the same file again; loaded over itself it changes
    nothing. Secrets are named in it, never shown.
    """
    pools = _rows(connection, pool, "name")
    new_kinds = sorted({row["kind"] for row in pools} - KINDS.keys())
    network = connection.scalar(sa.select(network_parameters.c.parameters))
    content: Content = {
        "network": network,
        "new_kinds": new_kinds,
        "customers": _rows(connection, customer, "id"),
        "sites": [_without_empty(row) for row in _rows(connection, site, "key")],
        "devices": [_device(row) for row in _rows(connection, device, "name")],
        "pools": list(_pools(connection, pools)),
    }
    return {section: entries for section, entries in content.items() if entries}


def _rows(connection: sa.Connection, table: sa.Table, key: str) -> list[Row]:
    query = sa.select(table).order_by(table.c[key])
    found = connection.execute(query).mappings()
    return [{str(name): value for name, value in row.items()} for row in found]


def _without_empty(row: Mapping[str, Any]) -> Content:
    return {name: value for name, value in row.items() if value not in ({}, [], None, "")}


def _device(row: Row) -> Content:
    endpoint = {name: row.pop(name) for name in _ENDPOINT}
    found = _without_empty(row)
    return found if endpoint["host"] is None else found | {"endpoint": _without_empty(endpoint)}


def _pools(connection: sa.Connection, pools: Sequence[Row]) -> Iterator[Content]:
    query = (
        sa.select(resource)
        .join_from(resource, pool)
        .where(pool.c.mode == "items")
        .order_by(pool.c.name, resource.c.ordinal)
    )
    found = connection.execute(query).mappings()
    members = groupby((dict(row) for row in found), key=lambda row: row["pool_id"])
    of_pools = {pool_id: [*rows] for pool_id, rows in members}
    for row in pools:
        yield _pool(row, of_pools.get(row["id"], []))


def _pool(row: Row, members: Sequence[Row]) -> Content:
    kind = kind_of(row["kind"])
    content: Content = {"name": row["name"], "kind": row["kind"]}
    if row["mode"] != "items":
        content["mode"] = row["mode"]
    if row["shared"] != kind.shared:
        content["shared"] = row["shared"]
    content |= _without_empty(
        {
            "scope": _scope(row, members),
            "attributes": row["attributes"],
            "pattern": row["pattern"],
            "capacity": row["capacity"],
            "watermark": row["watermark"],
        }
    )
    if row["capacity"] == 0:
        content["capacity"] = 0
    if row["watermark"] == 0:
        content["watermark"] = 0
    if row["quarantine_seconds"] != kind.quarantine.total_seconds():
        content["quarantine"] = _duration(row["quarantine_seconds"])
    if row["used_elsewhere"]:
        content["used"] = [{"amount": row["used_elsewhere"], "by": _OTHERS}]
    return content | _members(row["kind"], members)


def _duration(seconds: int) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _scope(row: Row, members: Sequence[Row]) -> str | None:
    """Return the scope that the file has to name, ``None`` where the kind says the same."""
    if not members:
        return None
    stored: str = members[0]["scope"]
    attributes = row["attributes"]
    named = all(name in attributes for name in kind_of(row["kind"]).scope)
    if named and stored == scope_of(row["kind"], row["name"], None, attributes):
        return None
    first = "prefix" if is_prefix(row["kind"]) else row["kind"]
    found = stored.removeprefix(f"{first} ")
    return None if is_prefix(row["kind"]) and found == DEFAULT_SCOPE else found


def _members(kind: str, members: Sequence[Row]) -> Content:
    """Return a pool's entries: plain ones first, and from the first with more on as items."""
    if not members:
        return {}
    made = [_made(kind, row) for row in members]
    own = [
        {name: value for name, value in row["attributes"].items() if known.get(name) != value}
        for row, known in zip(members, made, strict=True)
    ]
    # What all entries have is said once, as the first has it; an item may say it differently.
    common = {
        name: value
        for name, value in own[0].items()
        if all(name in each for each in own) and not any(name in known for known in made)
    }
    rest = [
        {name: value for name, value in each.items() if common.get(name, each) != value}
        for each in own
    ]
    plain = 0
    while plain < len(members) and not rest[plain] and not _reads_as_range(members[plain]):
        plain += 1
    content: Content = {"item_attributes": common} if common else {}
    if plain:
        content |= _plain(kind, members[:plain]) | _earmarks(members[:plain])
    if plain < len(members):
        pairs = zip(members[plain:], rest[plain:], strict=True)
        content["items"] = [_item(row, attributes) for row, attributes in pairs]
    return content | _marks(members)


def _made(kind: str, row: Row) -> Content:
    """Return what the kind makes of an entry's value."""
    if is_prefix(kind):
        return prefix_attributes(kind, ip_network(row["value"]))
    value = row["attributes"].get("value")
    return {"value": value if str(value) == row["value"] else row["value"]}


def _reads_as_range(row: Row) -> bool:
    return range_of(row["value"]) is not None


def _item(row: Row, attributes: Content) -> Content:
    ordered = {name: attributes[name] for name in sorted(attributes)}
    return _without_empty({"value": row["value"], "attributes": ordered, "earmark": row["earmark"]})


def _plain(kind: str, members: Sequence[Row]) -> Content:
    if is_prefix(kind):
        return _prefixes([ip_network(row["value"]) for row in members])
    values: list[int | str] = []
    numbered = groupby(members, key=lambda row: isinstance(row["attributes"].get("value"), int))
    for is_number, rows in numbered:
        texts = [row["value"] for row in rows]
        values += (
            [int(text) if text.isdecimal() else text for text in ranges(texts)]
            if is_number
            else texts
        )
    return {"values": values}


def _prefixes(networks: Sequence[Network]) -> Content:
    """Return prefixes as blocks of one length, where all have one."""
    lengths = {network.prefixlen for network in networks}
    texts = [str(network) for network in networks]
    if len(lengths) > 1 or len({network.version for network in networks}) > 1:
        return {"prefix": texts}
    blocks = [str(block) for block in _blocks(networks)]
    return {"prefix": blocks} | ({"split": lengths.pop()} if len(blocks) < len(texts) else {})


def _blocks(networks: Sequence[Network]) -> Iterator[Network]:
    first = last = networks[0]
    for network in networks[1:]:
        if int(network.network_address) == int(last.broadcast_address) + 1:
            last = network
            continue
        yield from summarize_address_range(first.network_address, last.broadcast_address)
        first = last = network
    yield from summarize_address_range(first.network_address, last.broadcast_address)


def _earmarks(members: Sequence[Row]) -> Content:
    found = _by_mark((row["value"], row["earmark"]) for row in members)
    marks = [{"value": values, "site": name} for name, values in found]
    return {"earmarks": marks} if marks else {}


def _marks(members: Sequence[Row]) -> Content:
    content: Content = {}
    for state, field in _MARKS.items():
        found = _by_mark(
            (row["value"], row["used_by"] if row["state"] == state else None) for row in members
        )
        marks = [{"value": values, "by": name} for name, values in found]
        if marks:
            content[field] = marks
    return content


def _by_mark(pairs: Iterable[tuple[str, str | None]]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for value, name in pairs:
        if name is not None:
            found.setdefault(name, []).append(value)
    return [(name, list(ranges(values))) for name, values in found.items()]
