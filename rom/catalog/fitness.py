"""Whether what there is can carry a specification: roles, platforms, other specifications, kinds.

A specification is judged before it is used, so that no order stops half-way at a fragment that
no platform has. What is found wrong names the field and the mend.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from device_profiles.profile import Profile
from device_profiles.reads import items_read
from rom.catalog.errors import SpecificationFileError
from rom.catalog.roles import Roles
from rom.catalog.specification import Configure, Specification

Named = tuple[str, Specification]
MEASURED = ("availabilityPercent", "latencyMs", "packetLossPercent")
"""Numbers that a measurement is judged by."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a specification cannot be used for, in which field and what mends it."""

    file: str
    field: str
    problem: str

    def error(self) -> SpecificationFileError:
        """Return it as the error that refuses the specification."""
        return SpecificationFileError(self.file, self.field, self.problem)


class Fitness:
    """Judges specifications by the roles and platforms there are."""

    def __init__(self, roles: Roles, platforms: Iterable[Profile]) -> None:
        self._roles = roles
        self._platforms = tuple(platforms)

    def findings(self, loaded: Sequence[Named]) -> Iterator[Finding]:
        """Yield what is wrong with each specification that is not retired."""
        owners = _owners(loaded)
        needs = _needs_of_keys(loaded)
        for file, spec in loaded:
            if spec.lifecycleStatus == "Retired":
                continue
            for field, problem in self._problems(spec, owners, needs):
                yield Finding(file, field, problem)

    def check(self, loaded: Sequence[Named]) -> None:
        """Raise ``SpecificationFileError`` for the first thing that is wrong."""
        for finding in self.findings(loaded):
            raise finding.error()

    def unserved(
        self, spec: Specification, devices: Mapping[str, Collection[str]]
    ) -> Iterator[tuple[str, str]]:
        """Yield field and words for what no device of the inventory can take yet.

        ``devices`` has by role the profiles of the devices there are. It is no mistake: the device
        may come later, and an order that comes before it is held.
        """
        for index, entry in enumerate(spec.configure):
            able = {profile.name for profile in self._able(entry)}
            if entry.optional or able & set(devices.get(entry.role, ())):
                continue
            yield (
                f"configure[{index}].role",
                f"inventory has no {entry.role} with the fragment {entry.fragment} yet; "
                f"add a device with profile {' or '.join(sorted(able))}",
            )

    def _problems(
        self,
        spec: Specification,
        owners: Mapping[str, Collection[str]],
        needs: Mapping[str, frozenset[str]],
    ) -> Iterator[tuple[str, str]]:
        needed = _all_needed(spec.needed_keys, needs)
        if spec.key in needed:
            others = ", ".join(sorted(needed - {spec.key}))
            yield "preconditions", f"{spec.key} and {others} wait for each other; remove one"
        there = {spec.key, *needed}
        for index, reserve in enumerate(spec.reserve):
            for key, text in reserve.match.items():
                if text.startswith("@"):
                    wanted = text[1:].partition(".")[0]
                    yield from _missing(f"reserve[{index}].match.{key}", wanted, owners, there)
        for index, entry in enumerate(spec.configure):
            field = f"configure[{index}]"
            if entry.role not in self._roles.by_name:
                known = ", ".join(self._roles.by_name)
                yield f"{field}.role", f"unknown role {entry.role}; known: {known}"
                continue
            yield from self._unfit(field, entry)
            for wanted in sorted(self._roles.needs(entry.role)):
                yield from _missing(f"{field}.role", wanted, owners, there)
        yield from self._doubled(spec)
        yield from self._unproven(spec)
        yield from self._unmeasured(spec, owners, there)
        for index, entry in enumerate(spec.configure):
            yield from self._unread(f"configure[{index}]", entry, there)

    def _doubled(self, spec: Specification) -> Iterator[tuple[str, str]]:
        seen: dict[str, str | None] = {}
        for index, entry in enumerate(spec.configure):
            if entry.role in seen and None in (entry.when, seen[entry.role]):
                yield (
                    f"configure[{index}].role",
                    f"{entry.role} has a fragment of this item already; put both into one, or "
                    "give each a when",
                )
            seen[entry.role] = entry.when

    def _unfit(self, field: str, entry: Configure) -> Iterator[tuple[str, str]]:
        if not self._able(entry):
            known = sorted({name for p in self._of_role(entry.role) for name in p.fragments})
            yield (
                f"{field}.fragment",
                f"no platform of role {entry.role} has a fragment {entry.fragment}; "
                f"known: {', '.join(known) or 'none'}; add it to a profile or use one of these",
            )
        if entry.via == "ztp" and self._roles.by_name[entry.role].unit is None:
            units = ", ".join(r.role for r in self._roles.roles if r.unit)
            yield (
                f"{field}.via",
                f"a device of role {entry.role} fetches nothing at its first boot; "
                f"use adapter, or one of the roles {units}",
            )
        elif entry.via == "ztp" and (able := self._able(entry)) and not any(p.day0 for p in able):
            yield (
                f"{field}.via",
                f"no platform with the fragment {entry.fragment} has a day-0 file; "
                "use adapter, or name one as day0 in a profile",
            )

    def _unread(
        self, field: str, entry: Configure, there: Collection[str]
    ) -> Iterator[tuple[str, str]]:
        """Whatever a fragment reads of the site's other items must be ordered with it."""
        for profile in self._able(entry):
            for key in sorted(items_read(profile, entry.fragment) - set(there)):
                yield (
                    f"{field}.fragment",
                    f"{profile.name} reads {key} for its {entry.fragment}; add a precondition that "
                    f"needs {key}",
                )

    def _unproven(self, spec: Specification) -> Iterator[tuple[str, str]]:
        """Nothing that can be ordered completes on the word of those who configured it."""
        if not spec.orderable:
            return
        if "verify" not in spec.steps:
            yield "steps", "verify is missing, and nothing completes unproven; add it"
        roles = self._roles.by_name
        entries = [entry for entry in spec.configure if entry.role in roles]
        asked = {(entry.role, entry.fragment) for entry in entries}
        asked |= {
            (where, entry.fragment)
            for entry in entries
            if entry.via == "ztp" and (where := roles[entry.role].proven_at)
        }
        if asked and not any(
            profile.checks.get(fragment)
            for role, fragment in asked
            for profile in self._of_role(role)
        ):
            fragments = sorted({fragment for _, fragment in asked})
            yield (
                "configure",
                "no platform has a check for any of its fragments, so no order could be proven; "
                f"add one under checks: {', '.join(fragments)} to a profile",
            )

    def _unmeasured(
        self, spec: Specification, owners: Mapping[str, Collection[str]], there: Collection[str]
    ) -> Iterator[tuple[str, str]]:
        if "measure" not in spec.steps:
            return
        numbers = {entry.name for entry in spec.characteristics if entry.type == "number"}
        missing = [name for name in MEASURED if name not in numbers]
        if missing:
            yield (
                "steps",
                f"measure is judged by numbers that are missing; add {', '.join(missing)} "
                "to the characteristics",
            )
        for wanted in sorted(self._roles.needs(self._roles.reflector[0].role)):
            yield from _missing("steps", wanted, owners, there)

    def _of_role(self, role: str) -> list[Profile]:
        return [profile for profile in self._platforms if role in profile.roles]

    def _able(self, entry: Configure) -> list[Profile]:
        return [p for p in self._of_role(entry.role) if entry.fragment in p.fragments]


def unknown_kinds(loaded: Sequence[Named], known: Collection[str]) -> Iterator[Finding]:
    """Yield the reserved kinds of resources of which there is nothing in inventory."""
    for file, spec in loaded:
        if spec.lifecycleStatus == "Retired":
            continue
        for index, entry in enumerate(spec.reserve):
            if entry.kind not in known:
                yield Finding(
                    file,
                    f"reserve[{index}].kind",
                    f"unknown kind {entry.kind}; known: {', '.join(sorted(known))}; "
                    "load a pool of it first or use one of these",
                )


def depths(specifications: Iterable[Specification]) -> dict[str, int]:
    """Return by key how many others have to come before it, one behind the other."""
    needs: dict[str, set[str]] = {}
    for spec in specifications:
        needs.setdefault(spec.key, set()).update(spec.needed_keys - {spec.key})
    found = dict.fromkeys(needs, 0)
    for _ in needs:  # no chain is longer
        for key, before in needs.items():
            found[key] = max((found.get(need, 0) + 1 for need in before), default=0)
    return found


def _owners(loaded: Sequence[Named]) -> dict[str, set[str]]:
    owners: dict[str, set[str]] = {}
    for _, spec in loaded:
        for entry in spec.reserve:
            owners.setdefault(entry.name, set()).add(spec.key)
    return owners


def _needs_of_keys(loaded: Sequence[Named]) -> dict[str, frozenset[str]]:
    """Return what every specification of a key needs; what only some need is no certainty."""
    needs: dict[str, frozenset[str]] = {}
    for _, spec in loaded:
        if spec.orderable:
            needs[spec.key] = needs.get(spec.key, spec.needed_keys) & spec.needed_keys
    return needs


def _all_needed(keys: Iterable[str], needs: Mapping[str, frozenset[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting += needs.get(key, ())
    return found


def _missing(
    field: str, wanted: str, owners: Mapping[str, Collection[str]], there: Collection[str]
) -> Iterator[tuple[str, str]]:
    keys = owners.get(wanted, ())
    if not keys:
        yield field, f"nothing reserves {wanted}, which it needs; reserve it"
    elif not set(keys) & set(there):
        key = sorted(keys)[0]
        yield field, f"it needs {wanted} of the {key}; add a precondition that needs {key}"
