"""From compact file entries to the rows they stand for: ranges, splits, repetitions, marks."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from itertools import product
from typing import Any

from inventory.counting import range_of, size_of
from inventory.file_model import Item, Marking, PoolEntry
from inventory.file_values import LONGEST_TEXT, Values
from inventory.kinds import Network, is_prefix, kind_of, prefix_attributes, scope_of
from inventory.problems import ExpansionError
from inventory.states import ResourceState

_VARIABLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class WantedResource:
    """One row of table resource as the file wants it."""

    value: str
    attributes: Mapping[str, Any]
    scope: str
    ordinal: int
    prefix: str | None = None
    earmark: str | None = None
    state: ResourceState = ResourceState.AVAILABLE
    used_by: str | None = None


@dataclass(frozen=True, slots=True)
class WantedPool:
    """One row of table pool as the file wants it, with its resources."""

    name: str
    kind: str
    mode: str
    shared: bool
    attributes: Mapping[str, Any]
    pattern: str | None
    capacity: int | None
    used_elsewhere: int
    watermark: int | None
    quarantine_seconds: int
    resources: tuple[WantedResource, ...] = field(default=(), repr=False)


def expand(entry: PoolEntry) -> Iterator[WantedPool]:
    """Yield the pools an entry stands for; raises ``ExpansionError``, for too much before all."""
    size_of(entry)
    for variables in _combinations(entry.for_each):
        attributes = _filled(dict(entry.attributes), variables)
        name = _short("name", _filled(entry.name, variables))
        used_elsewhere = sum(mark.amount for mark in (*entry.used, *entry.retired))
        if used_elsewhere > (entry.capacity or 0):
            raise ExpansionError(
                "used", f"is more than the capacity ({entry.capacity or 'none'})", "raise capacity"
            )
        yield WantedPool(
            name=name,
            kind=entry.kind,
            mode=entry.mode,
            shared=entry.is_shared,
            attributes=attributes,
            pattern=entry.pattern,
            capacity=entry.capacity,
            used_elsewhere=used_elsewhere,
            watermark=entry.watermark,
            quarantine_seconds=_quarantine_seconds(entry),
            resources=tuple(_resources(entry, name, attributes, variables)),
        )


def _quarantine_seconds(entry: PoolEntry) -> int:
    chosen = kind_of(entry.kind).quarantine if entry.quarantine is None else entry.quarantine
    return int(chosen.total_seconds())


def _resources(
    entry: PoolEntry, pool: str, attributes: dict[str, Any], variables: dict[str, Any]
) -> list[WantedResource]:
    scope = scope_of(entry.kind, pool, _filled(entry.scope, variables), attributes)
    common = _filled(dict(entry.item_attributes), variables)
    rows: dict[str, WantedResource] = {}
    for value, own, earmark in _members(entry, common, variables):
        prefix = value if is_prefix(entry.kind) else None
        text = str(value)
        if text in rows:
            raise ExpansionError("values", f"{text} is there twice in pool {pool}", "keep one")
        rows[text] = WantedResource(text, own, scope, len(rows), prefix, earmark)
    _mark(rows, entry)
    return list(rows.values())


def _members(
    entry: PoolEntry, common: dict[str, Any], variables: dict[str, Any]
) -> Iterator[tuple[Any, dict[str, Any], str | None]]:
    for value in _numbers(entry.values):
        typed = _typed("values", entry.kind, value)
        yield typed, {**common, "value": typed}, None
    for network in _networks(entry):
        yield str(network), {**common, **prefix_attributes(entry.kind, network)}, None
    for item in entry.items:
        yield from _repeated(entry.kind, item, common, variables)


def _repeated(
    kind: str, item: Item, common: dict[str, Any], variables: dict[str, Any]
) -> Iterator[tuple[int | str, dict[str, Any], str | None]]:
    for inner in _combinations(item.for_each):
        known = {**variables, **inner}
        own = {**common, **_filled(dict(item.attributes), known)}
        value = _short("items", _filled(item.value, {**own, **known}))
        if is_prefix(kind):
            network = _network("items", value)
            _fit_prefix("items", kind, network)
            yield str(network), {**prefix_attributes(kind, network), **own}, item.earmark
        else:
            typed = _typed("items", kind, value)
            yield typed, {**own, "value": typed}, item.earmark


def _short(field_name: str, text: str) -> str:
    if not text or len(text) > LONGEST_TEXT:
        raise ExpansionError(
            field_name, f"{text[:40]!r} has {len(text)} characters", f"use 1 to {LONGEST_TEXT}"
        )
    return text


def _networks(entry: PoolEntry) -> Iterator[Network]:
    for text in entry.prefix:
        network = ip_network(str(text))
        length = entry.split or network.prefixlen
        _fit_prefix("split" if entry.split else "prefix", entry.kind, network, length)
        yield from network.subnets(new_prefix=length)


def _network(field_name: str, text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ExpansionError(field_name, str(error), "write a prefix") from error


def _fit_prefix(field_name: str, kind: str, network: Network, length: int | None = None) -> None:
    known = kind_of(kind)
    length = network.prefixlen if length is None else length
    if known.family not in (None, network.version):
        raise ExpansionError(
            field_name, f"{network} is IPv{network.version}", f"{kind} takes IPv{known.family}"
        )
    if known.longest is not None and length > known.longest:
        raise ExpansionError(
            field_name,
            f"/{length} has no room for all that a {kind} gives",
            f"use /{known.longest} or shorter",
        )


def _typed(field_name: str, kind: str, value: int | str) -> int | str:
    limits = kind_of(kind).range
    if limits is None:
        return value
    low, high = limits
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or not low <= value <= high:
        raise ExpansionError(
            field_name, f"{value} is no {kind}", f"use whole numbers from {low} to {high}"
        )
    return value


def _numbers(values: Values) -> Iterator[int | str]:
    for value in values:
        ends = range_of(value)
        if ends is None:
            yield value
        else:
            yield from range(ends[0], ends[1] + 1)


def _mark(rows: dict[str, WantedResource], entry: PoolEntry) -> None:
    covering = _Covering(rows, entry.kind)
    marked: dict[str, set[str]] = {"earmarks": set(), "used": set(), "retired": set()}

    def named(values: Values, name: str) -> Iterator[str]:
        for text in covering.rows(values, name):
            if text in marked[name]:
                raise ExpansionError(name, f"{text} is there twice", "keep one")
            marked[name].add(text)
            yield text

    for earmark in entry.earmarks:
        for text in named(earmark.value, "earmarks"):
            rows[text] = replace(rows[text], earmark=earmark.site)
    states: tuple[tuple[str, ResourceState, tuple[Marking, ...]], ...] = (
        ("used", ResourceState.USED_ELSEWHERE, entry.used),
        ("retired", ResourceState.RETIRED, entry.retired),
    )
    for name, state, marks in states:
        for mark in marks:
            for text in named(mark.value, name):
                rows[text] = replace(rows[text], state=state, used_by=mark.by)


class _Covering:
    """Finds the rows that marks name: a mark of prefixes covers all rows inside it."""

    def __init__(self, rows: Mapping[str, WantedResource], kind: str) -> None:
        self._rows = rows
        self._by_prefix = is_prefix(kind)
        self._sorted: list[tuple[int, int, int, str]] = []
        if self._by_prefix:
            networks = [(ip_network(text), text) for text in rows]
            self._sorted = sorted(
                (net.version, int(net.network_address), net.prefixlen, text)
                for net, text in networks
            )

    def rows(self, values: Values, field_name: str) -> Iterator[str]:
        for value in _numbers(values):
            found = self._inside(str(value), field_name) if self._by_prefix else [str(value)]
            if not found or found[0] not in self._rows:
                raise ExpansionError(
                    field_name, f"{value} is not in the pool", "correct it or remove it"
                )
            yield from found

    def _inside(self, text: str, field_name: str) -> list[str]:
        outer = _network(field_name, text)
        first, last = int(outer.network_address), int(outer.broadcast_address)
        start = bisect_left(self._sorted, (outer.version, first, outer.prefixlen, ""))
        end = bisect_left(self._sorted, (outer.version, last + 1, 0, ""))
        # Rows of one pool do not overlap, so what begins inside lies inside.
        return [row for *_, row in self._sorted[start:end]]


def _combinations(for_each: Mapping[str, Values]) -> Iterator[dict[str, Any]]:
    names = list(for_each)
    for values in product(*(list(_numbers(for_each[name])) for name in names)):
        yield dict(zip(names, values, strict=True))


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:
    """Replace ``{name}`` by the variable in all texts; what has no variable stays as written."""
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: str(variables.get(found[1], found[0])), value)
    if isinstance(value, dict):
        return {key: _filled(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, variables) for inner in value]
    return value
