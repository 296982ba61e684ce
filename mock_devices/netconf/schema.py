"""The schema of a simulated device: what may be configured, of which type, under which rules.

Built from a schema file by ``mock_devices.netconf.schema_file``. Nodes compare by identity.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from lxml import etree

from mock_devices.netconf.behaviour import GatewayModel, Rule, StateList
from mock_devices.netconf.value_types import ValueType

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """One YANG module as the device announces it; ``prefix`` is the one the device writes."""

    name: str
    namespace: str
    prefix: str
    revision: str = ""
    features: tuple[str, ...] = ()


@dataclass(eq=False, slots=True)
class SchemaNode:
    """What all nodes have in common."""

    name: str
    module: Module
    parent: "Branch | None" = None
    config: bool = True
    when: etree.XPath | None = None
    """Evaluated on the parent's leaves; the node may only exist while it is true."""
    when_text: str = ""
    case: tuple[str, str] | None = None
    """Choice and case; nodes of another case of the same choice push each other out."""
    called: str = ""
    """Name in XML, where a sibling of another module has it too; empty for ``name``."""
    tag: str = field(init=False)

    def __post_init__(self) -> None:
        self.called = self.called or self.name
        self.tag = f"{{{self.module.namespace}}}{self.called}"

    def ancestors(self) -> "Iterator[Branch]":
        """Yield the parents from the nearest to the root."""
        node = self.parent
        while node is not None:
            yield node
            node = node.parent


@dataclass(frozen=True, slots=True)
class Reference:
    """A leafref: the value must exist as ``target``.

    ``shared`` is the number of list ancestors that both must have in common (relative paths);
    ``requires`` is an XPath that the referred list entry must fulfil.
    """

    target: "LeafSchema"
    shared: int
    requires: etree.XPath | None = None
    requires_text: str = ""


@dataclass(eq=False, slots=True)
class LeafSchema(SchemaNode):
    """A leaf."""

    type: ValueType = field(kw_only=True)
    default: str | None = None
    mandatory: bool = False
    hashed: bool = False
    unique: bool = False
    """No two instances on the device may hold the same value."""
    identity: bool = False
    reference: Reference | None = None
    target_depths: set[int] = field(default_factory=set)
    """The ``shared`` depths at which leafrefs point here."""


@dataclass(eq=False, slots=True)
class LeafListSchema(LeafSchema):
    """A leaf-list; a set in system order unless the user orders it."""

    user_ordered: bool = False


@dataclass(frozen=True, slots=True)
class Must:
    """A rule over one instance and what is below it."""

    expression: etree.XPath
    text: str
    message: str
    app_tag: str = ""


@dataclass(frozen=True, slots=True)
class Unique:
    """No two entries of a list may agree in all values.

    Each value is a path of leaves; every step but the last follows a leafref to its entry.
    """

    values: tuple[tuple[tuple[str, ...], ...], ...]
    text: str


@dataclass(eq=False, slots=True)
class Branch(SchemaNode):
    """A node with children: the root, a container, a list."""

    children: dict[str, SchemaNode] = field(default_factory=dict)
    by_tag: dict[str, SchemaNode] = field(default_factory=dict)
    musts: tuple[Must, ...] = ()

    def add(self, child: SchemaNode) -> None:
        """Take in a child; two of one name are an error of the schema file."""
        if child.name in self.children:
            raise ValueError(f"{self.name} has two children named {child.name}")
        child.parent = self
        self.children[child.name] = child
        self.by_tag[child.tag] = child

    def descendants(self) -> Iterator[SchemaNode]:
        """Yield every node below."""
        for child in self.children.values():
            yield child
            if isinstance(child, Branch):
                yield from child.descendants()


@dataclass(eq=False, slots=True)
class ContainerSchema(Branch):
    """A container; without presence it exists exactly while it has content."""

    presence: bool = False


@dataclass(eq=False, slots=True)
class ListSchema(Branch):
    """A list; entries by key."""

    keys: tuple[str, ...] = ()
    uniques: tuple[Unique, ...] = ()


@dataclass(frozen=True, slots=True)
class Instance:
    """A place in the data: a schema node with the keys of all lists down to it."""

    schema: SchemaNode
    keys: tuple[Key, ...] = ()
    member: str | None = None
    """The value, where the place is one member of a leaf-list."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A device's whole schema."""

    name: str
    root: ContainerSchema
    modules: Mapping[str, Module]
    with_defaults: str = "explicit"
    messages: Mapping[str, str] = field(default_factory=dict)
    """Wording of refusals by kind, with ``{path}``, ``{name}`` and ``{reason}``."""
    writable_running: bool = False
    conceals: str = "{digest}"
    """How the device shows a secret, by its ``{digest}``."""
    state: tuple[StateList, ...] = ()
    rules: tuple[Rule, ...] = ()
    gateway: GatewayModel | None = None

    def concealed(self, clear: str) -> str:
        """Return how the device stores and shows a secret: the same for the same, never clear.

        What the device has shown may be sent back to it.
        """
        start, _, end = self.conceals.partition("{digest}")
        if clear.startswith(start) and clear.endswith(end) and len(clear) > len(start + end) > 0:
            return clear
        digest = b64encode(sha256(b"encrypted-leaf:" + clear.encode()).digest()[:24]).decode()
        return f"{start}{digest}{end}"

    @property
    def namespaces(self) -> dict[str, str]:
        """Namespace by the prefix that the device writes."""
        return {module.prefix: module.namespace for module in self.modules.values()}

    def message(self, kind: str, where: Instance | None, reason: str) -> str:
        """Return the refusal's text in the manner of the device."""
        if kind not in self.messages or where is None:
            return reason
        return self.messages[kind].format(
            path=spaced_path(where), name=where.schema.name, reason=reason
        )


def steps(where: Instance) -> list[tuple[SchemaNode, Key]]:
    """Return the nodes from the top to ``where``, lists with the key of the entry."""
    chain = [where.schema, *where.schema.ancestors()]
    chain.reverse()
    keys = iter(where.keys)
    return [
        (node, next(keys, ()) if isinstance(node, ListSchema) else ())
        for node in chain
        if node.parent is not None
    ]


def quoted(value: str) -> str:
    """Return an XPath literal; double quotes only when the value holds a single one."""
    return f'"{value}"' if "'" in value else f"'{value}'"


def instance_path(where: Instance) -> str:
    """Return the instance identifier (RFC 7950 section 9.13) with the device's prefixes."""
    text = ""
    for node, key in steps(where):
        text += f"/{node.module.prefix}:{node.called}"
        if isinstance(node, ListSchema) and key:
            for name, value in zip(node.keys, key, strict=True):
                text += f"[{node.module.prefix}:{name}={quoted(value)}]"
    if where.member is not None:
        text += f"[.={quoted(where.member)}]"
    return text or "/"


def spaced_path(where: Instance) -> str:
    """Return the place as command-line people write it: names and quoted keys, spaces between."""
    words = []
    for node, key in steps(where):
        words.append(node.called)
        words += [f'"{value}"' for value in key]
    return " ".join(words)
