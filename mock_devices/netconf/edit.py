"""edit-config on the immutable tree (RFC 6241 section 7.2).

Types, keys, names and operations are checked here, at edit time; what only the whole
configuration can answer (references, mandatory leaves, rules) is left to validation.
"""

from lxml import etree

from mock_devices.netconf.errors import RpcError
from mock_devices.netconf.markup import BASE
from mock_devices.netconf.schema import (
    Branch,
    ContainerSchema,
    Instance,
    Key,
    LeafListSchema,
    LeafSchema,
    ListSchema,
    Schema,
    SchemaNode,
)
from mock_devices.netconf.tree import EMPTY, Container, Entries, Node, set_ordered

OPERATION = f"{{{BASE}}}operation"
OPERATIONS = frozenset({"merge", "replace", "create", "delete", "remove"})


class EditRefusedError(Exception):
    """An edit that stopped at its first error; ``partial`` is what had been done until then."""

    def __init__(self, error: RpcError) -> None:
        super().__init__(str(error))
        self.error = error
        self.partial: Container | None = None


class _Children:
    """The children of one container while an edit works on them; lists are copied once."""

    def __init__(self, base: Container) -> None:
        self.nodes: dict[str, Node] = dict(base.children)
        self._copied: set[str] = set()

    def entries(self, name: str) -> Entries:
        if name not in self._copied:
            present = self.nodes.get(name)
            self.nodes[name] = dict(present) if isinstance(present, dict) else {}
            self._copied.add(name)
        entries = self.nodes[name]
        assert isinstance(entries, dict)  # noqa: S101 - narrows for the type checker
        return entries

    def put(self, name: str, node: Node | None) -> None:
        if node is None:
            self.nodes.pop(name, None)
        else:
            self.nodes[name] = node

    def result(self) -> Container:
        return Container({name: node for name, node in self.nodes.items() if node != {}})


class Editor:
    """Applies one edit-config after the other for one schema."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def apply(self, root: Container, config: etree._Element, default_operation: str) -> Container:
        """Return the data with the edit in place; raise ``EditRefusedError`` at the first error."""
        base = EMPTY if default_operation == "replace" else root
        operation = "merge" if default_operation == "replace" else default_operation
        return self._content(self._schema.root, base, config, operation, ())

    def _content(
        self,
        schema: Branch,
        base: Container,
        element: etree._Element,
        operation: str,
        keys: tuple[Key, ...],
    ) -> Container:
        children = _Children(base)
        try:
            for child in element.iterchildren(tag=etree.Element):
                node = self._node(schema, child, keys)
                if isinstance(schema, ListSchema) and node.name in schema.keys:
                    continue
                self._child(
                    children, node, child, self._operation(child, node, operation, keys), keys
                )
                _push_out(children, schema, node)
        except EditRefusedError as refused:
            refused.partial = children.result()
            raise
        return children.result()

    def _child(
        self,
        children: _Children,
        node: SchemaNode,
        element: etree._Element,
        operation: str,
        keys: tuple[Key, ...],
    ) -> None:
        if isinstance(node, LeafListSchema):
            self._leaf_list(children, node, element, operation, keys)
        elif isinstance(node, LeafSchema):
            self._leaf(children, node, element, operation, keys)
        elif isinstance(node, ListSchema):
            self._entry(children, node, element, operation, keys)
        elif isinstance(node, ContainerSchema):
            self._container(children, node, element, operation, keys)

    def _node(self, schema: Branch, element: etree._Element, keys: tuple[Key, ...]) -> SchemaNode:
        node = schema.by_tag.get(element.tag)
        name = etree.QName(element)
        where = Instance(schema, keys)
        if node is None:
            if all(module.namespace != name.namespace for module in self._schema.modules.values()):
                raise self._refusal(
                    "unknown-namespace",
                    where,
                    f"namespace {name.namespace} is not known here",
                    {"bad-element": name.localname, "bad-namespace": name.namespace or ""},
                )
            raise self._refusal(
                "unknown-element",
                where,
                f"{schema.name} has no element {name.localname}",
                {"bad-element": name.localname},
            )
        if not node.config:
            raise self._refusal(
                "unknown-element",
                where,
                f"{node.name} is state and cannot be configured",
                {"bad-element": node.name},
            )
        return node

    def _operation(
        self, element: etree._Element, node: SchemaNode, inherited: str, keys: tuple[Key, ...]
    ) -> str:
        for name in element.attrib:
            if name != OPERATION:
                raise self._refusal(
                    "unknown-attribute",
                    Instance(node.parent or node, keys),
                    f"attribute {name!s} is not known here",
                    {"bad-attribute": str(etree.QName(name).localname), "bad-element": node.name},
                )
        operation = element.get(OPERATION)
        if operation is None:
            return inherited
        if operation not in OPERATIONS:
            raise self._refusal(
                "bad-attribute",
                Instance(node.parent or node, keys),
                f"operation {operation} is not known",
                {"bad-attribute": "operation", "bad-element": node.name},
            )
        return operation

    def _value(self, node: LeafSchema, element: etree._Element, keys: tuple[Key, ...]) -> str:
        where = Instance(node, keys)
        if len(element):
            raise self._refusal(
                "bad-element", where, "a leaf has no children", {"bad-element": node.name}
            )
        try:
            value = node.type.canonical(element.text or "", element.nsmap)
        except ValueError as error:
            raise self._refusal(
                "invalid-value", where, str(error), {"bad-element": node.name}
            ) from None
        return self._schema.concealed(value) if node.hashed else value

    def _leaf(
        self,
        children: _Children,
        node: LeafSchema,
        element: etree._Element,
        operation: str,
        keys: tuple[Key, ...],
    ) -> None:
        # Also the value of a leaf to be removed must be of its type, as libyang has it.
        value = self._value(node, element, keys)
        present = children.nodes.get(node.name) is not None
        self._check(operation, Instance(node, keys), present=present)
        if operation in {"delete", "remove"}:
            children.put(node.name, None)
        elif operation != "none":
            children.put(node.name, value)

    def _leaf_list(
        self,
        children: _Children,
        node: LeafListSchema,
        element: etree._Element,
        operation: str,
        keys: tuple[Key, ...],
    ) -> None:
        value = self._value(node, element, keys)
        present = children.nodes.get(node.name)
        members = dict.fromkeys(present if isinstance(present, tuple) else ())
        self._check(operation, Instance(node, keys, value), present=value in members)
        if operation in {"delete", "remove"}:
            members.pop(value, None)
        elif operation != "none":
            members[value] = None
        children.put(node.name, set_ordered(members, node) or None)

    def _container(
        self,
        children: _Children,
        node: ContainerSchema,
        element: etree._Element,
        operation: str,
        keys: tuple[Key, ...],
    ) -> None:
        present = children.nodes.get(node.name)
        self._check(
            operation if node.presence or operation != "none" else "merge",
            Instance(node, keys),
            present=present is not None,
        )
        if operation in {"delete", "remove"}:
            children.put(node.name, None)
            return
        base = present if isinstance(present, Container) and operation != "replace" else EMPTY
        below = "merge" if operation in {"replace", "create"} else operation
        try:
            content = self._content(node, base, element, below, keys)
        except EditRefusedError as refused:
            partial = refused.partial
            children.put(
                node.name, partial if partial and (partial.children or present) else present
            )
            raise
        children.put(node.name, content if content.children or node.presence else None)

    def _entry(
        self,
        children: _Children,
        node: ListSchema,
        element: etree._Element,
        operation: str,
        keys: tuple[Key, ...],
    ) -> None:
        key = self._key(node, element, keys)
        entries = children.entries(node.name)
        present = entries.get(key)
        self._check(operation, Instance(node, (*keys, key)), present=present is not None)
        if operation in {"delete", "remove"}:
            entries.pop(key, None)
            return
        base = present if present and operation != "replace" else EMPTY
        if not base.children:
            base = Container(dict(zip(node.keys, key, strict=True)))
        below = "merge" if operation in {"replace", "create"} else operation
        try:
            entries[key] = self._content(node, base, element, below, (*keys, key))
        except EditRefusedError as refused:
            if refused.partial is not None:
                entries[key] = refused.partial
            raise

    def _key(self, node: ListSchema, element: etree._Element, keys: tuple[Key, ...]) -> Key:
        key = []
        for name in node.keys:
            leaf = node.children[name]
            assert isinstance(leaf, LeafSchema)  # noqa: S101 - the schema file's reader saw to it
            child = element.find(leaf.tag)
            if child is None:
                raise self._refusal(
                    "missing-element",
                    Instance(node, keys),
                    f"key {name} of {node.name} is missing",
                    {"bad-element": name},
                )
            key.append(self._value(leaf, child, keys))
        return tuple(key)

    def _check(self, operation: str, where: Instance, *, present: bool) -> None:
        if operation == "create" and present:
            raise self._refusal("data-exists", where, f"{where.schema.name} exists already")
        if operation in {"delete", "none"} and not present:
            raise self._refusal("data-missing", where, f"{where.schema.name} does not exist")

    def _refusal(
        self, tag: str, where: Instance, reason: str, info: dict[str, str] | None = None
    ) -> EditRefusedError:
        message = self._schema.message(tag, where, reason)
        return EditRefusedError(RpcError(tag, message, where=where, info=info))


def _push_out(children: _Children, schema: Branch, node: SchemaNode) -> None:
    """Remove the nodes of the other cases when one case of a choice was given."""
    if node.case is None or node.name not in children.nodes:
        return
    choice, case = node.case
    for other in schema.children.values():
        if other.case and other.case[0] == choice and other.case[1] != case:
            children.put(other.name, None)
