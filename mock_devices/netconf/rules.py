"""Mandatory nodes, ``when`` and ``must`` of the containers and entries that changed."""

from collections.abc import Iterator

from lxml import etree

from mock_devices.netconf.changes import Changes
from mock_devices.netconf.defaults import with_defaults
from mock_devices.netconf.errors import RpcError
from mock_devices.netconf.lookup import plain_element
from mock_devices.netconf.schema import (
    Branch,
    ContainerSchema,
    Instance,
    Key,
    LeafSchema,
    Schema,
    SchemaNode,
)
from mock_devices.netconf.tree import EMPTY, Container, Node


def broken_rules(schema: Schema, changes: Changes) -> Iterator[RpcError]:
    """Yield a refusal per rule that a changed node breaks."""
    for node, keys, data in changes.branches:
        if not _has_rules(node):
            continue
        element = _element(node, data)
        yield from _missing(schema, node, data, element, keys)
        yield from _misplaced(schema, node, data, element, keys)
        for must in node.musts:
            if not must.expression(element):
                where = Instance(node, keys)
                reason = must.message or f"must be true: {must.text}"
                message = schema.message("must-violation", where, reason)
                yield RpcError("operation-failed", message, app_tag=must.app_tag, where=where)


def _element(node: Branch, data: Container) -> etree._Element:
    """Return what rules may read: everything below for ``must``, the leaves for ``when``."""
    if node.musts:
        return plain_element(node, with_defaults(node, data))
    leaves: dict[str, Node] = {
        name: value for name, value in data.children.items() if isinstance(value, str | tuple)
    }
    for name, below in node.children.items():
        if isinstance(below, LeafSchema) and below.default is not None and name not in leaves:
            leaves[name] = below.default
    return plain_element(node, Container(leaves))


def _has_rules(schema: Branch) -> bool:
    return bool(schema.musts) or any(
        child.when is not None
        or isinstance(child, ContainerSchema)
        or (isinstance(child, LeafSchema) and child.mandatory)
        for child in schema.children.values()
    )


def _missing(
    schema: Schema,
    node: Branch,
    data: Container,
    element: etree._Element,
    keys: tuple[Key, ...],
) -> Iterator[RpcError]:
    for below in node.children.values():
        if below.name in data.children or not _due(node, data, below, element):
            continue
        if isinstance(below, LeafSchema) and below.mandatory:
            where = Instance(below, keys)
            reason = f"mandatory {below.name} is missing"
            message = schema.message("missing-element", where, reason)
            info = {"bad-element": below.name}
            yield RpcError("missing-element", message, where=where, info=info)
        elif isinstance(below, ContainerSchema) and not below.presence:
            # A container without presence is always there, and so is what it demands.
            yield from _missing(schema, below, EMPTY, etree.Element(below.name), keys)


def _due(node: Branch, data: Container, below: SchemaNode, element: etree._Element) -> bool:
    """True when the absent node could be demanded here: configurable, its case and when hold."""
    if not below.config:
        return False
    if below.case and all(node.children[name].case != below.case for name in data.children):
        return False
    return below.when is None or bool(below.when(element))


def _misplaced(
    schema: Schema,
    node: Branch,
    data: Container,
    element: etree._Element,
    keys: tuple[Key, ...],
) -> Iterator[RpcError]:
    for name in data.children:
        below = node.children[name]
        if below.when is not None and not below.when(element):
            where = Instance(below, keys)
            reason = f"{name} is only allowed where {below.when_text}"
            message = schema.message("unknown-element", where, reason)
            yield RpcError("unknown-element", message, where=where, info={"bad-element": name})
