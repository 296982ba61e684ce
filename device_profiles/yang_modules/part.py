"""Makes a profile's ``yang:`` part from a schema: what the profile uses and may meet, no more."""

from collections.abc import Callable, Collection, Iterable

from device_profiles.errors import ProfileError
from device_profiles.models import ValueKind, YangModel
from device_profiles.profile import Profile
from device_profiles.yang import yang_model
from device_profiles.yang_modules.differences import (
    Difference,
    listed_paths,
    unknown_paths,
    wrong_uses,
)
from device_profiles.yang_modules.schema import Schema, SchemaNode, with_ancestors
from device_profiles.yang_modules.uses import Use, uses


def make_part(
    schema: Schema, profile: Profile, *, paths: Collection[str] = (), keep: bool = True
) -> YangModel:
    """Return the ``yang:`` part for ``profile``.

    It has every node that fragments, checks and health name, the structure below list entries
    that templates make, all below ``paths`` and, unless ``keep`` is false, what the profile's part
    names already. Lists without keys are left out: their entries cannot be told apart. References
    are the leafrefs between configured nodes of that scope, and with ``keep`` those that the
    profile has besides. The same profile and modules give the same part, also once it is in the
    profile.

    Raises ProfileError naming every path that the modules do not have.
    """
    used = uses(profile)
    kept = yang_model(profile) if keep else YangModel(namespaces={})
    wrong = [*wrong_uses(schema, used), *unknown_paths(schema, kept), *_strangers(schema, paths)]
    if wrong:
        raise ProfileError("\n".join(f"{one}" for one in wrong))
    return part(schema, used, kept, paths)


def _strangers(schema: Schema, paths: Iterable[str]) -> Iterable[Difference]:
    for path in paths:
        if path not in schema.nodes:
            yield Difference.unknown(schema, "path", path)


def part(
    schema: Schema, used: Iterable[Use], kept: YangModel, paths: Collection[str] = ()
) -> YangModel:
    """Return the part as ``make_part`` does; what the modules do not have is left out."""
    used = tuple(used)
    named = {*paths, *listed_paths(kept), *(use.path for use in used)}
    single = {path for name in named for path in with_ancestors(name)} & schema.nodes.keys()
    whole = {node.path for path in paths for node in schema.below(path)}
    created = {use.path for use in used if use.creates}
    inside = {node.path for path in created for node in schema.below(path) if node.config}
    lists = {path: schema.nodes[path].keys for path in single | whole | inside}
    keys = {f"{path}/{key}" for path, names in lists.items() for key in names}
    scope = [schema.nodes[path] for path in sorted(single | whole | inside | keys)]
    leaf_lists = _paths(scope, lambda node: node.kind == "leaf-list")
    identityrefs = _paths(scope, lambda node: node.identityref)
    keyed = {path: names for path, names in lists.items() if names}
    references = _references(schema, scope, keyed.keys(), kept)
    compared = single | whole | keys | leaf_lists | references.keys()
    return YangModel(
        namespaces=_namespaces(schema, scope, kept),
        lists=keyed,
        leaf_lists=leaf_lists,
        identityrefs=identityrefs,
        presence=_paths(scope, lambda node: node.presence),
        user_ordered=_paths(scope, lambda node: node.user_ordered),
        values=_values(schema, sorted(compared), kept),
        references=references,
        unique=kept.unique & keyed.keys(),
    )


def _paths(scope: Iterable[SchemaNode], holds: Callable[[SchemaNode], bool]) -> frozenset[str]:
    return frozenset(node.path for node in scope if holds(node))


def _namespaces(schema: Schema, scope: Iterable[SchemaNode], kept: YangModel) -> dict[str, str]:
    """Return the modules of all nodes in scope and of the identities their values may be."""
    modules = set(kept.namespaces) & schema.namespaces.keys()
    for node in scope:
        modules |= {node.module, *node.identity_modules}
    return {module: schema.namespaces[module] for module in sorted(modules)}


def _references(
    schema: Schema, scope: Iterable[SchemaNode], lists: Collection[str], kept: YangModel
) -> dict[str, str]:
    """Return what names what; a value that is no leafref is the profile's own knowledge.

    State refers to nothing that would keep a configured entry from being removed.
    """
    found = {
        leaf: named
        for leaf, named in kept.references.items()
        if named in lists and (node := schema.nodes.get(leaf)) is not None and node.may_refer
    }
    for node in scope:
        named = node.names
        if named is not None and named in lists and node.may_refer and schema.nodes[named].config:
            found[node.path] = named
    return dict(sorted(found.items()))


def _values(schema: Schema, paths: Iterable[str], kept: YangModel) -> dict[str, ValueKind]:
    """Return how values compare; ``lower`` for a string is the profile's own knowledge."""
    found: dict[str, ValueKind] = {}
    for path in paths:
        node = schema.nodes.get(path)
        if node is None or node.kind not in ("leaf", "leaf-list"):
            continue
        spelled: ValueKind | None = (
            "lower" if kept.values.get(path) == "lower" and not node.presence else None
        )
        kind = node.value_kind or spelled
        if kind is not None:
            found[path] = kind
    return found
