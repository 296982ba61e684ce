"""Who holds what: the sites that a device, a customer or a resource serves."""

from collections.abc import Collection

import sqlalchemy as sa

from inventory.kinds import KINDS
from inventory.tables import customer, device, pool, reservation, resource, site
from inventory.writing import among


def sites_holding(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[str]:
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


def sites_served(connection: sa.Connection, name: str) -> list[str]:
    """Return the sites that a device serves, itself or as the partner of one that does."""
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


def pools_naming(connection: sa.Connection, name: str) -> list[str]:
    """Return the pools that name a device."""
    query = (
        sa.select(pool.c.name)
        .select_from(pool.outerjoin(resource, resource.c.pool_id == pool.c.id))
        .where(sa.or_(*(value == name for value in _named())))
        .distinct()
        .order_by(pool.c.name)
    )
    return [f"pool {found!r}" for found in connection.scalars(query)]


def some(names: Collection[str], shown: int = 3) -> str:
    """Return a list for people: the first names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(list(names)[:shown]) + more


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
