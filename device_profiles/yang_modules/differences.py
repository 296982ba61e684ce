"""Where a profile and the modules of its platform disagree, each with the field and the mend."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from device_profiles.models import YangModel
from device_profiles.steps import MEMBER
from device_profiles.yang_modules.schema import Schema, SchemaNode, with_ancestors
from device_profiles.yang_modules.uses import Use

_NOUNS: Mapping[str, str] = {
    "lists": "list with keys",
    "leaf_lists": "leaf-list",
    "identityrefs": "leaf with an identity",
    "presence": "presence container or empty leaf",
    "user_ordered": "list ordered by the user",
    "values": "value of another form than text",
    "references": "configured leaf or leaf-list",
    "unique": "list with keys",
}
_Shown = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that a profile says and the modules do not, or the reverse."""

    field: str
    """The file or field, and the schema path in it."""
    reason: str
    mend: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}; {self.mend}"

    @classmethod
    def unknown(cls, schema: Schema, where: str, path: str) -> Self:
        """Return the difference for a path that the modules do not have."""
        return cls(f"{where} {path}", "the modules have no such node", _meant(schema, path))


def _meant(schema: Schema, path: str) -> str:
    near = schema.nearest(path)
    known = near is not None and near != path
    return f"{f'write {near}' if known else 'correct it'}, or give the modules that have it"


def wrong_uses(schema: Schema, used: Iterable[Use]) -> Iterator[Difference]:
    """Iterate over what templates, checks and health name otherwise than the modules do."""
    for use in dict.fromkeys(used):
        node = schema.nodes.get(use.path)
        *above, _ = with_ancestors(use.path)
        if node is not None:
            yield from _misused(use, node)
        elif use.keys is None or all(path in schema.nodes for path in above):  # else that is said
            yield Difference.unknown(schema, use.where, use.path)


def _misused(use: Use, node: SchemaNode) -> Iterator[Difference]:
    field = f"{use.where} {use.path}"
    wanted = (MEMBER,) if node.kind == "leaf-list" else node.keys
    if node.kind == "list" and not node.keys:
        yield Difference(
            field, "is a list without keys, whose entries cannot be told apart", "take it out"
        )
    elif use.keys is not None and use.keys != wanted:
        if wanted:
            written = "".join(f"[{key}='…']" for key in wanted)
            yield Difference(
                field, f"{_described(node)}, not {_keys(use.keys)}", f"write {written} after it"
            )
        else:
            yield Difference(field, f"{_described(node)}, not a list", "take the keys away")
    if (use.valued or use.creates) and not node.config:
        yield Difference(field, "is operational state, which nobody can set", "take it out")
    elif use.valued and node.kind != "leaf":
        yield Difference(field, f"{_described(node)} and has no value", "write nodes below it")


def unknown_paths(schema: Schema, listed: YangModel) -> Iterator[Difference]:
    """Iterate over what a profile's part lists that the modules do not have."""
    for module in sorted(listed.namespaces.keys() - schema.namespaces.keys()):
        yield Difference(
            f"yang.namespaces {module}", "no such module is given", "take it out, or give it"
        )
    for field, shown in _fields(listed).items():
        for path in sorted(shown.keys() - schema.nodes.keys()):
            yield Difference.unknown(schema, f"yang.{field}", path)
    for leaf, named in sorted(listed.references.items()):
        if named not in schema.nodes:
            reason = f"names entries of {named}, which the modules do not have"
            yield Difference(f"yang.references {leaf}", reason, _meant(schema, named))


def wrong_entries(schema: Schema, listed: YangModel, wanted: YangModel) -> Iterator[Difference]:
    """Iterate over entries of a profile's part that differ from those made from the modules."""
    for module, namespace in wanted.namespaces.items():
        if listed.namespaces.get(module) != namespace:
            told = listed.namespaces.get(module)
            reason = "is missing" if told is None else f"is not {told}"
            yield Difference(f"yang.namespaces {module}", reason, f"write {namespace}")
    made = _fields(wanted)
    for field, shown in _fields(listed).items():
        for path in sorted((shown.keys() | made[field].keys()) & schema.nodes.keys()):
            told, right = shown.get(path), made[field].get(path)
            if told != right and (field != "references" or told is None or told in schema.nodes):
                yield _entry(f"yang.{field} {path}", field, schema.nodes[path], told, right)


def _entry(
    where: str, field: str, node: SchemaNode, told: str | None, right: str | None
) -> Difference:
    if right is None:
        if field == "references" and node.may_refer:
            return Difference(where, f"names {told}, which has no keys", "take it out")
        return Difference(where, f"{_described(node)}, no {_NOUNS[field]}", "take it out")
    mend = f"write {right}" if right else "add it"
    if told is None:
        kind = "is a leafref" if field == "references" else _described(node)
        return Difference(where, f"{kind}, and it is not listed", mend)
    return Difference(where, f"is {right} in the modules, not {told}", mend)


def listed_paths(listed: YangModel) -> Iterator[str]:
    """Iterate over every schema path that a profile's part names."""
    for shown in _fields(listed).values():
        yield from shown


def _fields(model: YangModel) -> Mapping[str, _Shown]:
    return {
        "lists": {path: _keys(keys) for path, keys in model.lists.items()},
        "leaf_lists": dict.fromkeys(model.leaf_lists, ""),
        "identityrefs": dict.fromkeys(model.identityrefs, ""),
        "presence": dict.fromkeys(model.presence, ""),
        "user_ordered": dict.fromkeys(model.user_ordered, ""),
        "values": dict(model.values),
        "references": dict(model.references),
        "unique": dict.fromkeys(model.unique, ""),
    }


def _keys(keys: Iterable[str]) -> str:
    return f"[{', '.join(keys)}]"


def _described(node: SchemaNode) -> str:
    words = {
        "list": f"a list with the keys {_keys(node.keys)}" if node.keys else "a list without keys",
        "container": "a presence container" if node.presence else "a container",
        "leaf": "an empty leaf" if node.presence else f"a leaf of {_held(node)}",
    }.get(node.kind, f"a {node.kind}")
    return f"is {words}"


def _held(node: SchemaNode) -> str:
    return "identities" if node.identityref else node.value_kind or "text"
