"""What a leaf's type means for its values: how they compare, and which identities they may be."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from device_profiles.models import ValueKind

_BUILT_IN: Mapping[str, ValueKind] = {
    "boolean": "boolean",
    "decimal64": "decimal",
    **{f"{sign}int{bits}": "integer" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
# Types whose canonical form is part of their definition (RFC 9911, and OpenConfig's own copies).
# What may hold an IPv4 or an IPv6 address is of the kind for IPv6: IPv4 has one spelling only.
_INTERNET: Mapping[str, ValueKind] = {
    "ip-address": "ipv6",
    "ip-address-no-zone": "ipv6",
    "ipv6-address": "ipv6",
    "ipv6-address-no-zone": "ipv6",
    "ip-prefix": "ipv6-prefix",
    "ipv6-prefix": "ipv6-prefix",
    "ip-address-and-prefix": "ipv6-interface",
    "ipv6-address-and-prefix": "ipv6-interface",
}
_GENERAL: Mapping[str, ValueKind] = {
    "hex-string": "lower",
    "mac-address": "lower",
    "phys-address": "lower",
    "uuid": "lower",
}
_DEFINED: Mapping[str, Mapping[str, ValueKind]] = {
    "ietf-inet-types": _INTERNET,
    "openconfig-inet-types": _INTERNET,
    "ietf-yang-types": _GENERAL,
    "openconfig-yang-types": {"mac-address": "lower"},
}


def value_kind(leaf: Any) -> ValueKind | None:
    """Return how the values of a leaf or leaf-list compare; a leafref compares as its target."""
    return _kind(_followed(leaf).search_one("type"))


def _followed(leaf: Any) -> Any:
    while (reference := getattr(leaf, "i_leafref_ptr", None)) is not None:
        leaf = reference[0]
    return leaf


def _kind(statement: Any) -> ValueKind | None:
    """Return the kind of a type; a union has one if all its members with one spelling agree."""
    definition = getattr(statement, "i_typedef", None)
    if definition is not None:
        known = _DEFINED.get(definition.main_module().arg, {}).get(definition.arg)
        return known or _kind(definition.search_one("type"))
    if statement.arg != "union":
        return _BUILT_IN.get(statement.arg)
    members = statement.search("type")
    kinds = {_kind(member) for member in members if _built_in(member) != "enumeration"}
    return kinds.pop() if len(kinds) == 1 else None


def _built_in(statement: Any) -> str:
    definition = getattr(statement, "i_typedef", None)
    return statement.arg if definition is None else _built_in(definition.search_one("type"))


def is_empty(leaf: Any) -> bool:
    """Tell whether the leaf is of type empty."""
    return _built_in(leaf.search_one("type")) == "empty"


def identity_bases(leaf: Any) -> tuple[Any, ...]:
    """Return the bases of the identities that the leaf may hold, none if it holds no identity."""
    return tuple(_bases(_followed(leaf).search_one("type")))


def _bases(statement: Any) -> Iterator[Any]:
    definition = getattr(statement, "i_typedef", None)
    if definition is not None:
        yield from _bases(definition.search_one("type"))
    elif statement.arg == "identityref":
        yield from (base.i_identity for base in statement.search("base"))
    elif statement.arg == "union":
        for member in statement.search("type"):
            yield from _bases(member)


class Identities:
    """Which modules have identities derived from which base (RFC 7950 section 7.18)."""

    def __init__(self, modules: Iterable[Any]) -> None:
        self._derived: dict[int, list[Any]] = {}
        self._known: dict[int, frozenset[str]] = {}
        for module in modules:
            for identity in module.i_identities.values():
                for base in identity.search("base"):
                    self._derived.setdefault(id(base.i_identity), []).append(identity)

    def modules(self, bases: Iterable[Any]) -> frozenset[str]:
        """Return the modules of all identities derived from any of ``bases``."""
        return frozenset[str]().union(*(self._below(base) for base in bases))

    def _below(self, base: Any) -> frozenset[str]:
        if id(base) not in self._known:
            derived = self._derived.get(id(base), ())
            own = {identity.main_module().arg for identity in derived}
            self._known[id(base)] = frozenset(own).union(*(self._below(one) for one in derived))
        return self._known[id(base)]
