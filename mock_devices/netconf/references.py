"""leafrefs and device-wide unique leaves, kept as counts so that a change costs what it changes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from mock_devices.netconf.changes import Changes, LeafChange
from mock_devices.netconf.errors import RpcError
from mock_devices.netconf.lookup import Lookup, plain_element
from mock_devices.netconf.schema import (
    Instance,
    Key,
    LeafSchema,
    Schema,
)
from mock_devices.netconf.tree import Container, iterate

Slot = tuple[LeafSchema, tuple[Key, ...], str]
"""A value of a referred leaf, within the list entries that both sides must share."""


@dataclass(slots=True)
class Counts:
    """How often each referred value exists, and how often it is referred to."""

    targets: Counter[Slot] = field(default_factory=Counter)
    referrers: Counter[Slot] = field(default_factory=Counter)

    def add(self, changes: Changes) -> None:
        """Count the changed leaves in."""
        for change in changes.leaves:
            self._leaf(change.schema, change.keys, change.before, -1)
            self._leaf(change.schema, change.keys, change.after, 1)

    def _leaf(
        self, leaf: LeafSchema, keys: tuple[Key, ...], value: str | None, number: int
    ) -> None:
        if value is None:
            return
        for depth in leaf.target_depths:
            _count(self.targets, (leaf, keys[:depth], value), number)
        slot = _slot_of(leaf, keys, value)
        if slot is not None:
            _count(self.referrers, slot, number)


def _count(counter: Counter[Slot], slot: Slot, number: int) -> None:
    counter[slot] += number
    if not counter[slot]:
        del counter[slot]


def broken_references(
    schema: Schema, known: Counts, changes: Changes, state: Container, lookup: Lookup
) -> Iterator[RpcError]:
    """Yield a refusal per dangling, doubly used or unfit reference that ``changes`` bring."""
    delta = Counts()
    delta.add(changes)
    for slot in sorted(delta.targets.keys() | delta.referrers.keys(), key=lambda slot: slot[1:]):
        wanted = known.referrers[slot] + delta.referrers[slot]
        there = known.targets[slot] + delta.targets[slot]
        if wanted > 0 and there <= 0:
            yield _dangling(schema, slot, changes, state)
        if slot[0].unique and there > 1 and delta.targets[slot] > 0:
            yield _taken(schema, slot, changes)
    for change in changes.leaves:
        yield from _unfit(schema, change, lookup)


def _dangling(schema: Schema, slot: Slot, changes: Changes, state: Container) -> RpcError:
    changed = (
        Instance(change.schema, change.keys)
        for change in changes.leaves
        if change.after == slot[2] and _slot_of(change.schema, change.keys, slot[2]) == slot
    )
    where = next(changed, None) or _referrer(schema, state, slot)
    parent = slot[0].parent
    reason = f"instance required: there is no {parent.name if parent else ''} '{slot[2]}'"
    return RpcError(
        "data-missing",
        schema.message("instance-required", where, reason),
        app_tag="instance-required",
        where=where,
    )


def _taken(schema: Schema, slot: Slot, changes: Changes) -> RpcError:
    where = next(
        Instance(change.schema, change.keys)
        for change in changes.leaves
        if change.schema is slot[0] and change.after == slot[2]
    )
    reason = f"{slot[0].name} '{slot[2]}' is used already"
    return RpcError(
        "operation-failed",
        schema.message("data-not-unique", where, reason),
        app_tag="data-not-unique",
        where=where,
    )


def _unfit(schema: Schema, change: LeafChange, lookup: Lookup) -> Iterator[RpcError]:
    """Refuse a reference to an entry of the wrong kind, such as a v-ani where a UNI is due."""
    reference = change.schema.reference
    if reference is None or reference.requires is None or change.after is None:
        return
    entry = lookup.entry(reference.target, change.after)
    parent = reference.target.parent
    if entry is None or parent is None or reference.requires(plain_element(parent, entry)):
        return
    where = Instance(change.schema, change.keys)
    reason = f"'{change.after}' does not fulfil {reference.requires_text}"
    yield RpcError(
        "operation-failed",
        schema.message("must-violation", where, reason),
        app_tag="must-violation",
        where=where,
    )


def _slot_of(leaf: LeafSchema, keys: tuple[Key, ...], value: str) -> Slot | None:
    if leaf.reference is None:
        return None
    return (leaf.reference.target, keys[: leaf.reference.shared], value)


def _referrer(schema: Schema, state: Container, slot: Slot) -> Instance | None:
    """Return the first leaf that refers to what is missing; only looked for in order to refuse."""
    for branch, node, keys in iterate(schema.root, state):
        for name, value in node.children.items():
            leaf = branch.children[name]
            if not isinstance(leaf, LeafSchema) or _slot_of(leaf, keys, slot[2]) != slot:
                continue
            if value == slot[2] or (isinstance(value, tuple) and slot[2] in value):
                return Instance(leaf, keys)
    return None
