"""Canonical forms of values: one spelling for what devices spell differently."""

from decimal import Decimal, InvalidOperation
from hashlib import sha256
from ipaddress import (
    IPv4Address,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)

from device_profiles.models import ValueKind
from device_profiles.tree import DIGEST_PREFIX

_BOOLEANS = {"true": "true", "1": "true", "false": "false", "0": "false"}


def canonical_value(kind: ValueKind | None, text: str) -> str:
    """Return ``text`` in the canonical form of its kind; text of another form stays as it is.

    IPv6 follows RFC 5952, booleans and decimals RFC 7950 sections 9.5 and 9.3.
    """
    if kind is None:
        return text
    text = text.strip()
    try:
        return _canonical(kind, text)
    except (InvalidOperation, ValueError):  # ValueError covers the address errors
        return text


def _canonical(kind: ValueKind, text: str) -> str:
    match kind:
        case "boolean":
            return _BOOLEANS.get(text, text)
        case "integer":
            return str(int(text))
        case "decimal":
            return f"{Decimal(text).normalize():f}"
        case "ipv4":
            return str(IPv4Address(text))
        case "ipv6":
            return str(IPv6Address(text))
        case "ipv6-prefix":
            return str(IPv6Network(text, strict=False))
        case "ipv6-interface":
            return str(IPv6Interface(text))
        case "kea-identifier":
            return _kea_identifier(text)
        case "lower":
            return text.lower()


def _kea_identifier(text: str) -> str:
    """Return an identifier as quoted text; Kea reports the hexadecimal of what it was told."""
    if text.startswith("'"):
        return text
    shown = bytes.fromhex(text.removeprefix("0x").replace(":", "")).decode("ascii")
    return f"'{shown}'" if shown.isprintable() and "'" not in shown else text


def digest(shown: str) -> str:
    """Return what a tree holds of a secret that a device shows."""
    return DIGEST_PREFIX + sha256(shown.encode()).hexdigest()[:32]
