"""What differs between two states of a device, found without looking at what they share."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from mock_devices.netconf.schema import (
    Branch,
    ContainerSchema,
    Key,
    LeafSchema,
    ListSchema,
)
from mock_devices.netconf.tree import EMPTY, Container, Node


@dataclass(slots=True)
class LeafChange:
    """A leaf, or one member of a leaf-list, that came, went or changed."""

    schema: LeafSchema
    keys: tuple[Key, ...]
    before: str | None
    after: str | None


@dataclass(slots=True)
class Changes:
    """Everything between two states."""

    leaves: list[LeafChange] = field(default_factory=list)
    branches: list[tuple[Branch, tuple[Key, ...], Container]] = field(default_factory=list)
    """Containers and entries of the later state whose content differs."""


def changes_between(schema: Branch, before: Container, after: Container) -> Changes:
    """Return all differences; identical parts are recognised by being the same object."""
    result = Changes()
    _walk(result, schema, before, after, ())
    return result


def _walk(
    result: Changes,
    schema: Branch,
    before: Container,
    after: Container,
    keys: tuple[Key, ...],
) -> None:
    if before is after:
        return
    if after is not EMPTY or schema.parent is None:
        result.branches.append((schema, keys, after))
    for name in before.children.keys() | after.children.keys():
        below = schema.children[name]
        old, new = before.children.get(name), after.children.get(name)
        if old is new:
            continue
        if isinstance(below, LeafSchema):
            result.leaves += _leaf_changes(below, keys, old, new)
        elif isinstance(below, ContainerSchema):
            _step(result, below, _container(old), _container(new), keys)
        elif isinstance(below, ListSchema):
            _walk_list(result, below, _entries(old), _entries(new), keys)


def _walk_list(
    result: Changes,
    schema: ListSchema,
    before: dict[Key, Container],
    after: dict[Key, Container],
    keys: tuple[Key, ...],
) -> None:
    for key, old in before.items():
        new = after.get(key)
        if new is not old:
            _step(result, schema, old, new, (*keys, key))
    for key, new in after.items():
        if key not in before:
            _step(result, schema, None, new, (*keys, key))


def _step(
    result: Changes,
    schema: Branch,
    before: Container | None,
    after: Container | None,
    keys: tuple[Key, ...],
) -> None:
    _walk(result, schema, before or EMPTY, after or EMPTY, keys)


def _leaf_changes(
    schema: LeafSchema, keys: tuple[Key, ...], old: Node | None, new: Node | None
) -> Iterator[LeafChange]:
    if isinstance(old, tuple) or isinstance(new, tuple):
        was = old if isinstance(old, tuple) else ()
        now = new if isinstance(new, tuple) else ()
        for member in set(was) - set(now):
            yield LeafChange(schema, keys, member, None)
        for member in set(now) - set(was):
            yield LeafChange(schema, keys, None, member)
    elif old != new:
        yield LeafChange(
            schema,
            keys,
            old if isinstance(old, str) else None,
            new if isinstance(new, str) else None,
        )


def _container(node: Node | None) -> Container | None:
    return node if isinstance(node, Container) else None


def _entries(node: Node | None) -> dict[Key, Container]:
    return node if isinstance(node, dict) else {}
