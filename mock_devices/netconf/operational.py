"""Operational state: what the lab's plant lets a device know, shaped as YANG data.

State is given in the manner of RFC 7951 JSON without module names: a mapping of names to text,
to mappings (containers) or to lists of mappings (list entries, with their keys).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from lxml import etree

from mock_devices.netconf.filtering import children_of
from mock_devices.netconf.schema import (
    Branch,
    ContainerSchema,
    LeafListSchema,
    LeafSchema,
    ListSchema,
    Schema,
)
from mock_devices.netconf.tree import Container, Node

StateData = Mapping[str, Any]


class StateRequest:
    """What a client asked for, so that state nobody wants need not be made up."""

    def __init__(self, filters: Sequence[etree._Element] | None) -> None:
        self._filters = filters

    def wants(self, *path: str) -> bool:
        """False when the filter certainly excludes the node at ``path`` (names from the top)."""
        return self._filters is None or _asked(self._filters, path) != []

    def names(self, *path: str, key: str = "name") -> frozenset[str] | None:
        """Return the keys asked for of the list at ``path``; ``None`` when it may be any."""
        if self._filters is None:
            return None
        found = set()
        for element in _asked(self._filters, path):
            if element is None:
                return None
            child = element.find(f"{{*}}{key}")
            if child is None or not (child.text or "").strip():
                return None
            found.add((child.text or "").strip())
        return frozenset(found)


class Operational(Protocol):
    """The hook by which a lab gives a device its state."""

    def state(self, running: Container, request: StateRequest) -> StateData:
        """Return the state for ``running`` as it is now; must be quick and must not block."""


class NoState:
    """A device without state."""

    def state(self, running: Container, request: StateRequest) -> StateData:  # noqa: ARG002 - seam
        """Return nothing."""
        return {}


def state_tree(schema: Schema, state: StateData) -> Container:
    """Return the state as a data tree; ``ValueError`` when the schema has no such node."""
    return _container(schema.root, state)


def _asked(filters: Sequence[etree._Element], path: Sequence[str]) -> list[etree._Element | None]:
    """Return the filter elements at ``path``; ``None`` stands for a whole subtree above it."""
    level: list[etree._Element | None] = [
        element for element in filters if etree.QName(element).localname == path[0]
    ]
    for name in path[1:]:
        below: list[etree._Element | None] = []
        for element in level:
            children = [] if element is None else children_of(element)
            containing = [
                child for child in children if not (child.text or "").strip() or len(child)
            ]
            if not containing:
                below.append(None)
            below += [child for child in containing if etree.QName(child).localname == name]
        level = below
    return level


def _container(schema: Branch, state: StateData) -> Container:
    children: dict[str, Node] = {}
    for name, value in state.items():
        below = schema.children.get(name)
        if below is None:
            raise ValueError(f"{schema.name} has no state {name}")
        if isinstance(below, ListSchema):
            entries = [_container(below, entry) for entry in value]
            children[name] = {
                tuple(entry.leaf(key) or "" for key in below.keys): entry for entry in entries
            }
        elif isinstance(below, ContainerSchema):
            children[name] = _container(below, value)
        elif isinstance(below, LeafListSchema):
            children[name] = tuple(value)
        elif isinstance(below, LeafSchema):
            children[name] = str(value)
    return Container(children)
