"""Subtree filters (RFC 6241 section 6), evaluated on the data tree rather than on XML."""

from collections.abc import Sequence

from lxml import etree

from mock_devices.netconf.schema import (
    Branch,
    ContainerSchema,
    Key,
    LeafSchema,
    ListSchema,
    SchemaNode,
)
from mock_devices.netconf.tree import EMPTY, Container, Entries, Node


def selected(schema: Branch, root: Container, filters: Sequence[etree._Element]) -> Container:
    """Return what the sibling ``filters`` select together; nothing for an empty filter."""
    return _inside(schema, root, filters) or EMPTY


def children_of(element: etree._Element) -> list[etree._Element]:
    """Return child elements without comments and processing instructions."""
    return list(element.iterchildren(tag=etree.Element))


def matches_name(node: SchemaNode, element: etree._Element) -> bool:
    """True when the filter element means this node; no namespace stands for any (6.2.1)."""
    name = etree.QName(element)
    return name.localname == node.called and name.namespace in (None, node.module.namespace)


def content_match(node: LeafSchema, element: etree._Element) -> str | None:
    """Return the value a content match node asks for, ``None`` when no value could match."""
    try:
        return node.type.canonical((element.text or "").strip(), element.nsmap)
    except ValueError:
        return None


def _inside(schema: Branch, node: Container, filters: Sequence[etree._Element]) -> Container | None:
    """Select below one container by filter elements that name its children."""
    result: dict[str, Node] = {}
    for name, value in node.children.items():
        below = schema.children[name]
        asked = [element for element in filters if matches_name(below, element)]
        if asked:
            part = _child(below, value, asked)
            if part is not None:
                result[name] = part
    return Container(result) if result else None


def _child(schema: SchemaNode, value: Node, asked: Sequence[etree._Element]) -> Node | None:
    if isinstance(schema, ListSchema) and isinstance(value, dict):
        return _list(schema, value, asked)
    if isinstance(schema, ContainerSchema) and isinstance(value, Container):
        return _branch(schema, value, asked)
    return value


def _list(schema: ListSchema, entries: Entries, asked: Sequence[etree._Element]) -> Entries | None:
    keys = [_key(schema, element) for element in asked]
    candidates: Entries = (
        {key: entries[key] for key in keys if key is not None and key in entries}
        if None not in keys
        else entries
    )
    result = {}
    for key, entry in candidates.items():
        part = _branch(schema, entry, asked)
        if part is not None:
            result[key] = part
    return result or None


def _key(schema: ListSchema, element: etree._Element) -> Key | None:
    """Return the key when the filter names one entry: the quick way into long lists."""
    key = []
    for name in schema.keys:
        leaf = schema.children[name]
        child = element.find(leaf.tag)
        if child is None or not (child.text or "").strip() or not isinstance(leaf, LeafSchema):
            return None
        key.append(content_match(leaf, child) or "")
    return tuple(key)


def _branch(schema: Branch, node: Container, asked: Sequence[etree._Element]) -> Container | None:
    """Select of one container or entry by the filter elements that name it."""
    below: list[etree._Element] = []
    matched_leaves: set[str] = set()
    for element in asked:
        children = children_of(element)
        matches = [child for child in children if _is_content_match(child)]
        if not all(_holds(schema, node, child) for child in matches):
            continue
        if len(matches) == len(children):
            return node
        matched_leaves.update(etree.QName(child).localname for child in matches)
        below += [child for child in children if child not in matches]
    chosen = _inside(schema, node, below) if below else None
    if chosen is None and not matched_leaves:
        return None
    leaves = {name: node.children[name] for name in matched_leaves}
    # The keys come along so that the client can tell the entries apart (6.4.5 to 6.4.7).
    if isinstance(schema, ListSchema):
        leaves |= {name: node.children[name] for name in schema.keys}
    return Container({**leaves, **(chosen.children if chosen else {})})


def _is_content_match(element: etree._Element) -> bool:
    return not len(element) and bool((element.text or "").strip())


def _holds(schema: Branch, node: Container, element: etree._Element) -> bool:
    for child in schema.children.values():
        if isinstance(child, LeafSchema) and matches_name(child, element):
            present = node.children.get(child.name)
            wanted = content_match(child, element)
            return wanted is not None and (
                present == wanted or (isinstance(present, tuple) and wanted in present)
            )
    return False
