"""YANG module texts become a schema, by pyang: pure, nothing is read from a disk here."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

from pyang import error as pyang_error
from pyang.context import Context
from pyang.repository import Repository

from device_profiles.errors import ProfileError
from device_profiles.yang_modules.leaf_types import (
    Identities,
    identity_bases,
    is_empty,
    value_kind,
)
from device_profiles.yang_modules.leafrefs import named_list
from device_profiles.yang_modules.schema import NodeKind, Schema, SchemaNode

_FILE = re.compile(r"(?P<module>[^@/]+)(?:@(?P<revision>\d{4}-\d\d-\d\d))?\.yang")
_CHOICES = ("choice", "case")
_KINDS: Mapping[str, NodeKind] = {
    "container": "container",
    "list": "list",
    "leaf": "leaf",
    "leaf-list": "leaf-list",
    "anydata": "anydata",
    "anyxml": "anydata",
}
_SHOWN = 5
"""Faults of modules that a message names; the others are counted."""


class _Texts(Repository):  # type: ignore[misc] # pyang has no types
    """Modules by file name, from which pyang takes what modules import."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__()
        self.texts = texts

    def get_modules_and_revisions(self, ctx: Any) -> list[tuple[str, str | None, str]]:  # noqa: ARG002 - pyang's signature
        found = [(_FILE.fullmatch(name), name) for name in sorted(self.texts)]
        return [(match["module"], match["revision"], name) for match, name in found if match]

    def get_module_from_handle(self, handle: str) -> tuple[str, str, str]:
        return handle, "yang", self.texts[handle]


def compiled(texts: Mapping[str, str], features: Collection[str] = ()) -> Schema:
    """Return the schema of ``texts``, which has module texts by file name (``name@revision.yang``).

    Augments and deviations of all modules apply; of several revisions the newest counts. A module
    has all its features, unless ``features`` names it: then it has only those so named, as
    ``module:feature``, or none with ``module:``. Raises ProfileError naming file and line for
    modules that do not compile, and for a feature that no module has.
    """
    context = Context(_Texts(texts))
    context.features = _by_module(features)
    for name in sorted(context.revs):
        context.search_module(pyang_error.Position(name), name)
    context.validate()
    _refuse_faults(context)
    latest = [context.get_module(name) for name in sorted(context.revs)]
    modules = [module for module in latest if module is not None and module.keyword == "module"]
    _refuse_unknown_features(context.features, {module.arg: module for module in modules})
    for module in modules:
        module.prune()
    namespaces = {module.arg: module.search_one("namespace").arg for module in modules}
    walk = _Walk(Identities(modules))
    nodes = (node for module in modules for node in walk.nodes(module, "", ""))
    return Schema(namespaces, {node.path: node for node in nodes})


def _by_module(features: Collection[str]) -> dict[str, list[str]]:
    named: dict[str, list[str]] = {}
    for feature in features:
        module, colon, name = feature.partition(":")
        if not (module and colon):
            raise ProfileError(f"feature {feature!r}: write module:feature, or module: for none")
        named.setdefault(module, []).extend([name] if name else [])
    return named


def _refuse_unknown_features(features: Mapping[str, list[str]], modules: Mapping[str, Any]) -> None:
    for module, names in features.items():
        if module not in modules:
            raise ProfileError(f"feature {module}:{', '.join(names)}: there is no such module")
        known = modules[module].i_features
        for name in names:
            if name not in known:
                has = ", ".join(sorted(known)) or "none"
                raise ProfileError(f"feature {module}:{name} is unknown: the module has {has}")


def _refuse_faults(context: Context) -> None:
    faults = [
        f"{position.ref}:{position.line}: {pyang_error.err_to_str(tag, arguments)}"
        for position, tag, arguments in context.errors
        if pyang_error.is_error(pyang_error.err_level(tag))
    ]
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise ProfileError(f"the modules do not compile: {'; '.join(faults[:_SHOWN])}{more}")


class _Walk:
    def __init__(self, identities: Identities) -> None:
        self._identities = identities

    def nodes(self, parent: Any, path: str, module: str) -> Iterator[SchemaNode]:
        for statement in getattr(parent, "i_children", ()):
            if statement.keyword in _CHOICES:
                yield from self.nodes(statement, path, module)
            elif statement.keyword in _KINDS:
                owner = statement.main_module().arg
                name = statement.arg if owner == module else f"{owner}:{statement.arg}"
                yield self._node(statement, f"{path}/{name}", owner)
                yield from self.nodes(statement, f"{path}/{name}", owner)

    def _node(self, statement: Any, path: str, module: str) -> SchemaNode:
        kind = _KINDS[statement.keyword]
        config = bool(statement.i_config)
        order = statement.search_one("ordered-by")
        typed = kind in ("leaf", "leaf-list")
        bases = identity_bases(statement) if typed else ()
        keys = cast("list[Any]", statement.i_key) if kind == "list" else []
        return SchemaNode(
            path=path,
            kind=kind,
            module=module,
            config=config,
            keys=tuple(key.arg for key in keys),
            user_ordered=config and order is not None and order.arg == "user",
            presence=is_empty(statement) if typed else statement.search_one("presence") is not None,
            identityref=bool(bases),
            identity_modules=self._identities.modules(bases),
            value_kind=value_kind(statement) if typed else None,
            names=named_list(statement) if typed else None,
        )
