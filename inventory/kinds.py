"""What is known of a resource by its kind, as data: scope of uniqueness, quarantine, attributes.

An unknown kind is welcome: its values are texts, unique in their pool, free again at once.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from device_profiles.bounded_yaml import read_yaml

Network = IPv4Network | IPv6Network
FILE = Path(__file__).with_name("kinds.yaml")
DEFAULT_SCOPE = "network"
"""Routing scope of prefixes whose pool names none."""
_DURATION = re.compile(r"(\d{1,6})(s|min|h|d)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


def _duration(value: Any) -> Any:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("write a number with s, min, h or d, such as 24h")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$"}),
]
Given = Annotated[str, Field(pattern=r"^(prefix|length|network|netmask|(host|usable) \d{1,3})$")]


class Attribute(BaseModel):
    """What entries of a kind, or their pools, say of themselves under one name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    says: str
    holds: Literal["text", "number", "device", "site", "l2-domain", "cpe-model"] = "text"
    """``number`` is a whole one; the others are texts, the last four names of what there is."""
    role: str | None = None
    """The role that a named device has."""
    one_of: tuple[str, ...] = ()
    required: bool = False
    """Whether each entry, or its pool, must have it: the engine finds other things by it."""

    @model_validator(mode="after")
    def _role_is_of_a_device(self) -> Self:
        if (self.role is not None) != (self.holds == "device"):
            raise ValueError("role goes with devices, and devices need one")
        return self


class Kind(BaseModel):
    """One kind of resource, as ``kinds.yaml`` explains it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    title: str
    holds: Literal["text", "number", "prefix"] = "text"
    range: tuple[int, int] | None = None
    """Least and greatest number."""
    physical: bool = False
    shared: bool = False
    scope: tuple[str, ...] = ()
    quarantine: Duration = timedelta()
    family: Literal[4, 6] | None = None
    """Version of IP of its prefixes; without one it holds both."""
    longest: int | None = None
    gives: Mapping[str, Given] = Field(default_factory=dict)
    carries: Mapping[str, Attribute] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_what_it_holds(self) -> Self:
        if (self.range is not None) != (self.holds == "number"):
            raise ValueError("range goes with numbers, and numbers need one")
        if self.holds != "prefix" and (self.gives or self.longest or self.family):
            raise ValueError("gives, longest and family are for prefixes")
        return self


def load_kinds(file: Path = FILE) -> Mapping[str, Kind]:
    """Return the kinds of a file by name; raises pydantic's ``ValidationError`` for a wrong one."""
    content = read_yaml(file.read_text(encoding="utf-8"))
    found = [Kind.model_validate(entry) for entry in content["kinds"]]
    return {entry.kind: entry for entry in found}


KINDS = load_kinds()


def kind_of(name: str) -> Kind:
    """Return a kind, an unknown one as texts without any particulars."""
    return KINDS.get(name) or _unknown(name)


@lru_cache(maxsize=256)
def _unknown(name: str) -> Kind:
    return Kind.model_construct(kind=name, title=name)


def is_prefix(kind: str) -> bool:
    """Tell whether values of the kind are IP prefixes."""
    return kind_of(kind).holds == "prefix"


def scope_of(kind: str, pool: str, scope: str | None, attributes: Mapping[str, Any]) -> str:
    """Name the scope in which a value may exist once; prefixes of all kinds share theirs."""
    known = kind_of(kind)
    if known.holds == "prefix":
        return f"prefix {scope or DEFAULT_SCOPE}"
    if scope:
        return f"{kind} {scope}"
    if known.scope:
        return " ".join([kind, *(str(attributes[name]) for name in known.scope)])
    return f"{kind} in {pool}"


def prefix_attributes(kind: str, network: Network) -> dict[str, Any]:
    """Return what templates may read of a prefix; an IPv6 one has no netmask."""
    found: dict[str, Any] = {"value": str(network)}
    for name, what in kind_of(kind).gives.items():
        if what != "netmask" or isinstance(network, IPv4Network):
            found[name] = _given(what, network)
    return found


def _given(what: str, network: Network) -> str | int:
    match what:
        case "prefix":
            return str(network)
        case "length":
            return network.prefixlen
        case "network":
            return str(network.network_address)
        case "netmask":
            return str(network.netmask)
        case host:
            where, _, number = host.partition(" ")
            return str(network[_offset(where, int(number), network)])


def _offset(where: str, number: int, network: Network) -> int:
    """Return how far an address is from the network's own.

    A link of two addresses has neither a network's nor a broadcast address: both are usable
    (RFC 3021 section 2.1, RFC 6164 section 6).
    """
    links = network.prefixlen == network.max_prefixlen - 1
    return number - 1 if where == "usable" and links else number
