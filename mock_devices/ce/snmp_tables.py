"""The router's MIB: objects as sorted rows, and tables that managers may add rows to.

SNMPv2-MIB system and IF-MIB show the router's own state; snmpTargetAddrTable, snmpTargetParamsTable
(RFC 3413 section 4.1) and snmpNotifyTable (section 4.2) are kept in ``snmp.json`` over restarts,
and so is ifAlias (RFC 2863 section 3.1.8).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pysnmp.proto import rfc1902

Oid = tuple[int, ...]

ACTIVE, CREATE_AND_GO, DESTROY = 1, 4, 6
"""Values of RowStatus (RFC 2579) that these tables know."""


@dataclass(frozen=True, slots=True)
class Column:
    """One writable column: its syntax, the default, and whether a row cannot do without."""

    number: int
    syntax: type
    default: str | int | None = None
    longest: int = 255
    lowest: int = 0
    highest: int = 2147483647
    fixed: bool = False
    """True when it cannot change while the row is active."""


@dataclass(frozen=True, slots=True)
class RowTable:
    """A table with RowStatus, indexed by an IMPLIED name of 1 to 32 characters."""

    name: str
    entry: Oid
    status: int
    columns: tuple[Column, ...]

    def column(self, number: int) -> Column | None:
        """Return the column of this number."""
        return next((column for column in self.columns if column.number == number), None)


_STORAGE_NON_VOLATILE = 3
ROW_TABLES = (
    RowTable(
        "snmpTargetAddrTable",
        (1, 3, 6, 1, 6, 3, 12, 1, 2, 1),
        9,
        (
            Column(2, rfc1902.ObjectIdentifier, fixed=True),
            Column(3, rfc1902.OctetString, fixed=True),
            Column(4, rfc1902.Integer32, 1500),
            Column(5, rfc1902.Integer32, 3, highest=255),
            Column(6, rfc1902.OctetString, ""),
            Column(7, rfc1902.OctetString, longest=32, fixed=True),
            Column(8, rfc1902.Integer32, _STORAGE_NON_VOLATILE, lowest=1, highest=5),
        ),
    ),
    RowTable(
        "snmpTargetParamsTable",
        (1, 3, 6, 1, 6, 3, 12, 1, 3, 1),
        7,
        (
            Column(2, rfc1902.Integer32, fixed=True),
            Column(3, rfc1902.Integer32, lowest=1, fixed=True),
            Column(4, rfc1902.OctetString, fixed=True),
            Column(5, rfc1902.Integer32, lowest=1, highest=3, fixed=True),
            Column(6, rfc1902.Integer32, _STORAGE_NON_VOLATILE, lowest=1, highest=5),
        ),
    ),
    RowTable(
        "snmpNotifyTable",
        (1, 3, 6, 1, 6, 3, 13, 1, 1, 1),
        5,
        (
            Column(2, rfc1902.OctetString, ""),
            Column(3, rfc1902.Integer32, 1, lowest=1, highest=2),
            Column(4, rfc1902.Integer32, _STORAGE_NON_VOLATILE, lowest=1, highest=5),
        ),
    ),
)


@dataclass(slots=True)
class Memory:
    """What the agent keeps over restarts.

    ``rows``: table name → row name → column number (as text) → value; octet strings as hex text,
    object identifiers dotted.
    """

    aliases: dict[str, str] = field(default_factory=dict)
    rows: dict[str, dict[str, dict[str, str | int]]] = field(default_factory=dict)


def stored(column: Column, value: Any) -> str | int:
    """Return a value as ``Memory`` keeps it."""
    if column.syntax is rfc1902.OctetString:
        return bytes(value).hex()
    if column.syntax is rfc1902.ObjectIdentifier:
        return str(value)
    return int(value)


def shown(column: Column, value: str | int) -> object:
    """Return a kept value in the column's syntax."""
    if column.syntax is rfc1902.OctetString:
        return rfc1902.OctetString(hexValue=str(value))
    return column.syntax(value)


def default_of(column: Column) -> str | int | None:
    """Return a column's default as ``Memory`` keeps it, None when it has none."""
    if isinstance(column.default, str):
        return column.default.encode().hex()
    return column.default


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface as IF-MIB shows it."""

    index: int
    name: str
    short_name: str
    description: str
    enabled: bool
    up: bool
    speed_bps: int
    loopback: bool


@dataclass(frozen=True, slots=True)
class SystemGroup:
    """The scalars of SNMPv2-MIB's system group; ``uptime`` in hundredths of a second."""

    description: str
    uptime: int
    contact: str
    name: str
    location: str


_SYSTEM: Oid = (1, 3, 6, 1, 2, 1, 1)
_INTERFACES: Oid = (1, 3, 6, 1, 2, 1, 2)
_IF_ENTRY: Oid = (*_INTERFACES, 2, 1)
IF_ALIAS: Oid = (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 18)
SYS_CONTACT: Oid = (*_SYSTEM, 4, 0)
SYS_NAME: Oid = (*_SYSTEM, 5, 0)
SYS_LOCATION: Oid = (*_SYSTEM, 6, 0)
_PRODUCT: Oid = (1, 3, 6, 1, 4, 1, 9, 1, 1707)
_ETHERNET, _SOFTWARE_LOOPBACK = 6, 24
_UP, _DOWN = 1, 2


def objects(
    system: SystemGroup, interfaces: Mapping[int, Interface], memory: Memory
) -> dict[Oid, object]:
    """Return every object the agent has, by its instance."""
    result: dict[Oid, object] = {
        (*_SYSTEM, 1, 0): rfc1902.OctetString(system.description),
        (*_SYSTEM, 2, 0): rfc1902.ObjectIdentifier(_PRODUCT),
        (*_SYSTEM, 3, 0): rfc1902.TimeTicks(system.uptime % 2**32),
        SYS_CONTACT: rfc1902.OctetString(system.contact),
        SYS_NAME: rfc1902.OctetString(system.name),
        SYS_LOCATION: rfc1902.OctetString(system.location),
        (*_SYSTEM, 7, 0): rfc1902.Integer32(78),
        (*_INTERFACES, 1, 0): rfc1902.Integer32(len(interfaces)),
    }
    for interface in interfaces.values():
        result.update(_interface_objects(interface, memory))
    for table in ROW_TABLES:
        for name, values in memory.rows.get(table.name, {}).items():
            index = tuple(name.encode("latin-1"))
            result[(*table.entry, table.status, *index)] = rfc1902.Integer32(ACTIVE)
            for column in table.columns:
                value = shown(column, values[str(column.number)])
                result[(*table.entry, column.number, *index)] = value
    return result


def _interface_objects(interface: Interface, memory: Memory) -> dict[Oid, object]:
    index = interface.index
    alias = memory.aliases.get(interface.name, interface.description)
    kind = _SOFTWARE_LOOPBACK if interface.loopback else _ETHERNET
    extended = IF_ALIAS[:-1]
    return {
        (*_IF_ENTRY, 1, index): rfc1902.Integer32(index),
        (*_IF_ENTRY, 2, index): rfc1902.OctetString(interface.name),
        (*_IF_ENTRY, 3, index): rfc1902.Integer32(kind),
        (*_IF_ENTRY, 5, index): rfc1902.Gauge32(min(interface.speed_bps, 2**32 - 1)),
        (*_IF_ENTRY, 7, index): rfc1902.Integer32(_UP if interface.enabled else _DOWN),
        (*_IF_ENTRY, 8, index): rfc1902.Integer32(_UP if interface.up else _DOWN),
        (*extended, 1, index): rfc1902.OctetString(interface.short_name),
        (*extended, 15, index): rfc1902.Gauge32(interface.speed_bps // 1_000_000),
        (*IF_ALIAS, index): rfc1902.OctetString(alias),
    }


Writer = Callable[[str, str], None]
"""Writes a scalar (``location``, ``contact``, ``hostname``) into the configuration."""
