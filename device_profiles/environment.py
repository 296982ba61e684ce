"""The template environment: sandboxed, strict, and suspicious of every value."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_network
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, Undefined
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import SandboxedEnvironment

from device_profiles.errors import ProfileError
from device_profiles.tree import SECRET_PREFIX

_REFUSED_CATEGORIES = {"Cc", "Cs", "Cn", "Zl", "Zp"}


_LINK_LENGTH = 127
_MIXING = 0x9E3779B1  # the golden ratio of 2^32: neighbours come to lie far apart


def finalize(value: Any) -> str:
    """Return the text of a value a template puts out.

    Raises ProfileError for anything but text, numbers and booleans, for control characters and
    line separators, and for text that would read as a reference to a secret: only templates may
    name secrets, never an order.
    """
    if isinstance(value, Undefined):
        return str(value)  # raises, naming what is not there
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        raise ProfileError(f"a template may put out scalars only, not {type(value).__name__}")
    for character in value:
        if unicodedata.category(character) in _REFUSED_CATEGORIES:
            raise ProfileError(f"control character U+{ord(character):04X} in {value!r}")
    if SECRET_PREFIX in value:
        raise ProfileError(f"a value must not name a secret: {value!r}")
    return value


def subnet_id(prefix: str) -> int:
    """Return a stable Kea subnet id for ``prefix``: its network part as integer, modulo 2^31.

    Kea needs an id that is unique on the server and must not change over the life of the subnet
    (leases refer to it). A VLAN id is unique in its L2 domain only; the network part is unique
    because prefixes are. IPv4: the 32-bit network address. IPv6: the address shifted right by
    the host bits, since the low bits of a /64 are all zero and would make every id 0. A /127 lies
    at the beginning of a /64 of its own as a rule (RFC 6164 section 5), so the halves of its
    address are mixed; of two within one /64 the ids differ always.
    """
    network = ip_network(prefix)
    if network.version == 6 and network.prefixlen == _LINK_LENGTH:
        high, low = divmod(int(network.network_address), 1 << 64)
        return (high * _MIXING + (low >> 1)) % (2**31 - 1) + 1
    host_bits = network.max_prefixlen - network.prefixlen if network.version == 6 else 0
    return (int(network.network_address) >> host_bits) % 2**31


def kea_text(text: str) -> str:
    """Return an identifier in Kea's notation for text. Raises ProfileError for a quote in it."""
    if "'" in text:
        raise ProfileError(f"Kea has no way to write an apostrophe in an identifier: {text!r}")
    return f"'{text}'"


def lan_address(prefix: str) -> str:
    """Return the router's address in the second /64 of a delegated prefix, with its length.

    The first /64 stays free for the carrier's own use. The prefix itself when it is a /64.
    """
    network = IPv6Network(prefix)
    first = int(network.network_address)
    second = first + (1 << 64) if network.prefixlen < 64 else first
    return f"{IPv6Address(second + 1)}/64"


@lru_cache(maxsize=1)
def environment() -> SandboxedEnvironment:
    """Return the environment every template of every profile is compiled in."""
    made = SandboxedEnvironment(
        undefined=StrictUndefined,
        finalize=finalize,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "subnet_id": subnet_id,
        "kea_text": kea_text,
        "lan_address": lan_address,
        "regex_text": re.escape,
    }
    return made


@lru_cache(maxsize=4096)
def _template(source: str) -> Template:
    return environment().from_string(source)


def render_text(source: str, context: Mapping[str, Any], where: str) -> str:
    """Return ``source`` rendered with ``context``; ``where`` names it in errors.

    Raises ProfileError for undefined names, refused values and template faults.
    """
    try:
        text = _template(source).render(context)
    except ProfileError as error:
        raise ProfileError(f"{where}: {error}") from error
    except (TemplateError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        raise ProfileError(f"{where}: {error}") from error
    if text.count(SECRET_PREFIX) > source.count(SECRET_PREFIX):
        raise ProfileError(f"{where}: values together name a secret")
    return text


def names_of(source: str) -> frozenset[str]:
    """Return the names that a template reads; raises ProfileError for what is no template."""
    try:
        return frozenset(find_undeclared_variables(environment().parse(source)))
    except TemplateError as error:
        raise ProfileError(str(error)) from error


def evaluate(expression: str, context: Mapping[str, Any], where: str) -> bool:
    """Return whether a ``when:`` expression holds. Raises ProfileError for undefined names."""
    try:
        compiled = environment().compile_expression(expression, undefined_to_none=False)
        value = compiled(**context)
        return bool(value)
    except (TemplateError, TypeError, ValueError, LookupError) as error:
        raise ProfileError(f"{where}: when {expression!r}: {error}") from error
