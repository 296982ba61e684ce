"""From compact file entries to the rows they stand for: ranges, splits, repetitions, marks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from itertools import product
from typing import Any

from inventory.file_model import Item, Marking, PoolEntry
from inventory.file_values import Values
from inventory.kinds import Network, is_prefix, kind_of, prefix_attributes, scope_of
from inventory.states import ResourceState

MAX_ROWS = 65_536
_RANGE = re.compile(r"(\d{1,10})-(\d{1,10})")
_VARIABLE = re.compile(r"\{(\w+)\}")


class ExpansionError(ValueError):
    """An entry stands for nothing sensible; names the field, what is wrong and the fix."""

    def __init__(self, field_name: str, text: str, fix: str) -> None:
        self.field = field_name
        self.text = text
        self.fix = fix
        super().__init__(f"{field_name}: {text}; {fix}")


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
    """Yield the pools an entry stands for; raises ``ExpansionError``."""
    for variables in _combinations(entry.for_each):
        attributes = _filled(dict(entry.attributes), variables)
        name = _filled(entry.name, variables)
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
        if len(rows) > MAX_ROWS:
            raise ExpansionError(
                "values", f"stand for more than {MAX_ROWS} entries", "make smaller pools"
            )
    _mark(rows, entry)
    return list(rows.values())


def _members(
    entry: PoolEntry, common: dict[str, Any], variables: dict[str, Any]
) -> Iterator[tuple[Any, dict[str, Any], str | None]]:
    for value in _numbers(entry.values):
        typed = _typed(entry.kind, value)
        yield typed, {**common, "value": typed}, None
    for network in _networks(entry):
        yield str(network), {**common, **prefix_attributes(entry.kind, network)}, None
    for item in entry.items:
        yield from _repeated(item, common, variables)


def _repeated(
    item: Item, common: dict[str, Any], variables: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any], str | None]]:
    for inner in _combinations(item.for_each):
        known = {**variables, **inner}
        own = {**common, **_filled(dict(item.attributes), known)}
        value = _filled(item.value, {**own, **known})
        yield value, {**own, "value": value}, item.earmark


def _networks(entry: PoolEntry) -> Iterator[Network]:
    for text in entry.prefix:
        network = ip_network(str(text))
        length = entry.split or network.prefixlen
        longest = kind_of(entry.kind).longest
        if longest is not None and length > longest:
            raise ExpansionError(
                "split" if entry.split else "prefix",
                f"/{length} has no room for a gateway and a CE",
                f"use /{longest} or shorter",
            )
        if 2 ** (length - network.prefixlen) > MAX_ROWS:
            raise ExpansionError(
                "split", f"{network} makes more than {MAX_ROWS} entries", "split a smaller prefix"
            )
        yield from network.subnets(new_prefix=length)


def _typed(kind: str, value: int | str) -> int | str:
    limits = kind_of(kind).range
    if limits is None:
        return value
    low, high = limits
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or not low <= value <= high:
        raise ExpansionError(
            "values", f"{value} is no {kind}", f"use whole numbers from {low} to {high}"
        )
    return value


def _numbers(values: Values) -> Iterator[int | str]:
    for value in values:
        match = _RANGE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            yield value
            continue
        low, high = int(match[1]), int(match[2])
        if not 0 <= high - low < MAX_ROWS:
            raise ExpansionError(
                "values", f"range {value} is empty or too long", f"at most {MAX_ROWS}, low first"
            )
        yield from range(low, high + 1)


def _mark(rows: dict[str, WantedResource], entry: PoolEntry) -> None:
    for earmark in entry.earmarks:
        for text in _covered(rows, earmark.value, entry.kind, "earmarks"):
            rows[text] = replace(rows[text], earmark=earmark.site)
    states: tuple[tuple[str, ResourceState, tuple[Marking, ...]], ...] = (
        ("used", ResourceState.USED_ELSEWHERE, entry.used),
        ("retired", ResourceState.RETIRED, entry.retired),
    )
    for name, state, marks in states:
        for mark in marks:
            for text in _covered(rows, mark.value, entry.kind, name):
                rows[text] = replace(rows[text], state=state, used_by=mark.by)


def _covered(
    rows: dict[str, WantedResource], values: Values, kind: str, name: str
) -> Iterator[str]:
    for value in _numbers(values):
        found = _inside(rows, str(value)) if is_prefix(kind) else [str(value)]
        if not found or found[0] not in rows:
            raise ExpansionError(name, f"{value} is not in the pool", "correct it or remove it")
        yield from found


def _inside(rows: dict[str, WantedResource], text: str) -> list[str]:
    try:
        outer = ip_network(text)
    except ValueError as error:
        raise ExpansionError("used", str(error), "write a prefix") from error
    return [
        row
        for row in rows
        if (inner := ip_network(row)).version == outer.version
        and inner.network_address in outer
        and inner.prefixlen >= outer.prefixlen
    ]


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
