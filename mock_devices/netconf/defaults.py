"""The with-defaults modes of RFC 6243 on the data tree."""

from mock_devices.netconf.schema import Branch, ContainerSchema, LeafSchema, ListSchema
from mock_devices.netconf.tree import EMPTY, Container, Node

MODES = ("explicit", "trim", "report-all")
NO_DEFAULTS = "none"
"""A device that knows nothing of RFC 6243 and shows what was set."""


def presented(schema: Branch, node: Container, mode: str) -> Container:
    """Return the data as ``mode`` shows it; what the datastore holds is the explicit data."""
    if mode == "trim":
        return _trimmed(schema, node)
    if mode == "report-all":
        return with_defaults(schema, node)
    return node


def _trimmed(schema: Branch, node: Container) -> Container:
    children: dict[str, Node] = {}
    for name, value in node.children.items():
        below = schema.children[name]
        if isinstance(below, ContainerSchema) and isinstance(value, Container):
            part = _trimmed(below, value)
            if part.children or below.presence:
                children[name] = part
        elif isinstance(below, ListSchema) and isinstance(value, dict):
            children[name] = {key: _trimmed(below, entry) for key, entry in value.items()}
        elif not (isinstance(below, LeafSchema) and below.default == value):
            children[name] = value
    return Container(children)


def with_defaults(schema: Branch, node: Container) -> Container:
    """Return the data with every default in use; a node bound by ``when`` only if it is there."""
    children: dict[str, Node] = {}
    chosen = {
        below.case for name in node.children if (below := schema.children[name]).case is not None
    }
    for name, below in schema.children.items():
        value = node.children.get(name)
        if isinstance(below, LeafSchema):
            if value is None and below.default is not None and _in_use(below, chosen):
                value = below.default
        elif isinstance(below, ListSchema) and isinstance(value, dict):
            value = {key: with_defaults(below, entry) for key, entry in value.items()}
        elif isinstance(below, ContainerSchema):
            value = _container(below, value)
        if value is not None:
            children[name] = value
    return Container(children)


def _container(schema: ContainerSchema, value: Node | None) -> Container | None:
    if isinstance(value, Container):
        return with_defaults(schema, value)
    if schema.presence or schema.when is not None or schema.case or not schema.config:
        return None
    filled = with_defaults(schema, EMPTY)
    return filled if filled.children else None


def _in_use(leaf: LeafSchema, chosen: set[tuple[str, str]]) -> bool:
    return leaf.config and leaf.when is None and (leaf.case is None or leaf.case in chosen)
