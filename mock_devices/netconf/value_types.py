"""YANG's built-in types as far as the simulated devices need them (RFC 7950 section 9).

A type turns the text a client sends into the one form the device stores and shows, or raises
``ValueError`` with the reason.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Protocol

NamespaceMap = Mapping[str | None, str]

INTEGER_LIMITS = {
    f"{sign}int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if not sign else (0, 2**bits - 1)
    for sign in ("", "u")
    for bits in (8, 16, 32, 64)
}


class ValueType(Protocol):
    """What every type can do."""

    def canonical(self, text: str, namespaces: NamespaceMap) -> str:
        """Return the stored form of ``text``; raise ``ValueError`` when it is not of the type.

        ``namespaces`` are the XML prefixes in scope, which only identities need.
        """


def ranges(text: str, lowest: Decimal, highest: Decimal) -> tuple[tuple[Decimal, Decimal], ...]:
    """Return the parts of a YANG ``range`` or ``length`` such as ``862 | 49152..max``."""
    limits = {"min": lowest, "max": highest}

    def bound(word: str) -> Decimal:
        return limits[word] if word in limits else Decimal(word)

    parts = []
    for part in text.split("|"):
        low, _, high = part.strip().partition("..")
        parts.append((bound(low.strip()), bound((high or low).strip())))
    return tuple(parts)


def _within(number: Decimal, parts: Sequence[tuple[Decimal, Decimal]]) -> bool:
    return any(low <= number <= high for low, high in parts)


@dataclass(frozen=True, slots=True)
class IntegerType:
    """The eight integer types with an optional range."""

    name: str
    parts: tuple[tuple[Decimal, Decimal], ...]
    shown_range: str

    def canonical(self, text: str, namespaces: NamespaceMap) -> str:  # noqa: ARG002 - seam
        """Return the number without sign of plus and leading zeros."""
        stripped = text.strip()
        if not re.fullmatch(r"[+-]?[0-9]+", stripped):
            raise ValueError(f"'{text}' is not of type {self.name}")
        number = int(stripped)
        if not _within(Decimal(number), self.parts):
            raise ValueError(f"{number} is outside {self.shown_range}")
        return str(number)


@dataclass(frozen=True, slots=True)
class DecimalType:
    """decimal64 (RFC 7950 section 9.3)."""

    digits: int
    parts: tuple[tuple[Decimal, Decimal], ...] = ()

    def canonical(self, text: str, namespaces: NamespaceMap) -> str:  # noqa: ARG002 - seam
        """Return the canonical form: no superfluous zeros, at least one digit each side."""
        try:
            number = Decimal(text.strip())
        except InvalidOperation:
            raise ValueError(f"'{text}' is not a decimal number") from None
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int) or -exponent > self.digits:
            raise ValueError(f"'{text}' has more than {self.digits} fraction digits")
        if self.parts and not _within(number, self.parts):
            raise ValueError(f"{text} is out of range")
        plain = f"{number.normalize():f}"
        return plain if "." in plain else f"{plain}.0"


@dataclass(frozen=True, slots=True)
class StringType:
    """string with length and patterns, all of which must match."""

    lengths: tuple[tuple[Decimal, Decimal], ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()

    def canonical(self, text: str, namespaces: NamespaceMap) -> str:  # noqa: ARG002 - seam
        """Return the text as it came."""
        if self.lengths and not _within(Decimal(len(text)), self.lengths):
            raise ValueError(f"'{text}' has the wrong length ({len(text)})")
        for pattern in self.patterns:
            if not pattern.fullmatch(text):
                raise ValueError(f"'{text}' does not match {pattern.pattern}")
        return text


@dataclass(frozen=True, slots=True)
class EnumerationType:
    """enumeration, and boolean, which is one of two words."""

    words: tuple[str, ...]

    def canonical(self, text: str, namespaces: NamespaceMap) -> str:  # noqa: ARG002 - seam
        """Return the word."""
        word = text.strip()
        if word not in self.words:
            raise ValueError(f"'{text}' is none of {', '.join(self.words)}")
        return word


@dataclass(frozen=True, slots=True)
class BitsType:
    """bits: a set of words, shown in the order of the schema."""

    words: tuple[str, ...]

    def canonical(self, text: str, namespaces: NamespaceMap) -> str:  # noqa: ARG002 - seam
        """Return the set words, each once."""
        given = set(text.split())
        if not given or not given <= set(self.words):
            raise ValueError(f"'{text}' holds bits that are not of {', '.join(self.words)}")
        return " ".join(word for word in self.words if word in given)


@dataclass(frozen=True, slots=True)
class EmptyType:
    """empty: a leaf that says all by being there."""

    def canonical(self, text: str, namespaces: NamespaceMap) -> str:  # noqa: ARG002 - seam
        """Return the empty text."""
        if text.strip():
            raise ValueError(f"'{text}' given to a leaf of type empty")
        return ""


@dataclass(frozen=True, slots=True)
class IdentityType:
    """identityref; stored with the full module name whatever prefix the client used."""

    members: frozenset[str]
    modules: Mapping[str, str] = field(hash=False)
    """Module name by XML namespace."""

    def canonical(self, text: str, namespaces: NamespaceMap) -> str:
        """Return ``module:identity``."""
        prefix, _, name = text.strip().rpartition(":")
        namespace = namespaces.get(prefix or None)
        module = self.modules.get(namespace or "")
        if module is None or f"{module}:{name}" not in self.members:
            raise ValueError(f"'{text}' is not an identity known here")
        return f"{module}:{name}"


@dataclass(frozen=True, slots=True)
class AddressType:
    """IP addresses and prefixes; IPv6 in the compressed lower case of RFC 5952."""

    name: str
    parse: Callable[[str], object] = field(hash=False)

    def canonical(self, text: str, namespaces: NamespaceMap) -> str:  # noqa: ARG002 - seam
        """Return the address in its canonical spelling."""
        try:
            return str(self.parse(text.strip()))
        except ValueError:
            raise ValueError(f"'{text}' is not of type {self.name}") from None


@dataclass(frozen=True, slots=True)
class UnionType:
    """union: the first member type that takes the value."""

    members: tuple[ValueType, ...]

    def canonical(self, text: str, namespaces: NamespaceMap) -> str:
        """Return the value in the form of the member type that took it."""
        for member in self.members:
            try:
                return member.canonical(text, namespaces)
            except ValueError:
                continue
        raise ValueError(f"'{text}' fits no member of the union")


def _network(
    kind: type[ipaddress.IPv4Network] | type[ipaddress.IPv6Network],
) -> Callable[[str], object]:
    def parse(text: str) -> object:
        if "/" not in text:
            raise ValueError(text)
        return kind(text, strict=False)

    return parse


def _any_network(text: str) -> object:
    if "/" not in text:
        raise ValueError(text)
    return ipaddress.ip_network(text, strict=False)


ADDRESS_TYPES: Mapping[str, AddressType] = {
    name: AddressType(name, parse)
    for name, parse in {
        "ipv4-address": ipaddress.IPv4Address,
        "ipv6-address": ipaddress.IPv6Address,
        "ip-address": ipaddress.ip_address,
        "ipv4-prefix": _network(ipaddress.IPv4Network),
        "ipv6-prefix": _network(ipaddress.IPv6Network),
        "ip-prefix": _any_network,
    }.items()
}
