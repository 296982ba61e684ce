"""Finding things in one state of a device: list instances, referred entries, leaves by path."""

from lxml import etree

from mock_devices.netconf.schema import Branch, Key, LeafSchema, ListSchema, SchemaNode
from mock_devices.netconf.tree import Container, Entries, Node


class Lookup:
    """One state, with what was found remembered for as long as the state is looked at."""

    def __init__(self, state: Container) -> None:
        self._state = state
        self._lists: dict[ListSchema, list[tuple[tuple[Key, ...], Entries]]] = {}

    def lists(self, wanted: ListSchema) -> list[tuple[tuple[Key, ...], Entries]]:
        """Return every instance of a list with the keys above it."""
        if wanted not in self._lists:
            self._lists[wanted] = self._find(wanted)
        return self._lists[wanted]

    def entry(self, target: LeafSchema, value: str) -> Container | None:
        """Return the entry whose single key is ``target`` with ``value``; the first of several."""
        parent = target.parent
        if not isinstance(parent, ListSchema) or parent.keys != (target.name,):
            return None
        for _, entries in self.lists(parent):
            if (value,) in entries:
                return entries[value,]
        return None

    def _find(self, wanted: ListSchema) -> list[tuple[tuple[Key, ...], Entries]]:
        chain = [node for node in wanted.ancestors() if node.parent is not None]
        places: list[tuple[tuple[Key, ...], Container]] = [((), self._state)]
        for node in reversed(chain):
            places = [place for keys, parent in places for place in _below(parent, node.name, keys)]
        return [(keys, dict(parent.entries(wanted.name))) for keys, parent in places]


def _below(
    parent: Container, name: str, keys: tuple[Key, ...]
) -> list[tuple[tuple[Key, ...], Container]]:
    child = parent.children.get(name)
    if isinstance(child, dict):
        return [((*keys, key), entry) for key, entry in child.items()]
    return [(keys, child)] if isinstance(child, Container) else []


def leaf_at(schema: Branch, names: tuple[str, ...]) -> LeafSchema:
    """Return the leaf at ``names`` below ``schema``; ``ValueError`` when there is none."""
    node: SchemaNode = schema
    for name in names:
        if not isinstance(node, Branch) or name not in node.children:
            raise ValueError(f"{schema.name} has no {'/'.join(names)}")
        node = node.children[name]
    if not isinstance(node, LeafSchema):
        raise ValueError(f"{'/'.join(names)} of {schema.name} is no leaf")
    return node


def plain_element(schema: Branch, node: Container) -> etree._Element:
    """Return the node as XML without namespaces, which is what the XPath of rules reads."""
    element = etree.Element(schema.name)
    _fill(element, schema, node)
    return element


def _fill(element: etree._Element, schema: Branch, node: Container) -> None:
    for name, value in node.children.items():
        below = schema.children[name]
        for item in _items(value):
            child = etree.SubElement(element, name)
            if isinstance(item, Container) and isinstance(below, Branch):
                _fill(child, below, item)
            elif isinstance(item, str):
                child.text = item


def _items(value: Node) -> list[Container | str]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, tuple):
        return list(value)
    return [value]
