"""Data to XML: elements for replies, the whole of a datastore as bytes.

The parts of a device that did not change since they were last written are not built again.
"""

from io import BytesIO

from lxml import etree

from mock_devices.netconf.markup import nsmap
from mock_devices.netconf.schema import (
    Branch,
    ContainerSchema,
    LeafSchema,
    ListSchema,
    Schema,
    SchemaNode,
)
from mock_devices.netconf.tree import Container, Entries, Node, system_order

PIECEWISE_FROM = 32
"""Lists longer than this are written entry by entry, so that the entries stay kept."""


class Writer:
    """Writes the data of one schema, with the prefixes that the device likes."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def write(self, file: "etree._IncrementalFileWriter", root: Container) -> None:
        """Write the children of the root into an open document."""
        self._write_children(file, self._schema.root, root)

    def document(self, root: Container, tag: str, namespace: str) -> bytes:
        """Return a whole document whose root element holds the data."""
        buffer = BytesIO()
        with etree.xmlfile(buffer, encoding="UTF-8") as file:
            file.write_declaration()
            with file.element(f"{{{namespace}}}{tag}", nsmap=nsmap(namespace)):
                self.write(file, root)
        return buffer.getvalue()

    def _write_children(
        self, file: "etree._IncrementalFileWriter", schema: Branch, node: Container
    ) -> None:
        for name, below in schema.children.items():
            child = node.children.get(name)
            if child is None:
                continue
            if isinstance(child, dict) and isinstance(below, ListSchema):
                for entry in ordered(child):
                    self._write_branch(file, below, entry)
            elif isinstance(child, Container) and isinstance(below, ContainerSchema):
                self._write_branch(file, below, child)
            else:
                for element in self._leaves(below, child):
                    file.write(element)

    def _write_branch(
        self, file: "etree._IncrementalFileWriter", schema: Branch, node: Container
    ) -> None:
        if node.element is None and _is_large(node):
            with file.element(schema.tag, nsmap=nsmap(schema.module.namespace)):
                self._write_children(file, schema, node)
            return
        if node.element is None:
            node.element = self._branch(schema, node)
        file.write(node.element)

    def _branch(self, schema: Branch, node: Container) -> etree._Element:
        element = etree.Element(schema.tag, nsmap=nsmap(schema.module.namespace))
        self._fill(element, schema, node)
        return element

    def _fill(self, element: etree._Element, schema: Branch, node: Container) -> None:
        for name, below in schema.children.items():
            child = node.children.get(name)
            if child is None:
                continue
            if isinstance(child, dict) and isinstance(below, ListSchema):
                for entry in ordered(child):
                    self._fill(self._sub(element, below), below, entry)
            elif isinstance(child, Container) and isinstance(below, ContainerSchema):
                self._fill(self._sub(element, below), below, child)
            else:
                self._leaves(below, child, element)

    def _sub(self, parent: etree._Element, schema: SchemaNode) -> etree._Element:
        return etree.SubElement(parent, schema.tag, nsmap=nsmap(schema.module.namespace))

    def _leaves(
        self, schema: SchemaNode, value: Node, parent: etree._Element | None = None
    ) -> list[etree._Element]:
        """Return the elements of a leaf or leaf-list, made below ``parent`` where there is one."""
        assert isinstance(schema, LeafSchema)  # noqa: S101 - narrows for the type checker
        values = value if isinstance(value, tuple) else [str(value)]
        return [self._leaf(schema, text, parent) for text in values]

    def _leaf(
        self, schema: LeafSchema, value: str, parent: etree._Element | None
    ) -> etree._Element:
        prefixes: dict[str | None, str] = {}
        if schema.identity:
            name, _, identity = value.partition(":")
            module = self._schema.modules[name]
            prefixes[module.prefix] = module.namespace
            value = f"{module.prefix}:{identity}"
        declared = nsmap(schema.module.namespace, prefixes)
        # Made in its place: moving an element later loses prefixes that only its text uses.
        if parent is None:
            element = etree.Element(schema.tag, nsmap=declared)
        else:
            element = etree.SubElement(parent, schema.tag, nsmap=declared)
        if value:
            element.text = value
        return element


def ordered(entries: Entries) -> list[Container]:
    """Return the entries in the order the device shows: system order, keys as numbers first."""
    return [entries[key] for key in sorted(entries, key=system_order)]


def _is_large(node: Container) -> bool:
    return any(
        (
            isinstance(child, dict)
            and (len(child) > PIECEWISE_FROM or any(map(_is_large, child.values())))
        )
        or (isinstance(child, Container) and child.element is None and _is_large(child))
        for child in node.children.values()
    )
