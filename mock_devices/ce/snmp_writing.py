"""SET requests: every variable is checked before the first is written (RFC 3416 section 4.2.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pysnmp.proto import rfc1902
from pysnmp.smi import error

from mock_devices.ce.snmp_tables import (
    ACTIVE,
    CREATE_AND_GO,
    DESTROY,
    IF_ALIAS,
    ROW_TABLES,
    SYS_CONTACT,
    SYS_LOCATION,
    SYS_NAME,
    Column,
    Interface,
    Memory,
    Oid,
    RowTable,
    Writer,
    default_of,
    stored,
)

_LONGEST_ALIAS = 64
_LONGEST_NAME = 32
_SCALARS = {SYS_CONTACT: "contact", SYS_NAME: "hostname", SYS_LOCATION: "location"}


@dataclass(slots=True)
class _RowRequest:
    table: RowTable
    name: str
    first: int
    """Place of the row's first variable in the request, which errors name."""
    status: int | None = None
    values: dict[int, str | int] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)


class WriteRequest:
    """One SET; ``add`` checks each variable, ``commit`` checks the rows and writes everything.

    Both raise pysnmp's SMI errors with the variable's place in ``idx``.
    """

    def __init__(
        self, memory: Memory, interfaces: Mapping[int, Interface], write_scalar: Writer
    ) -> None:
        self._memory = memory
        self._interfaces = interfaces
        self._write_scalar = write_scalar
        self._scalars: list[tuple[str, str]] = []
        self._aliases: list[tuple[str, str]] = []
        self._rows: dict[tuple[str, str], _RowRequest] = {}

    def add(self, place: int, oid: Oid, value: Any) -> None:
        """Check one variable."""
        if oid in _SCALARS:
            self._scalars.append((_SCALARS[oid], _text(place, oid, value, 255)))
        elif oid[:-1] == IF_ALIAS:
            interface = self._interfaces.get(oid[-1])
            if interface is None:
                raise error.NoCreationError(name=oid, idx=place)
            self._aliases.append((interface.name, _text(place, oid, value, _LONGEST_ALIAS)))
        else:
            self._add_to_row(place, oid, value)

    def commit(self) -> None:
        """Check what concerns whole rows, then write."""
        for row in self._rows.values():
            self._check(row)
        for name, text in self._scalars:
            self._write_scalar(name, text)
        for name, text in self._aliases:
            self._memory.aliases[name] = text
        for row in self._rows.values():
            self._write(row)

    def _add_to_row(self, place: int, oid: Oid, value: Any) -> None:
        for table in ROW_TABLES:
            length = len(table.entry)
            if oid[:length] == table.entry and len(oid) > length + 1:
                number, index = oid[length], oid[length + 1 :]
                break
        else:
            raise error.NotWritableError(name=oid, idx=place)
        if len(index) > _LONGEST_NAME or max(index) > 255:
            raise error.NoCreationError(name=oid, idx=place)
        name = bytes(index).decode("latin-1")
        row = self._rows.setdefault((table.name, name), _RowRequest(table, name, place))
        if number == table.status:
            row.status = _integer(place, oid, value)
            row.first = place
            return
        column = table.column(number)
        if column is None:
            raise error.NotWritableError(name=oid, idx=place)
        row.values[number] = _checked(place, oid, value, column)
        row.places[number] = place

    def _known(self, row: _RowRequest) -> dict[str, str | int] | None:
        return self._memory.rows.get(row.table.name, {}).get(row.name)

    def _check(self, row: _RowRequest) -> None:
        known = self._known(row)
        oid = (*row.table.entry, row.table.status, *row.name.encode("latin-1"))
        if row.status == DESTROY:
            return
        if row.status not in {None, ACTIVE, CREATE_AND_GO}:
            raise error.WrongValueError(name=oid, idx=row.first)
        if row.status == CREATE_AND_GO:
            if known is not None or self._missing(row):
                raise error.InconsistentValueError(name=oid, idx=row.first)
            return
        if known is None:
            raise error.InconsistentNameError(name=oid, idx=row.first)
        for number, value in row.values.items():
            column = row.table.column(number)
            if column is not None and column.fixed and known[str(number)] != value:
                raise error.InconsistentValueError(name=oid, idx=row.places[number])

    @staticmethod
    def _missing(row: _RowRequest) -> bool:
        return any(
            column.default is None and column.number not in row.values
            for column in row.table.columns
        )

    def _write(self, row: _RowRequest) -> None:
        rows = self._memory.rows.setdefault(row.table.name, {})
        if row.status == DESTROY:
            rows.pop(row.name, None)
            return
        values = rows.setdefault(row.name, {})
        for column in row.table.columns:
            given = row.values.get(column.number, values.get(str(column.number)))
            value = default_of(column) if given is None else given
            if value is not None:
                values[str(column.number)] = value


def _checked(place: int, oid: Oid, value: Any, column: Column) -> str | int:
    if not _same_kind(value, column.syntax):
        raise error.WrongTypeError(name=oid, idx=place)
    result = stored(column, value)
    if column.syntax is rfc1902.OctetString and len(str(result)) // 2 > column.longest:
        raise error.WrongLengthError(name=oid, idx=place)
    if isinstance(result, int) and not column.lowest <= result <= column.highest:
        raise error.WrongValueError(name=oid, idx=place)
    return result


def _same_kind(value: Any, syntax: type) -> bool:
    return bool(getattr(value, "tagSet", None) == syntax().tagSet)


def _integer(place: int, oid: Oid, value: Any) -> int:
    if not _same_kind(value, rfc1902.Integer32):
        raise error.WrongTypeError(name=oid, idx=place)
    return int(value)


def _text(place: int, oid: Oid, value: Any, longest: int) -> str:
    if not _same_kind(value, rfc1902.OctetString):
        raise error.WrongTypeError(name=oid, idx=place)
    raw = bytes(value)
    if len(raw) > longest:
        raise error.WrongLengthError(name=oid, idx=place)
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError as failure:
        raise error.WrongValueError(name=oid, idx=place) from failure
    if text and not text.isprintable():
        raise error.WrongValueError(name=oid, idx=place)
    return text


def apply(request: WriteRequest, variables: Sequence[tuple[Oid, Any]]) -> None:
    """Check and write the variables of one SET."""
    for place, (oid, value) in enumerate(variables):
        request.add(place, oid, value)
    request.commit()
