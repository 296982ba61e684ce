"""What a load changes under a service: refused, unless it is asked for by name.

Intents are rendered when an item is ordered or modified. A device that becomes another one, or a
site that becomes another customer's, would leave what is on the devices as it was. Whoever asks for
such a change by its name wants the services of these sites planned anew. Other changes that
templates may use reach the devices with the next modify, or at once where they are asked for too.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import sqlalchemy as sa

from inventory.holders import pools_naming, sites_holding, sites_served, some
from inventory.problems import Problem, by_name
from inventory.reading import Reading
from inventory.tables import reservation, resource, site
from inventory.upsert_pools import HeldChange, PoolsDifference
from inventory.writing import Row, Rows

_OF_DEVICES = ("role", "profile")
_OF_CUSTOMERS = ("number", "vpn", "autonomous_system")
"""What makes a customer's VPN; it is the same on every device of the customer."""
_FIRST = "delete the services of these sites first"
_KEEP = "keep it, or delete their services first"

_Holders = Callable[[], list[str]]


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """A change of what sites have in service."""

    name: str
    """By which it can be asked for: section, entry and field."""
    sites: tuple[str, ...]
    """Those concerned."""
    problem: Problem | None = None
    """Why it is refused unless it is asked for; ``None`` for what waits for the next modify."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A field that a load changes, and what may be done instead."""

    section: str
    entry: str
    name: str
    text: str
    fix: str | None
    """``None`` for what waits for the next modify."""

    @property
    def change(self) -> str:
        parts = (self.section, self.name) if self.section == "network" else (
            self.section, self.entry, self.name
        )  # fmt: skip
        return "/".join(parts)


def changes_in_service(
    connection: sa.Connection,
    reading: Reading,
    entries: Sequence[Rows],
    pools: PoolsDifference,
    asked: Collection[str],
) -> Iterator[ServiceChange]:
    """Yield what is refused or ``asked`` for of the changes of what sites have in service."""
    changed = {rows.section: rows.changed for rows in entries}
    found: list[tuple[_Field, _Holders]] = []
    for before, after in changed.get("devices", ()):
        served = cache(partial(sites_served, connection, after["name"]))
        found += [(field, served) for field in _of_device(before, after)]
    for before, after in changed.get("sites", ()):
        held = cache(partial(sites_holding, connection, site.c.key == after["key"]))
        found += [(field, held) for field in _of_site(before, after)]
    for before, after in changed.get("customers", ()):
        held = cache(partial(sites_holding, connection, site.c.customer == after["id"]))
        found += [(field, held) for field in _of_customer(before, after)]
    for before, after in changed.get("network", ()):
        found += _of_network(connection, before["parameters"], after["parameters"])
    for field, holders in found:
        if (field.fix is not None or field.change in asked) and holders():
            yield _told(reading, field, holders())
    for change in pools.in_service:
        sites = sites_holding(connection, _of(change))
        yield ServiceChange(change.name, tuple(sites), change.problem)


def roles_in_use(
    connection: sa.Connection, reading: Reading, entries: Sequence[Rows]
) -> Iterator[Problem]:
    """Yield the devices without service that become something else than what pools name them as."""
    for rows in entries:
        for before, after in rows.changed if rows.section == "devices" else ():
            name = after["name"]
            if before["role"] == after["role"] or sites_served(connection, name):
                continue
            named = pools_naming(connection, name)
            if named:
                text = f"cannot change from {before['role']!r}: {some(named)} name it as that"
                yield reading.problem("devices", name, "role", text, "change these first")


def _told(reading: Reading, field: _Field, sites: list[str]) -> ServiceChange:
    if field.fix is None:
        return ServiceChange(field.change, tuple(sites))
    fix = by_name(field.change, field.fix)
    if field.section == "network":
        text = f"cannot {field.text} while {some(sites)} have services"
        pointer = "/network/" + field.name.replace(".", "/")
        problem = Problem(entry="network", field=field.name, text=text, fix=fix, pointer=pointer)
    else:
        text = f"cannot {field.text} while it is in service at {some(sites)}"
        problem = reading.problem(field.section, field.entry, field.name, text, fix)
    return ServiceChange(field.change, tuple(sites), problem)


def _of_device(before: Row, after: Row) -> Iterator[_Field]:
    was, becomes = (
        {
            **{field: row[field] for field in (*_OF_DEVICES, "attributes")},
            **{f"partners.{role}": partner for role, partner in row["partners"].items()},
        }
        for row in (before, after)
    )
    fix = f"{_FIRST}, or enter the new device under a name of its own"
    fixes = {name: fix for name in was if name != "attributes"}
    yield from _differing("devices", after["name"], was, becomes, fixes)


def _of_site(before: Row, after: Row) -> Iterator[_Field]:
    fix = f"{_FIRST}, or enter the new customer's site under a key of its own"
    yield from _differing("sites", after["key"], before, after, {"customer": fix})


def _of_customer(before: Row, after: Row) -> Iterator[_Field]:
    fixes = dict.fromkeys(_OF_CUSTOMERS, f"{_FIRST}, or enter a customer of another id")
    yield from _differing("customers", after["id"], before, after, fixes)


def _differing(
    section: str, entry: str, before: Row, after: Row, fixes: Mapping[str, str]
) -> Iterator[_Field]:
    for name, value in before.items():
        if after.get(name) != value:
            yield _Field(section, entry, name, f"change from {value!r}", fixes.get(name))


def _of_network(
    connection: sa.Connection, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[_Field, _Holders]]:
    every = cache(partial(sites_holding, connection, sa.true()))
    for name, value in before.items():
        if name not in after:
            yield _Field("network", "", name, "go", _KEEP), every
        elif name == "cpe_profiles":
            yield from _of_models(connection, value or {}, after[name] or {})
        elif after[name] != value:
            yield _Field("network", "", name, "change", None), every


def _of_models(
    connection: sa.Connection, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[_Field, _Holders]]:
    for model, roles in before.items():
        of_model = resource.c.attributes["model"].astext == model
        held = cache(partial(sites_holding, connection, of_model))
        for role, profile in roles.items():
            if after.get(model, {}).get(role) != profile:
                name = f"cpe_profiles.{model}.{role}"
                yield _Field("network", "", name, f"change from {profile!r}", _KEEP), held


def _of(change: HeldChange) -> sa.ColumnElement[bool]:
    if change.resource_id is not None:
        return reservation.c.resource_id == sa.literal(change.resource_id)
    return reservation.c.pool_id == sa.literal(change.pool_id)
