"""How much a pool's entry stands for, by arithmetic: known before any of it is made."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from inventory.file_model import PoolEntry
from inventory.file_values import Values
from inventory.kinds import kind_of
from inventory.problems import ExpansionError

MAX_ROWS = 65_536
"""Most entries of one pool, and most repetitions of one ``for_each``."""
MAX_FILE_ROWS = 200_000
"""Most pools and entries that one file stands for, altogether."""
MAX_CHARACTERS = 100_000_000
"""Of all texts that one file stands for, altogether."""

_RANGE = re.compile(r"([0-9]{1,10})-([0-9]{1,10})")
_VARIABLE = re.compile(r"\{(\w+)\}")
_ROW = 100
"""Characters that a row takes besides its own texts."""
_OF_PREFIX = 50
"""Longest text that is made of a prefix, with its name."""


@dataclass(frozen=True, slots=True)
class Size:
    """Rows (pools and their entries) and characters of what an entry stands for."""

    rows: int = 0
    characters: int = 0

    def __add__(self, other: "Size") -> "Size":
        return Size(self.rows + other.rows, self.characters + other.characters)

    def check(self, field: str) -> None:
        """Raise ``ExpansionError`` for more than one file may stand for."""
        for number, most, what in (
            (self.rows, MAX_FILE_ROWS, "entries"),
            (self.characters, MAX_CHARACTERS, "characters"),
        ):
            if number > most:
                raise ExpansionError(
                    field,
                    f"makes it {number} {what} in this file, more than {most}",
                    "split it into several files, or make smaller pools",
                )


def range_of(value: int | str) -> tuple[int, int] | None:
    """Return the ends of a range such as ``2100-2199``, ``None`` for a single value."""
    match = _RANGE.fullmatch(value) if isinstance(value, str) else None
    return None if match is None else (int(match[1]), int(match[2]))


def size_of(entry: PoolEntry) -> Size:
    """Return how much an entry stands for; raises ``ExpansionError`` naming field and bound."""
    pools = _repetitions(entry.for_each, "for_each")
    rows = _own_rows(entry)
    of_items = [_repetitions(item.for_each, f"items.{n}.for_each")
                for n, item in enumerate(entry.items)]  # fmt: skip
    _bounded(rows + sum(of_items), "items" if entry.items else "values")
    _check_marks(entry)
    size = Size(pools * (1 + rows + sum(of_items)), pools * _characters(entry, rows, of_items))
    size.check("for_each" if entry.for_each else "values")
    return size


def _own_rows(entry: PoolEntry) -> int:
    """Return how many entries values and prefixes make in one pool."""
    rows = _many(entry.values, "values")
    for text in entry.prefix:
        network = ip_network(str(text))
        length = entry.split or network.prefixlen
        if length - network.prefixlen > MAX_ROWS.bit_length():
            raise ExpansionError(
                "split", f"{network} makes more than {MAX_ROWS} entries", "split a smaller prefix"
            )
        rows += 2 ** (length - network.prefixlen)
        _bounded(rows, "split" if entry.split else "prefix")
    return rows


def _check_marks(entry: PoolEntry) -> None:
    """Bound what marks cover as a pool's entries are, so that the work is bounded too."""
    for field in ("used", "retired", "earmarks"):
        _bounded(sum(_many(mark.value, field) for mark in getattr(entry, field)), field)


def _many(values: Values, field: str) -> int:
    """Return how many values a list of values and ranges stands for."""
    total = 0
    for value in values:
        ends = range_of(value)
        if ends is not None and ends[1] < ends[0]:
            raise ExpansionError(
                field, f"range {value} is empty or too long", f"at most {MAX_ROWS}, low first"
            )
        total += 1 if ends is None else ends[1] - ends[0] + 1
    _bounded(total, field)
    return total


def _repetitions(for_each: Mapping[str, Values], field: str) -> int:
    total = 1
    for name, values in for_each.items():
        total *= _many(values, f"{field}.{name}")
        _bounded(total, field)
    return total


def _bounded(total: int, field: str) -> None:
    if total > MAX_ROWS:
        raise ExpansionError(
            field, f"stands for {total} entries, more than {MAX_ROWS}", "make smaller pools"
        )


def _characters(entry: PoolEntry, rows: int, of_items: list[int]) -> int:
    """Return an upper bound of the characters of one pool with all its entries."""
    known = _longest(entry.for_each)
    common = sum(_lengths(entry.item_attributes, known))
    own = sum(_lengths([entry.name, dict(entry.attributes)], known))
    scope = sum(_lengths([entry.scope or "", entry.name, dict(entry.attributes)], known))
    plain = _ROW + common + scope + _OF_PREFIX * len(kind_of(entry.kind).gives)
    total = _ROW + own + rows * plain
    for item, times in zip(entry.items, of_items, strict=True):
        within = known | _longest(item.for_each)
        attributes = {**entry.item_attributes, **item.attributes}
        filled = {name: sum(_lengths(value, within)) for name, value in attributes.items()}
        value = sum(_lengths(item.value, filled | within))
        total += times * (plain + sum(filled.values()) + 2 * value)
    return total


def _longest(for_each: Mapping[str, Values]) -> dict[str, int]:
    return {
        name: max((len(str(value)) for value in values), default=0)
        for name, values in for_each.items()
    }


def _lengths(value: Any, known: Mapping[str, int]) -> Iterator[int]:
    """Yield how long each text of a template may become."""
    if isinstance(value, str):
        yield len(value) + sum(known.get(name, 0) for name in _VARIABLE.findall(value))
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield len(name)
            yield from _lengths(inner, known)
    elif isinstance(value, list):
        for inner in value:
            yield from _lengths(inner, known)
    else:
        yield len(str(value))
