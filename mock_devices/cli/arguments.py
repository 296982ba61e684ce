"""The kinds of command arguments and how each is checked and spelled in the configuration.

A kind is written in a grammar as ``<name:kind>``: one of the names below, an integer range such as
``1-4094``, or an enumeration such as ``in|out`` whose words may be abbreviated.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable

LINE = "line"
"""The kind that takes the rest of the line, blanks included."""
SECRET = "secret"  # noqa: S105 - the name of an argument kind, no secret

ArgumentKind = Callable[[str], str | None]
"""Returns an argument as the configuration spells it, or None."""
_PORT_NAMES = {179: "bgp", 53: "domain", 161: "snmp", 162: "snmptrap", 123: "ntp", 514: "syslog"}
_MAX_PORT = 65535
_MAX_ASN = 4294967295
_LAST_VLAN = 4094


def integer_in(text: str, low: int, high: int) -> str | None:
    """Return the integer in its shortest spelling, or None when it is none in the range."""
    if not re.fullmatch(r"\d{1,12}", text) or not low <= int(text) <= high:
        return None
    return str(int(text))


def ipv4(text: str) -> str | None:
    """Return an IPv4 address, or None."""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        return None


def ipv4_mask(text: str) -> str | None:
    """Return a contiguous IPv4 subnet mask, or None."""
    if ipv4(text) is None:
        return None
    inverted = ~int(ipaddress.IPv4Address(text)) & 0xFFFFFFFF
    return text if inverted & (inverted + 1) == 0 else None


def ipv4_prefix(text: str) -> str | None:
    """Return an IPv4 prefix without host bits, or None."""
    try:
        return str(ipaddress.IPv4Network(text)) if "/" in text else None
    except ValueError:
        return None


def ipv6(text: str) -> str | None:
    """Return an IPv6 address in the upper case that IOS shows, or None."""
    try:
        return str(ipaddress.IPv6Address(text)).upper()
    except ValueError:
        return None


def ipv6_interface(text: str) -> str | None:
    """Return an IPv6 address with its prefix length in the upper case that IOS shows, or None."""
    if "/" not in text:
        return None
    try:
        return str(ipaddress.IPv6Interface(text)).upper()
    except ValueError:
        return None


def _cidr(version: type[ipaddress.IPv4Interface | ipaddress.IPv6Interface]) -> ArgumentKind:
    """Return the kind of an address with its prefix length, as Linux spells it."""

    def kind(text: str) -> str | None:
        try:
            return str(version(text)) if "/" in text else None
        except ValueError:
            return None

    return kind


def port(text: str) -> str | None:
    """Return a TCP or UDP port as IOS shows it: well-known ones by name."""
    if text.lower() in _PORT_NAMES.values():
        return text.lower()
    number = integer_in(text, 0, _MAX_PORT)
    return number and _PORT_NAMES.get(int(number), number)


def vlan_members(text: str) -> frozenset[int] | None:
    """Return the VLANs of a list such as ``5,10-12``, or None when it is malformed."""
    members: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        low = integer_in(first, 1, _LAST_VLAN)
        high = integer_in(last, 1, _LAST_VLAN) if dash else low
        if low is None or high is None or int(low) > int(high):
            return None
        members.update(range(int(low), int(high) + 1))
    return frozenset(members)


def vlan_text(members: Iterable[int]) -> str:
    """Return the VLANs as IOS writes them: three or more in a row become a range."""
    runs: list[list[int]] = []
    for vlan in sorted(members):
        if runs and vlan == runs[-1][-1] + 1:
            runs[-1].append(vlan)
        else:
            runs.append([vlan])
    parts: list[str] = []
    for run in runs:
        together = len(run) > 2
        parts += [f"{run[0]}-{run[-1]}"] if together else [str(vlan) for vlan in run]
    return ",".join(parts)


def _vlan_list(text: str) -> str | None:
    members = vlan_members(text)
    return None if members is None else vlan_text(members)


def _matching(pattern: str) -> Callable[[str], str | None]:
    compiled = re.compile(pattern)
    return lambda text: text if compiled.fullmatch(text) else None


def _percentage(text: str) -> str | None:
    matched = re.fullmatch(r"(\d{1,3})(\.\d{1,2})?", text)
    return f"{float(text):.2f}" if matched and float(text) <= 100 else None


_KINDS: dict[str, ArgumentKind] = {
    "word": _matching(r"\S+"),
    SECRET: _matching(r"\S+"),
    "hostname": _matching(r"[A-Za-z][A-Za-z0-9-]{0,62}"),
    "name": _matching(r"[A-Za-z0-9][\w.:/-]{0,79}"),
    "vlan-name": _matching(r"\S{1,32}"),
    "route-distinguisher": _matching(r"(\d{1,10}|\d+\.\d+\.\d+\.\d+):\d{1,10}"),
    "autonomous-system": lambda text: integer_in(text, 1, _MAX_ASN),
    "percentage": _percentage,
    "ipv4": ipv4,
    "ipv4-mask": ipv4_mask,
    "wildcard": ipv4,
    "ipv4-prefix": ipv4_prefix,
    "ipv4-cidr": _cidr(ipaddress.IPv4Interface),
    "ipv6-cidr": _cidr(ipaddress.IPv6Interface),
    "ipv6": ipv6,
    "ipv6-interface": ipv6_interface,
    "port": port,
    "vlan-list": _vlan_list,
}


def parsed(kind: str, text: str) -> str | None:
    """Return the argument as the configuration spells it, or None when it is not of this kind.

    Raises KeyError for a kind that no grammar may use.
    """
    if matched := re.fullmatch(r"(\d+)-(\d+)", kind):
        return integer_in(text, int(matched[1]), int(matched[2]))
    if "|" in kind:
        words = kind.split("|")
        found = [word for word in words if word.startswith(text.lower())]
        if text.lower() in words:
            return text.lower()
        return found[0] if len(found) == 1 else None
    return _KINDS[kind](text)
