"""From a file's content to its entries and what they stand for, with every mistake in it.

Needs no database. One wrong entry does not hide the next: each is read by itself, and what is
right goes on to be compared with what there is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from pydantic import ValidationError

from inventory.counting import Size, size_of
from inventory.expansion import WantedPool, expand
from inventory.file_model import (
    CustomerEntry,
    DeviceEntry,
    Entry,
    InventoryFile,
    NetworkEntry,
    PoolEntry,
    SiteEntry,
)
from inventory.problems import (
    MOST_PROBLEMS,
    ExpansionError,
    InventoryFileError,
    Place,
    Problem,
    pointer_to,
)

MAX_CONTENT = 1_000_000
"""Most values and names of one file."""

_NAMES = {"customers": "id", "sites": "key", "devices": "name", "pools": "name"}
_FIXES = {
    "missing": "add the field",
    "extra_forbidden": "remove the field or correct its spelling",
    "string_pattern_mismatch": "use letters, digits and . _ : - only",
}
_E = TypeVar("_E", bound=Entry)


@dataclass(frozen=True)
class Reading:
    """The right entries of a file, what its pools stand for, and everything that is wrong."""

    file: InventoryFile
    pools: tuple[WantedPool, ...] = ()
    problems: tuple[Problem, ...] = ()
    places: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """By section and name the index of each entry, also of a wrong one; of pools, of each made."""
    entries: Mapping[int, PoolEntry] = field(default_factory=dict, repr=False)
    """The right pool entries by their index."""

    def entry_of_pool(self, name: str) -> PoolEntry | None:
        """Return the entry that made a pool."""
        return self.entries.get(self.places["pools"][name])

    def problem(self, section: str, name: str, at: str, text: str, fix: str) -> Problem:
        """Return a finding about a named entry; ``at`` is a field, with dots into it."""
        index = self.places.get(section, {}).get(name)
        if index is None:
            return Problem(entry=f"{section} {name!r}", field=at, text=text, fix=fix)
        place = (section, index, *_steps(at))
        label = f"{section}[{index}] {name!r}"
        return Problem(entry=label, field=at, text=text, fix=fix, pointer=pointer_to(place))


def read(content: object, name: str) -> Reading:
    """Return what a file's parsed content says; raises ``InventoryFileError`` if it is no file."""
    if not isinstance(content, dict):
        text, fix = "has no entries", "start with keys such as sites:, devices: and pools:"
        raise _refused(name, text, fix)
    if _is_more(content, MAX_CONTENT):
        text = f"has more than {MAX_CONTENT} values"
        raise _refused(name, text, "split it into several files")
    reader = _Reader(content)
    file = reader.file()
    pools = reader.expanded(file)
    entries = dict(zip(reader.indices, file.pools, strict=True))
    return Reading(file, pools, tuple(reader.problems), reader.places, entries)


def _refused(name: str, text: str, fix: str) -> InventoryFileError:
    return InventoryFileError(name, [Problem(entry="file", field="", text=text, fix=fix)])


def _is_more(content: object, most: int) -> bool:
    waiting, count = [content], 0
    while waiting:
        found = waiting.pop()
        count += 1
        if isinstance(found, dict):
            count += len(found)
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
        if count + len(waiting) > most:
            return True
    return False


class _Reader:
    """Collects mistakes up to ``MOST_PROBLEMS``; what comes later is not looked at any more."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content
        self.problems: list[Problem] = []
        self.places: dict[str, dict[str, int]] = {section: {} for section in _NAMES}
        self.indices: list[int] = []
        """Of the right entries among the pools."""

    def file(self) -> InventoryFile:
        known = InventoryFile.model_fields
        for key in self._content:
            if key not in known:
                self._add((str(key),), "", "is no section", f"use {', '.join(known)}")
        customers = tuple(entry for _, entry in self._section("customers", CustomerEntry))
        sites = tuple(entry for _, entry in self._section("sites", SiteEntry))
        devices = tuple(entry for _, entry in self._section("devices", DeviceEntry))
        pools = list(self._section("pools", PoolEntry))
        self.indices = [index for index, _ in pools]
        return InventoryFile.model_construct(
            network=self._network(),
            new_kinds=self._new_kinds(),
            customers=customers,
            sites=sites,
            devices=devices,
            pools=tuple(entry for _, entry in pools),
        )

    def _network(self) -> NetworkEntry | None:
        given = self._content.get("network")
        return None if given is None else self._entry(NetworkEntry, given, ("network",))

    def _new_kinds(self) -> tuple[str, ...]:
        given = {"new_kinds": self._content.get("new_kinds") or ()}
        try:
            return InventoryFile.model_validate(given).new_kinds
        except ValidationError as error:
            self._tell(error, ())
            return ()

    def _section(self, section: str, model: type[_E]) -> Iterator[tuple[int, _E]]:
        entries = self._content.get(section)
        if not isinstance(entries, list | tuple | None):
            self._add((section,), "", "is no list", "write a list of entries")
            return
        name = _NAMES[section]
        for index, raw in enumerate(entries or ()):
            if len(self.problems) >= MOST_PROBLEMS:
                return
            entry = self._entry(model, raw, (section, index))
            known = raw.get(name) if isinstance(raw, dict) else None
            if isinstance(known, str) and self._is_twice(section, known, index):
                continue
            if entry is not None:
                yield index, entry

    def _is_twice(self, section: str, name: str, index: int) -> bool:
        first = self.places[section].setdefault(name, index)
        if first != index and section != "pools":  # pools are compared by the names they make
            at = _NAMES[section]
            self._add((section, index), at, f"{name!r} is there twice", "keep one")
        return first != index and section != "pools"

    def _entry(self, model: type[_E], raw: object, place: Place) -> _E | None:
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            self._tell(error, place)
            return None

    def _tell(self, error: ValidationError, place: Place) -> None:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        for each in islice(found, MOST_PROBLEMS):
            at = ".".join(str(step) for step in each["loc"])
            text = each["msg"].removeprefix("Value error, ")
            fix = _FIXES.get(each["type"], "correct the value")
            self._add(place, at, text, fix, each["loc"])

    def _add(self, place: Place, at: str, text: str, fix: str, steps: Place | None = None) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            within = (*place, *(_steps(at) if steps is None else steps))
            self.problems.append(
                Problem(
                    entry=self._label(place) or at, field=at if place else "",
                    text=text, fix=fix, pointer=pointer_to(within),
                )
            )  # fmt: skip

    def _label(self, place: Place) -> str:
        if len(place) < len(("section", "index")):
            return str(place[0]) if place else ""
        section, index = str(place[0]), int(place[1])
        entry = self._content[section][index]
        named = entry.get(_NAMES[section]) if isinstance(entry, dict) else None
        label = f"{section}[{index}]"
        return label if named is None else f"{label} {str(named)[:100]!r}"

    def expanded(self, file: InventoryFile) -> tuple[WantedPool, ...]:
        """Return the pools that the entries stand for; each is counted before it is made."""
        pools: dict[str, WantedPool] = {}
        total = Size()
        for index, entry in zip(self.indices, file.pools, strict=True):
            place: Place = ("pools", index)
            try:
                grown = total + size_of(entry)
                grown.check("for_each" if entry.for_each else "values")
                total = grown
                for pool in expand(entry):
                    if pool.name in pools:
                        text = f"pool {pool.name!r} is there twice"
                        self._add(place, "name", text, "give it another name")
                    pools[pool.name] = pool
                    self.places["pools"][pool.name] = index
            except ExpansionError as error:
                self._add(place, error.field, error.text, error.fix)
        return tuple(pools.values())


def _steps(field_name: str) -> Place:
    """Return the steps of a field written with dots; digits are an index."""
    return tuple(int(step) if step.isdecimal() else step for step in field_name.split(".") if step)
