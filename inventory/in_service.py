"""What a load may not change under a service: a change that no device would follow is refused.

Intents are rendered when an item is ordered or modified. A device that becomes another one, or a
site that becomes another customer's, would leave what is on the devices as it was.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from inventory.kinds import KINDS
from inventory.problems import Problem
from inventory.reading import Reading
from inventory.tables import customer, device, pool, reservation, resource, site
from inventory.writing import Row, Rows, among

_SHOWN = 3
_OF_DEVICES = ("role", "profile")
_OF_CUSTOMERS = ("number", "vpn", "autonomous_system")
"""What makes a customer's VPN; it is the same on every device of the customer."""
_FIRST = "delete the services of these sites first"


def changes_in_service(
    connection: sa.Connection, reading: Reading, entries: Sequence[Rows]
) -> Iterator[Problem]:
    """Yield the changes of what sites have in service, each with what to do instead."""
    changed = {rows.section: rows.changed for rows in entries}
    for before, after in changed.get("devices", ()):
        yield from _device(connection, reading, before, after)
    for before, after in changed.get("sites", ()):
        if before["customer"] != after["customer"]:
            held = _holding(connection, site.c.key == after["key"])
            fix = f"{_FIRST}, or enter the new customer's site under a key of its own"
            yield from _refused(
                reading, "sites", after["key"], "customer", before["customer"], held, fix
            )
    for before, after in changed.get("customers", ()):
        fields = [name for name in _OF_CUSTOMERS if before[name] != after[name]]
        held = _holding(connection, site.c.customer == after["id"]) if fields else []
        for name in fields:
            fix = f"{_FIRST}, or enter a customer of another id"
            yield from _refused(reading, "customers", after["id"], name, before[name], held, fix)
    for before, after in changed.get("network", ()):
        yield from _network(connection, before["parameters"], after["parameters"])


def _device(
    connection: sa.Connection, reading: Reading, before: Row, after: Row
) -> Iterator[Problem]:
    fields = {name: before[name] for name in _OF_DEVICES if before[name] != after[name]}
    fields |= {
        f"partners.{role}": partner
        for role, partner in before["partners"].items()
        if after["partners"].get(role) != partner
    }
    if not fields:
        return
    name = after["name"]
    held = _served(connection, name)
    fix = f"{_FIRST}, or enter the new device under a name of its own"
    for field, value in fields.items():
        yield from _refused(reading, "devices", name, field, value, held, fix)
    if "role" in fields and not held:
        named = _naming(connection, name)
        if named:
            text = f"cannot change from {before['role']!r}: {_some(named)} name it as that"
            yield reading.problem("devices", name, "role", text, "change these first")


def _network(
    connection: sa.Connection, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Problem]:
    gone = sorted(before.keys() - after.keys())
    if gone:
        held = _holding(connection, sa.true())
        for name in gone:
            yield from _refused_network(name, "go", held)
    now = after.get("cpe_profiles") or {}
    for model, roles in (before.get("cpe_profiles") or {}).items():
        others = {
            role: profile
            for role, profile in roles.items()
            if now.get(model, {}).get(role) != profile
        }
        if not others:
            continue
        held = _holding(connection, resource.c.attributes["model"].astext == model)
        for role, profile in others.items():
            field = f"cpe_profiles.{model}.{role}"
            yield from _refused_network(field, f"change from {profile!r}", held)


def _refused_network(field: str, what: str, held: Sequence[str]) -> Iterator[Problem]:
    if held:
        yield Problem(
            entry="network", field=field, text=f"cannot {what} while {_some(held)} have services",
            fix="keep it, or delete their services first",
            pointer="/network/" + field.replace(".", "/"),
        )  # fmt: skip


def _refused(
    reading: Reading,
    section: str,
    name: str,
    field: str,
    before: Any,
    held: Sequence[str],
    fix: str,
) -> Iterator[Problem]:
    if held:
        text = f"cannot change from {before!r} while it is in service at {_some(held)}"
        yield reading.problem(section, name, field, text, fix)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _holding(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[str]:
    """Return the sites, of those the condition is about, that hold anything."""
    query = (
        sa.select(site.c.key)
        .select_from(
            site.join(customer)
            .join(reservation, reservation.c.site == site.c.key)
            .outerjoin(resource, resource.c.id == reservation.c.resource_id)
        )
        .where(condition)
        .distinct()
        .order_by(site.c.key)
    )
    return list(connection.scalars(query))


def _attributes() -> list[str]:
    """Return the attributes of resources that name devices."""
    return sorted(
        {
            name
            for kind in KINDS.values()
            for name, attribute in kind.carries.items()
            if attribute.holds == "device"
        }
    )


def _named() -> list[sa.ColumnElement[str]]:
    return [
        sa.func.coalesce(resource.c.attributes[name].astext, pool.c.attributes[name].astext)
        for name in _attributes()
    ]


def _served(connection: sa.Connection, name: str) -> list[str]:
    """Return the sites that the device serves, itself or as the partner of one that does."""
    partners = sa.func.jsonb_path_query(device.c.partners, sa.literal_column("'$.*'::jsonpath"))
    values = sa.select(device.c.name, partners.op("#>>")(sa.text("'{}'")).label("partner"))
    found = values.subquery()
    owners = connection.scalars(sa.select(found.c.name).where(found.c.partner == name))
    names = [name, *owners]
    query = (
        sa.select(reservation.c.site)
        .select_from(
            reservation.join(pool, pool.c.id == reservation.c.pool_id).outerjoin(
                resource, resource.c.id == reservation.c.resource_id
            )
        )
        .where(sa.or_(*(among(value, names) for value in _named())))
        .distinct()
        .order_by(reservation.c.site)
    )
    return list(connection.scalars(query))


def _naming(connection: sa.Connection, name: str) -> list[str]:
    """Return the pools that name the device."""
    query = (
        sa.select(pool.c.name)
        .select_from(pool.outerjoin(resource, resource.c.pool_id == pool.c.id))
        .where(sa.or_(*(value == name for value in _named())))
        .distinct()
        .order_by(pool.c.name)
    )
    return [f"pool {found!r}" for found in connection.scalars(query)]
