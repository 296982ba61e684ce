"""What a file refers to, against what there is: in the file itself and in the database."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from device_profiles.errors import ProfileError
from device_profiles.profile import load_profile, profiles
from inventory.expansion import WantedPool
from inventory.file_model import PoolEntry
from inventory.kinds import KINDS, Attribute, kind_of
from inventory.merging import merged
from inventory.problems import Problem
from inventory.reading import Reading
from inventory.stock import ANY
from inventory.tables import customer, device, network_parameters, pool, resource, site
from inventory.writing import among

_Found = tuple[str, str, str]
"""Field, what is wrong, what would be right."""
_ANYTHING = ""
"""The role of a device whose own entry is wrong: it is told there, not here."""


def wrong_references(connection: sa.Connection, reading: Reading) -> Iterator[Problem]:
    """Yield every reference of a file to what is not there or is something else."""
    known = _Known(connection, reading)
    yield from _customers(connection, reading)
    yield from _sites(connection, reading)
    yield from _devices(reading, known)
    yield from _network(reading)
    kinds = {*KINDS, *reading.file.new_kinds, *known.kinds}
    told: set[tuple[int | None, _Found]] = set()
    for made in reading.pools:
        index = reading.places["pools"].get(made.name)
        entry = reading.entry_of_pool(made.name)
        for found in _pool(made, entry, kinds, known):
            if (index, found) not in told:  # once for all that for_each makes
                told.add((index, found))
                yield reading.problem("pools", made.name, *found)


@dataclass(frozen=True)
class _Known:
    """What there is, read as far as the file asks."""

    connection: sa.Connection
    reading: Reading
    _sites: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def devices(self) -> Mapping[str, str]:
        """Roles by device."""
        rows = self.connection.execute(sa.select(device.c.name, device.c.role))
        wrong = dict.fromkeys(self.reading.places.get("devices", {}), _ANYTHING)
        file = {entry.name: entry.role for entry in self.reading.file.devices}
        return {**dict(rows.all()), **wrong, **file}

    @cached_property
    def partner_roles(self) -> Collection[str]:
        """Roles in which devices name others."""
        keys = sa.func.jsonb_object_keys(device.c.partners)
        found = set(self.connection.scalars(sa.select(keys).distinct()))
        return found | {role for entry in self.reading.file.devices for role in entry.partners}

    @cached_property
    def kinds(self) -> Collection[str]:
        return set(self.connection.scalars(sa.select(pool.c.kind).distinct()))

    @cached_property
    def domains(self) -> Collection[str]:
        """Layer 2 domains of all lines."""
        lines = [kind.kind for kind in KINDS.values() if _is_line(kind.carries)]
        domain = sa.func.coalesce(
            resource.c.attributes["l2_domain"].astext, pool.c.attributes["l2_domain"].astext
        )
        query = sa.select(domain).join_from(resource, pool).where(pool.c.kind.in_(lines))
        found = set(self.connection.scalars(query.distinct()))
        for made in self.reading.pools:
            if made.kind in lines:
                found |= {
                    str(row.attributes.get("l2_domain", made.attributes.get("l2_domain")))
                    for row in made.resources
                }
        return found

    @cached_property
    def models(self) -> Collection[str]:
        """Models of routers that some profile speaks to."""
        found = self.connection.scalar(sa.select(network_parameters.c.parameters)) or {}
        network = self.reading.file.network
        given = {} if network is None else network.model_dump(exclude_unset=True)
        return set(merged(found, given).get("cpe_profiles") or {})

    def has_site(self, key: str) -> bool:
        if key not in self._sites:
            there = sa.select(sa.exists().where(site.c.key == key))
            in_file = key in self.reading.places.get("sites", {})
            self._sites[key] = in_file or bool(self.connection.scalar(there))
        return self._sites[key]


def _is_line(carries: Mapping[str, Attribute]) -> bool:
    domain = carries.get("l2_domain")
    return domain is not None and domain.holds == "text"


def _customers(connection: sa.Connection, reading: Reading) -> Iterator[Problem]:
    entries = reading.file.customers
    numbers = [entry.number for entry in entries]
    query = sa.select(customer.c.number, customer.c.id).where(among(customer.c.number, numbers))
    owners: dict[int, str] = dict(connection.execute(query).all())
    here = {entry.id for entry in entries}
    owners = {number: owner for number, owner in owners.items() if owner not in here}
    for entry in entries:
        owner = owners.setdefault(entry.number, entry.id)
        if owner != entry.id:
            text = f"{entry.number} is the number of {owner!r}"
            yield reading.problem("customers", entry.id, "number", text, "give each its own")


def _sites(connection: sa.Connection, reading: Reading) -> Iterator[Problem]:
    wanted = [entry.customer for entry in reading.file.sites]
    known = (
        set(connection.scalars(sa.select(customer.c.id).where(among(customer.c.id, wanted))))
        | reading.places.get("customers", {}).keys()
    )
    for entry in reading.file.sites:
        if entry.customer not in known:
            text, fix = f"{entry.customer!r} is not known", "add it to customers or correct it"
            yield reading.problem("sites", entry.key, "customer", text, fix)


def _devices(reading: Reading, known: _Known) -> Iterator[Problem]:
    for entry in reading.file.devices:
        found = _wrong_profile(entry.profile, entry.role, known.partner_roles)
        if found is not None:
            yield reading.problem("devices", entry.name, *found)
        for role, partner in entry.partners.items():
            if known.devices.get(partner) not in (role, _ANYTHING):
                text = f"{partner!r} is no device of role {role}"
                fix = "add the device or correct the name"
                yield reading.problem("devices", entry.name, f"partners.{role}", text, fix)


def _network(reading: Reading) -> Iterator[Problem]:
    network = reading.file.network
    for model, by_role in (network.cpe_profiles if network else {}).items():
        for role, profile in by_role.items():
            found = _wrong_profile(profile, role, ())
            if found is not None:
                yield Problem(
                    entry="network", field=f"cpe_profiles.{model}.{role}", text=found[1],
                    fix=found[2], pointer=f"/network/cpe_profiles/{model}/{role}",
                )  # fmt: skip


def _wrong_profile(name: str, role: str, partner_roles: Collection[str]) -> _Found | None:
    """Judge a platform in a role: its own, or one in which only other devices name it."""
    try:
        roles = load_profile(name).roles
    except ProfileError:
        return "profile", f"there is no profile {name!r}", f"use one of {', '.join(profiles())}"
    if role in roles or (role in partner_roles and role not in _roles_of_profiles()):
        return None
    return (
        "role",
        f"profile {name} is for {', '.join(roles)}, not for {role}",
        "correct one of them",
    )


def _roles_of_profiles() -> set[str]:
    return {role for name in profiles() for role in load_profile(name).roles}


def _pool(
    made: WantedPool, entry: PoolEntry | None, kinds: Collection[str], known: _Known
) -> Iterator[_Found]:
    if made.kind not in kinds:
        yield (
            "kind",
            f"there is no kind {made.kind!r}",
            f"use one of {', '.join(sorted(kinds))}, or name it in new_kinds",
        )
    for row in made.resources:
        if row.earmark is not None and not known.has_site(row.earmark):
            text = f"{row.earmark!r} is no site"
            yield "earmarks", text, "add it to sites or correct it"
    for name, attribute in kind_of(made.kind).carries.items():
        yield from _attribute(made, entry, name, attribute, known)


def _attribute(
    made: WantedPool, entry: PoolEntry | None, name: str, attribute: Attribute, known: _Known
) -> Iterator[_Found]:
    own = {repr(row.attributes[name]): row.attributes[name] for row in made.resources
           if name in row.attributes}  # fmt: skip
    if name in made.attributes and made.attributes[name] != ANY:
        wrong = _wrong_value(made.attributes[name], attribute, known)
        if wrong is not None:
            yield (f"attributes.{name}", *wrong)
    for value in own.values():
        wrong = _wrong_value(value, attribute, known)
        if wrong is not None:
            yield (_field_of(entry, name), *wrong)
    if attribute.required and name not in made.attributes:
        lacking = next((row for row in made.resources if name not in row.attributes), None)
        if lacking is not None or made.mode == "quantity":
            where = "" if lacking is None else f" at {lacking.value!r}"
            yield f"attributes.{name}", f"is missing{where}: {attribute.says}", "add it"


def _field_of(entry: PoolEntry | None, name: str) -> str:
    """Return the field of the entry in which an attribute of its items stands."""
    for index, item in enumerate(() if entry is None else entry.items):
        if name in item.attributes:
            return f"items.{index}.attributes.{name}"
    return f"item_attributes.{name}"


def _wrong_value(value: Any, attribute: Attribute, known: _Known) -> tuple[str, str] | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if attribute.holds == "number":
        return None if is_number else (f"{_shown(value)} is no whole number", "give one")
    if not (isinstance(value, str) and value) and not is_number:
        return f"{_shown(value)} is no text", "give one text"
    text = str(value)
    if attribute.one_of and text not in attribute.one_of:
        return f"{_shown(value)} is not known", f"use one of {', '.join(attribute.one_of)}"
    return _missing(text, attribute, known)


def _missing(text: str, attribute: Attribute, known: _Known) -> tuple[str, str] | None:
    match attribute.holds:
        case "device" if known.devices.get(text) not in (attribute.role, _ANYTHING):
            return (
                f"{text!r} is no device of role {attribute.role}",
                "add the device or correct the name",
            )
        case "site" if not known.has_site(text):
            return f"{text!r} is no site", "add it to sites or correct it"
        case "l2-domain" if text not in known.domains:
            return f"no line has the l2_domain {text!r}", "add its lines first or correct it"
        case "cpe-model" if text not in known.models:
            return (
                f"network.cpe_profiles names no profile for {text!r}",
                "add the model there or correct it",
            )
    return None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
