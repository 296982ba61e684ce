"""A device's data as an immutable tree, so that a datastore is one reference.

Candidate, running and the state before a confirmed commit share whatever they have in common:
discarding, reverting and comparing cost what differs, not what there is.

Children are looked up by name: a leaf is its value, a leaf-list a tuple, a list a mapping of
entries by key. Nothing here is ever changed after it was made.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from lxml import etree

from mock_devices.netconf.schema import (
    Branch,
    ContainerSchema,
    Key,
    LeafListSchema,
    ListSchema,
)


class Container:
    """A container, a list entry or the root."""

    __slots__ = ("children", "element")

    def __init__(self, children: Mapping[str, "Node"] | None = None) -> None:
        self.children: Mapping[str, Node] = children or {}
        self.element: etree._Element | None = None
        """The node written out, kept because most of a device is written again unchanged."""

    def leaf(self, name: str) -> str | None:
        """Return a leaf's value or ``None``."""
        value = self.children.get(name)
        return value if isinstance(value, str) else None

    def members(self, name: str) -> tuple[str, ...]:
        """Return a leaf-list's members."""
        value = self.children.get(name)
        return value if isinstance(value, tuple) else ()

    def container(self, *names: str) -> "Container":
        """Return the container at the end of ``names``, an empty one where there is none."""
        node = self
        for name in names:
            child = node.children.get(name)
            if not isinstance(child, Container):
                return EMPTY
            node = child
        return node

    def entries(self, name: str) -> "Mapping[Key, Container]":
        """Return a list's entries by key."""
        value = self.children.get(name)
        return value if isinstance(value, dict) else {}

    def entry(self, name: str, *key: str) -> "Container | None":
        """Return one list entry or ``None``."""
        return self.entries(name).get(key)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Container) and self.children == other.children

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Container({', '.join(self.children)})"


Entries = dict[Key, Container]
Node = str | tuple[str, ...] | Entries | Container
EMPTY = Container()

_DIGITS = re.compile(r"(\d+)")


@lru_cache(maxsize=200_000)
def system_order(key: Key) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Sort key of list entries and leaf-list members: numbers by value, the rest as text."""
    return tuple(
        tuple(
            (0, int(part), "") if part.isdecimal() else (1, 0, part)
            for part in _DIGITS.split(value)
        )
        for value in key
    )


def set_ordered(members: Mapping[str, None], schema: LeafListSchema) -> tuple[str, ...]:
    """Return leaf-list members in the order the device shows."""
    if schema.user_ordered:
        return tuple(members)
    return tuple(sorted(members, key=lambda member: system_order((member,))))


def merged(schema: Branch, left: Container, right: Container) -> Container:
    """Return both together; where both hold a leaf, ``right``'s."""
    children = dict(left.children)
    for name, theirs in right.children.items():
        ours = children.get(name)
        child = schema.children[name]
        if isinstance(ours, Container) and isinstance(theirs, Container):
            assert isinstance(child, Branch)  # noqa: S101 - narrows for the type checker
            children[name] = merged(child, ours, theirs)
        elif isinstance(ours, dict) and isinstance(theirs, dict):
            assert isinstance(child, ListSchema)  # noqa: S101 - narrows for the type checker
            entries = dict(ours)
            for key, entry in theirs.items():
                entries[key] = merged(child, entries[key], entry) if key in entries else entry
            children[name] = entries
        else:
            children[name] = theirs
    return Container(children)


def iterate(
    schema: Branch, node: Container, keys: tuple[Key, ...] = ()
) -> Iterator[tuple[Branch, Container, tuple[Key, ...]]]:
    """Yield every container and list entry, the given one first."""
    yield schema, node, keys
    for name, child in node.children.items():
        below = schema.children[name]
        if isinstance(below, ContainerSchema) and isinstance(child, Container):
            yield from iterate(below, child, keys)
        elif isinstance(below, ListSchema) and isinstance(child, dict):
            for key, entry in child.items():
                yield from iterate(below, entry, (*keys, key))
