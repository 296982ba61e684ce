"""Finds what two pools both claim: values of one scope, overlapping prefixes, serials."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from inventory.kinds import Network
from inventory.problems import Problem

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """A pool's claim on a value, from the file or from the database."""

    pool: str
    value: str
    scope: str
    prefix: str | None = None
    serial: str | None = None


def overlaps(claims: Iterable[Claim]) -> list[Problem]:
    """Return one problem for each pair of pools that overlap; none when all are disjoint."""
    claims = list(claims)
    clashes: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for first, second, what in (*_prefixes(claims), *_values(claims), *_serials(claims)):
        pools = sorted((first.pool, second.pool))
        text = first.value if first.value == second.value else f"{first.value} and {second.value}"
        clashes[pools[0], pools[1], what].append(text)
    return [
        _problem(one, other, what, values) for (one, other, what), values in sorted(clashes.items())
    ]


def _problem(one: str, other: str, what: str, values: list[str]) -> Problem:
    more = f" and {len(values) - _SHOWN} more" if len(values) > _SHOWN else ""
    whom = f"itself ({what})" if one == other else f"pool {other!r} ({what})"
    return Problem(
        entry=f"pool {one!r}",
        field="values",
        text=f"overlaps with {whom}: {', '.join(values[:_SHOWN])}{more}",
        fix="each may be in one pool only; take it out of one, or give the pools different scopes",
    )


def _values(claims: list[Claim]) -> Iterator[tuple[Claim, Claim, str]]:
    seen: dict[tuple[str, str], Claim] = {}
    for claim in claims:
        if claim.prefix is None:
            first = seen.setdefault((claim.scope, claim.value), claim)
            if first is not claim:
                yield first, claim, claim.scope


def _serials(claims: list[Claim]) -> Iterator[tuple[Claim, Claim, str]]:
    seen: dict[str, Claim] = {}
    for claim in claims:
        if claim.serial is not None:
            first = seen.setdefault(claim.serial, claim)
            if first is not claim:
                yield first, claim, f"serial {claim.serial}"


def _prefixes(claims: list[Claim]) -> Iterator[tuple[Claim, Claim, str]]:
    scopes: dict[tuple[str, int], list[tuple[Network, Claim]]] = defaultdict(list)
    for claim in claims:
        if claim.prefix is not None:
            network = ip_network(claim.prefix)
            scopes[claim.scope, network.version].append((network, claim))
    for (scope, _), members in scopes.items():
        # Prefixes nest or are disjoint: sorted, an outer one comes right before what it holds.
        members.sort(key=lambda member: (int(member[0].network_address), member[0].prefixlen))
        outer, owner = members[0]
        for network, claim in members[1:]:
            if network.network_address in outer:
                yield owner, claim, scope
            else:
                outer, owner = network, claim
