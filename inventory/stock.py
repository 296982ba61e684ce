"""What is free in locked pools, in memory: choosing is pure and never half done."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from inventory.model import ResourceRequest, Shortage
from inventory.requests import reference, references

ANY = "*"
"""Attribute value of a pool that fits every request, such as an uplink for all its ports."""


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool as reservation sees it."""

    id: UUID
    name: str
    kind: str
    mode: str
    shared: bool
    attributes: Mapping[str, Any]
    pattern: str | None
    free_amount: int = 0


@dataclass(frozen=True, slots=True)
class FreeItem:
    """A free resource of a pool, earmarked for one site or for nobody."""

    id: UUID
    value: str
    attributes: Mapping[str, Any]
    earmark: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What a request gets: an item, an amount, or a name made by a pattern."""

    request: ResourceRequest
    pool: PoolRow
    id: UUID
    attributes: Mapping[str, Any]
    is_new: bool = False
    """True for a pattern's value that has no row yet."""
    is_held: bool = False
    """True for what the site had before: only to be referred to."""

    def attribute(self, name: str) -> Any:
        """Return the resource's own attribute, else the pool's, else ``None``."""
        return self.attributes.get(name, self.pool.attributes.get(name))


Chosen = Mapping[str, Choice]


def fits(attributes: Mapping[str, Any], key: str, value: Any) -> bool:
    """Tell whether a pool's attribute meets a wanted value; texts and numbers compare as text."""
    present = attributes.get(key)
    return present is not None and (present == ANY or str(present) == str(value))


@dataclass(slots=True)
class Stock:
    """Free items and amounts of the locked pools; ``take`` removes what a bundle got."""

    pools: Mapping[str, Sequence[PoolRow]]
    """By kind, in order of preference."""
    items: dict[UUID, list[FreeItem]]
    patterns: Mapping[tuple[UUID, str], UUID] = field(default_factory=dict)
    """Rows that a pattern's value has already, by pool and value."""
    spent: defaultdict[UUID, int] = field(default_factory=lambda: defaultdict(int))

    def choose(
        self, site: str, group: Sequence[ResourceRequest], known: Chosen
    ) -> tuple[dict[str, Choice], tuple[Shortage, ...]]:
        """Choose for a group of requests; with shortages, the choice is the best that failed.

        An item others refer to is tried in order of preference until all that refers to it can
        be had as well; the work grows with the product of such candidates.
        """
        if not group:
            return {}, ()
        request, rest = group[0], group[1:]
        if any(target.name not in known for target in references(request).values()):
            return self.choose(site, rest, known)  # its target's own shortage says it all
        if not any(request.name in _targets(other) for other in rest):
            first = next(self._options(site, request, known), None)
            if first is None:
                chosen, shortages = self.choose(site, rest, known)
                return chosen, (self._shortage(site, request, known), *shortages)
            chosen, shortages = self.choose(site, rest, {**known, request.name: first})
            return {request.name: first, **chosen}, shortages
        return self._best(site, group, known)

    def take(self, chosen: Chosen) -> None:
        """Remove what was chosen from what is free."""
        taken: dict[UUID, set[UUID]] = defaultdict(set)
        for choice in chosen.values():
            if choice.pool.mode == "quantity":
                self.spent[choice.pool.id] += choice.request.amount or 0
            elif choice.pool.mode == "items" and not choice.pool.shared:
                taken[choice.pool.id].add(choice.id)
        for pool_id, ids in taken.items():
            self.items[pool_id] = [item for item in self.items[pool_id] if item.id not in ids]

    def _best(
        self, site: str, group: Sequence[ResourceRequest], known: Chosen
    ) -> tuple[dict[str, Choice], tuple[Shortage, ...]]:
        request, rest = group[0], group[1:]
        best: tuple[dict[str, Choice], tuple[Shortage, ...]] | None = None
        for option in self._options(site, request, known):
            chosen, shortages = self.choose(site, rest, {**known, request.name: option})
            chosen = {request.name: option, **chosen}
            if not shortages:
                return chosen, ()
            if best is None or _severity(shortages) < _severity(best[1]):
                best = chosen, shortages
        if best is not None:
            return best
        chosen, shortages = self.choose(site, rest, known)
        return chosen, (self._shortage(site, request, known), *shortages)

    def _options(self, site: str, request: ResourceRequest, known: Chosen) -> Iterator[Choice]:
        pools = self._matching(site, request, known)
        if request.amount is not None:
            for pool in pools:
                if self._amount_left(pool, known) >= request.amount:
                    yield Choice(request, pool, uuid4(), {"value": request.amount})
            return
        used = {choice.id for choice in known.values() if not choice.pool.shared}
        free = [
            (item.earmark is None, index, pool, item)
            for index, pool in enumerate(pools)
            for item in self.items.get(pool.id, ())
            if item.earmark in (None, site) and item.id not in used
        ]
        for _, _, pool, item in sorted(free, key=lambda entry: entry[:2]):
            yield Choice(request, pool, item.id, item.attributes)
        names = {(choice.pool.id, choice.attributes["value"]) for choice in known.values()}
        for pool in pools:
            value = (pool.pattern or "").replace("{site}", site)
            if pool.pattern is not None and (pool.id, value) not in names:
                row = self.patterns.get((pool.id, value))
                yield Choice(request, pool, row or uuid4(), {"value": value}, row is None)

    def _matching(self, site: str, request: ResourceRequest, known: Chosen) -> list[PoolRow]:
        wanted = dict(request.match)
        # A pool that names a site is that site's; one that names none is open to all.
        own_site = str(wanted.pop("site", site)) == site
        for key, target in references(request).items():
            wanted[key] = known[target.name].attribute(target.attribute)
        return [
            pool
            for pool in self.pools.get(request.kind, ())
            if own_site
            and (pool.mode == "quantity") == (request.amount is not None)
            and pool.attributes.get("site") in (None, site)
            and all(
                value is not None and fits(pool.attributes, key, value)
                for key, value in wanted.items()
            )
        ]

    def _amount_left(self, pool: PoolRow, known: Chosen) -> int:
        chosen = sum(
            choice.request.amount or 0
            for choice in known.values()
            if choice.pool.id == pool.id and not choice.is_held
        )
        return pool.free_amount - self.spent[pool.id] - chosen

    def _shortage(self, site: str, request: ResourceRequest, known: Chosen) -> Shortage:
        pools = self._matching(site, request, known)
        if not pools:
            match = ", ".join(
                f"{key} {_shown(value, known)}" for key, value in request.match.items()
            )
            missing = f"none of kind {request.kind}" + (f" for {match}" if match else "")
            return Shortage(name=request.name, pool=missing, wanted=request.amount or 1, free=0)
        names = ", ".join(pool.name for pool in pools)
        if request.amount is not None:
            free = max(self._amount_left(pool, known) for pool in pools)
            return Shortage(name=request.name, pool=names, wanted=request.amount, free=max(free, 0))
        ids = {pool.id for pool in pools}
        already = sum(choice.pool.id in ids and not choice.is_held for choice in known.values())
        return Shortage(name=request.name, pool=names, wanted=already + 1, free=already)


def _targets(request: ResourceRequest) -> set[str]:
    return {target.name for target in references(request).values()}


def _severity(shortages: Sequence[Shortage]) -> tuple[int, int]:
    return len(shortages), sum(shortage.wanted - shortage.free for shortage in shortages)


def _shown(value: str | int, known: Chosen) -> Any:
    target = reference(value)
    return value if target is None else known[target.name].attribute(target.attribute)
