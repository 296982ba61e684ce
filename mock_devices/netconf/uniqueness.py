"""``unique`` rules of lists, also over values reached by following leafrefs.

The whole list is read at each validation: what a followed reference leads to may change without
the entry changing, and a list of some thousand entries is read in milliseconds.
"""

from collections.abc import Iterator

from mock_devices.netconf.errors import RpcError
from mock_devices.netconf.lookup import Lookup, leaf_at
from mock_devices.netconf.schema import Branch, Instance, Key, ListSchema, Schema, Unique
from mock_devices.netconf.tree import Container, Entries

Resolved = tuple[tuple[tuple[str, ...], Branch], ...]


def doubles(schema: Schema, lists: list[ListSchema], lookup: Lookup) -> Iterator[RpcError]:
    """Yield a refusal per entry that agrees with an earlier one in what must be unique."""
    for node in lists:
        for keys, entries in lookup.lists(node):
            for rule in node.uniques:
                yield from _doubles(schema, node, rule, keys, entries, lookup)


def _doubles(
    schema: Schema,
    node: ListSchema,
    rule: Unique,
    keys: tuple[Key, ...],
    entries: Entries,
    lookup: Lookup,
) -> Iterator[RpcError]:
    seen: dict[tuple[str, ...], Key] = {}
    for key, entry in entries.items():
        values = _values(node, rule, entry, lookup)
        if values is None:
            continue
        if values in seen:
            where = Instance(node, (*keys, key))
            reason = (
                f"{' '.join(values)} of '{' '.join(key)}' is used by '{' '.join(seen[values])}'"
            )
            yield RpcError(
                "operation-failed",
                schema.message("data-not-unique", where, reason),
                app_tag="data-not-unique",
                where=where,
            )
        seen[values] = key


def _values(
    node: ListSchema, rule: Unique, entry: Container, lookup: Lookup
) -> tuple[str, ...] | None:
    values = []
    for steps in rule.values:
        value = _followed(node, entry, steps, lookup)
        if value is None:
            return None
        values.append(value)
    return tuple(values)


def _followed(
    schema: Branch, entry: Container, steps: tuple[tuple[str, ...], ...], lookup: Lookup
) -> str | None:
    node: Container | None = entry
    for step in steps[:-1]:
        value = node.container(*step[:-1]).leaf(step[-1]) if node else None
        reference = leaf_at(schema, step).reference
        if value is None or reference is None or reference.target.parent is None:
            return None
        schema = reference.target.parent
        node = lookup.entry(reference.target, value)
    return node.container(*steps[-1][:-1]).leaf(steps[-1][-1]) if node else None
