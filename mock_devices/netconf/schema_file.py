"""Schema files: YAML that says in few words what a YANG module set says in many.

A node's key is its kind and name: ``container interfaces``, ``list interface``, ``leaf mtu``,
``leaf-list trunk-vlans``. A leaf is a type name or a mapping with ``type`` and its restrictions.
``module`` is inherited by the nodes below, ``uses`` takes in groupings, ``when`` (evaluated on the
leaves of the parent) and ``must`` (evaluated on the node and all below) are XPath 1.0 over names
without prefixes; ``called`` is a node's name in XML where a sibling of another module has it too.
``rules``, ``state`` and ``gateway`` tell how it behaves (``mock_devices.netconf.behaviour``).
Identities are written ``module:identity`` there and everywhere else in the file.
"""

from functools import cache
from typing import Any

from lxml import etree
from pydantic import BaseModel, ConfigDict, Field, field_validator

from mock_devices.bounded_yaml import read_yaml
from mock_devices.netconf.behaviour import GatewayModel, Rule, StateList
from mock_devices.netconf.schema import (
    Branch,
    ContainerSchema,
    LeafListSchema,
    LeafSchema,
    ListSchema,
    Module,
    Must,
    Reference,
    Schema,
    SchemaNode,
    Unique,
)
from mock_devices.netconf.type_file import TypeBuilder, TypeSpec
from mock_devices.platform_files import SCHEMAS, platform_file


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _ModuleSpec(_Strict):
    namespace: str
    prefix: str
    revision: str = ""
    features: tuple[str, ...] = ()


class _NodeSpec(_Strict):
    module: str | None = None
    config: bool | None = None
    when: str = ""
    choice: str = ""
    called: str = ""


class _LeafSpec(_NodeSpec):
    type: str | TypeSpec
    default: str | None = None
    mandatory: bool = False
    hashed: bool = False
    unique: bool = False
    ordered_by: str = "system"


class _MustSpec(_Strict):
    xpath: str
    message: str = ""
    app_tag: str = "must-violation"


class _BranchSpec(_NodeSpec):
    presence: bool = False
    keys: str = ""
    unique: tuple[str, ...] = ()
    must: tuple[_MustSpec, ...] = ()
    uses: tuple[str, ...] = ()
    nodes: dict[str, Any] = Field(default_factory=dict)


class _File(_Strict):
    name: str
    with_defaults: str = "explicit"
    writable_running: bool = False
    conceals: str = "{digest}"
    modules: dict[str, _ModuleSpec]
    identities: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    types: dict[str, TypeSpec] = Field(default_factory=dict)
    messages: dict[str, str] = Field(default_factory=dict)
    groupings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    data: dict[str, Any]
    rules: tuple[Rule, ...] = ()
    state: tuple[StateList, ...] = ()
    gateway: GatewayModel | None = None

    @field_validator("with_defaults")
    @classmethod
    def _known_mode(cls, value: str) -> str:
        if value not in {"explicit", "trim", "report-all", "none"}:
            raise ValueError("with_defaults is explicit, trim, report-all or none")
        return value


LEAF_KEYS = {"default", "mandatory", "hashed", "unique", "ordered_by"} | set(_NodeSpec.model_fields)


class _Builder:
    """Turns a checked file into schema nodes."""

    def __init__(self, file: _File) -> None:
        self.file = file
        self.modules = {
            name: Module(name, spec.namespace, spec.prefix, spec.revision, spec.features)
            for name, spec in file.modules.items()
        }
        self.types = TypeBuilder(file.types, file.identities, self.modules)
        self.leafrefs: list[tuple[LeafSchema, TypeSpec]] = []

    def build(self) -> Schema:
        """Return the schema with its leafrefs resolved."""
        first = next(iter(self.modules.values()))
        root = ContainerSchema("data", first)
        self._children(root, self.file.data, None, config=True)
        for leaf, spec in self.leafrefs:
            self._resolve(root, leaf, spec)
        return Schema(
            name=self.file.name,
            root=root,
            modules=self.modules,
            with_defaults=self.file.with_defaults,
            messages=self.file.messages,
            writable_running=self.file.writable_running,
            conceals=self.file.conceals,
            rules=self.file.rules,
            state=self.file.state,
            gateway=self.file.gateway,
        )

    def _children(
        self, parent: Branch, nodes: dict[str, Any], module: Module | None, *, config: bool
    ) -> None:
        for title, value in nodes.items():
            kind, _, name = title.partition(" ")
            if kind in {"container", "list"}:
                parent.add(self._branch(kind, name, value or {}, module, config=config))
            elif kind in {"leaf", "leaf-list"}:
                parent.add(self._leaf(kind, name, value, module, config=config))
            else:
                raise ValueError(f"unknown kind of node: {title}")

    def _common(
        self, spec: _NodeSpec, name: str, module: Module | None, *, config: bool
    ) -> dict[str, Any]:
        own = self.modules[spec.module] if spec.module else module
        if own is None:
            raise ValueError(f"{name} has no module")
        choice, _, case = spec.choice.partition(" ")
        return {
            "name": name,
            "called": spec.called,
            "module": own,
            "config": config if spec.config is None else spec.config,
            "when": etree.XPath(f"boolean({spec.when})") if spec.when else None,
            "when_text": spec.when,
            "case": (choice, case) if choice else None,
        }

    def _branch(
        self, kind: str, name: str, value: dict[str, Any], module: Module | None, *, config: bool
    ) -> Branch:
        spec = _BranchSpec.model_validate(value)
        common = self._common(spec, name, module, config=config)
        node: Branch
        if kind == "container":
            node = ContainerSchema(**common, presence=spec.presence)
        else:
            keys = tuple(spec.keys.split())
            node = ListSchema(**common, keys=keys, uniques=tuple(map(_unique, spec.unique)))
        node.musts = tuple(
            Must(etree.XPath(f"boolean({must.xpath})"), must.xpath, must.message, must.app_tag)
            for must in spec.must
        )
        for grouping in spec.uses:
            self._children(node, self.file.groupings[grouping], node.module, config=node.config)
        self._children(node, spec.nodes, node.module, config=node.config)
        if isinstance(node, ListSchema):
            for key in node.keys:
                if not isinstance(node.children.get(key), LeafSchema):
                    raise ValueError(f"list {name} has no key leaf {key}")
        return node

    def _leaf(
        self, kind: str, name: str, value: object, module: Module | None, *, config: bool
    ) -> LeafSchema:
        if isinstance(value, str):
            value = {"type": value}
        if not isinstance(value, dict):
            raise ValueError(f"leaf {name} needs a type")
        own = {key: part for key, part in value.items() if key in LEAF_KEYS}
        spec = _LeafSpec.model_validate(
            {**own, "type": {key: part for key, part in value.items() if key not in LEAF_KEYS}}
        )
        kind_spec = self.types.flat(TypeSpec.model_validate(spec.type))
        common: dict[str, Any] = {
            **self._common(spec, name, module, config=config),
            "type": self.types.build(kind_spec),
            "default": spec.default,
            "mandatory": spec.mandatory,
            "hashed": spec.hashed,
            "unique": spec.unique,
            "identity": kind_spec.type == "identityref",
        }
        if kind == "leaf":
            leaf = LeafSchema(**common)
        else:
            leaf = LeafListSchema(**common, user_ordered=spec.ordered_by == "user")
        if kind_spec.type == "leafref":
            self.leafrefs.append((leaf, kind_spec))
        if leaf.unique:
            leaf.target_depths.add(0)
        return leaf

    def _resolve(self, root: Branch, leaf: LeafSchema, spec: TypeSpec) -> None:
        start: SchemaNode = leaf
        for step in spec.path.split("/"):
            if step == "..":
                if start.parent is None:
                    raise ValueError(f"path {spec.path} of {leaf.name} leaves the tree")
                start = start.parent
            elif step == "":
                start = root
            elif isinstance(start, Branch) and step in start.children:
                start = start.children[step]
            else:
                raise ValueError(f"path {spec.path} of {leaf.name} has no {step}")
        if not isinstance(start, LeafSchema):
            raise ValueError(f"path {spec.path} of {leaf.name} does not end in a leaf")
        shared = 0 if spec.path.startswith("/") else _shared_lists(leaf, start)
        leaf.type = start.type
        leaf.reference = Reference(
            start,
            shared,
            etree.XPath(f"boolean({spec.requires})") if spec.requires else None,
            spec.requires,
        )
        start.target_depths.add(shared)


def _shared_lists(left: SchemaNode, right: SchemaNode) -> int:
    both = set(left.ancestors()) & set(right.ancestors())
    return sum(isinstance(node, ListSchema) for node in both)


def _unique(text: str) -> Unique:
    values = tuple(
        tuple(tuple(step.strip().split("/")) for step in value.split("->"))
        for value in text.split()
    )
    return Unique(values, text)


def schema_from_text(text: str) -> Schema:
    """Return the schema written in ``text``; raises ``ValueError`` for a faulty file."""
    return _Builder(_File.model_validate(read_yaml(text))).build()


@cache
def load_schema(name: str) -> Schema:
    """Return a schema by its file's name, such as ``bbf-olt``; schemas are immutable and shared.

    Raises PlatformFileError when there is no such file, ValueError for a faulty one.
    """
    return schema_from_text(platform_file(name, SCHEMAS).read_text(encoding="utf-8"))
