"""Ask inventory: what a site holds, who it is, which devices serve it and how to reach them."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from inventory.kinds import KINDS
from inventory.model import UnknownEntryError
from inventory.records import (
    CustomerRecord,
    DeviceRecord,
    EndpointData,
    Holding,
    PoolStatus,
    SiteRecord,
)
from inventory.states import ResourceState
from inventory.tables import (
    customer,
    device,
    pool,
    reservation,
    resource,
)
from inventory.tables import (
    network_parameters as parameters_table,
)
from inventory.tables import (
    site as site_table,
)


def site_allocations(connection: sa.Connection, site: str) -> dict[str, dict[str, Any]]:
    """Return the attributes of all a site holds by name: the ``res`` of templates."""
    return allocations_of_sites(connection, [site])[site]


def allocations_of_sites(
    connection: sa.Connection, sites: Collection[str]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return by site what ``site_allocations`` returns, in one statement."""
    wanted = sorted(sites)
    query = (
        sa.select(
            reservation.c.site, reservation.c.name, reservation.c.amount, resource.c.attributes
        )
        .select_from(reservation.outerjoin(resource, resource.c.id == reservation.c.resource_id))
        .where(reservation.c.site == sa.any_(sa.cast(wanted, sa.ARRAY(sa.Text))))
        .order_by(reservation.c.site, reservation.c.name)
    )
    found: dict[str, dict[str, dict[str, Any]]] = {site: {} for site in wanted}
    for site, name, amount, attributes in connection.execute(query):
        found[site][name] = {"value": amount} if amount is not None else dict(attributes)
    return found


def holdings(connection: sa.Connection, site: str) -> tuple[Holding, ...]:
    """Return all a site holds, by name."""
    query = (
        sa.select(
            reservation.c.name,
            pool.c.name.label("pool"),
            sa.func.coalesce(resource.c.value, sa.cast(reservation.c.amount, sa.Text)).label(
                "value"
            ),
            reservation.c.order_id,
            reservation.c.item_id,
            reservation.c.state,
        )
        .select_from(
            reservation.join(pool).outerjoin(resource, resource.c.id == reservation.c.resource_id)
        )
        .where(reservation.c.site == site)
        .order_by(reservation.c.name)
    )
    return tuple(Holding(**row) for row in connection.execute(query).mappings())


def site_record(connection: sa.Connection, key: str) -> SiteRecord:
    """Return a site; raises ``UnknownEntryError``."""
    return SiteRecord(**_one(connection, site_table, "key", key))


def site_exists(connection: sa.Connection, key: str) -> bool:
    """Tell whether there is a site of this key."""
    return bool(connection.scalar(sa.select(sa.exists().where(site_table.c.key == key))))


def is_device(connection: sa.Connection, name: str) -> bool:
    """Tell whether inventory has a device of this name; a router from stock is none."""
    return bool(connection.scalar(sa.select(sa.exists().where(device.c.name == name))))


def has_inventory(connection: sa.Connection) -> bool:
    """Tell whether any inventory has been loaded: without pools no order can be served."""
    return bool(connection.scalar(sa.select(sa.exists().where(pool.c.id.is_not(None)))))


def customer_record(connection: sa.Connection, customer_id: str) -> CustomerRecord:
    """Return a customer; raises ``UnknownEntryError``."""
    return CustomerRecord(**_one(connection, customer, "id", customer_id))


def network_parameters(connection: sa.Connection) -> dict[str, Any]:
    """Return the gateway-wide parameters; empty before a file with ``network`` was loaded."""
    found = connection.scalar(sa.select(parameters_table.c.parameters))
    return dict(found or {})


def device_record(connection: sa.Connection, name: str) -> DeviceRecord:
    """Return a device; raises ``UnknownEntryError``."""
    return _device(_one(connection, device, "name", name))


def devices(connection: sa.Connection, role: str | None = None) -> tuple[DeviceRecord, ...]:
    """Return all devices, or those of a role, by name."""
    query = sa.select(device).order_by(device.c.name)
    if role is not None:
        query = query.where(device.c.role == role)
    return tuple(_device(dict(row)) for row in connection.execute(query).mappings())


def partner(connection: sa.Connection, name: str, role: str) -> DeviceRecord:
    """Return the device that has ``role`` for the sites of a device; ``UnknownEntryError``."""
    partners = device_record(connection, name).partners
    if role not in partners:
        raise UnknownEntryError(f"device {name} has no partner of role {role}")
    return device_record(connection, partners[role])


def endpoint_data(connection: sa.Connection, name: str) -> EndpointData:
    """Return how to reach a device; raises ``UnknownEntryError`` also when nobody said so yet.

    The port is 0 for what has none, such as a database in a file that ``options`` names.
    """
    row = _one(connection, device, "name", name)
    if row["host"] is None:
        raise UnknownEntryError(f"device {name} has no endpoint; load one or import the lab's")
    return _endpoint(row)


def endpoints(connection: sa.Connection) -> dict[str, EndpointData]:
    """Return by device how to reach each one that somebody has given an address."""
    query = sa.select(device).where(device.c.host.is_not(None)).order_by(device.c.name)
    return {row["name"]: _endpoint(dict(row)) for row in connection.execute(query).mappings()}


def cpe_access(connection: sa.Connection, serial: str) -> dict[str, Any]:
    """Return how to reach a CPE by protocol (``ssh``, ``snmp``, ``twamp``), secrets by name.

    Raises ``UnknownEntryError`` for an unknown serial; empty when nothing is known of access.
    """
    query = sa.select(resource.c.access).where(_has_serial(serial))
    found = connection.scalar(query)
    if found is None:
        raise UnknownEntryError(f"serial {serial} is not in the inventory")
    return dict(found)


def known_kinds(connection: sa.Connection) -> frozenset[str]:
    """Return the kinds of resources there are: those the release knows and those with a pool."""
    return frozenset(KINDS) | frozenset(connection.scalars(sa.select(pool.c.kind).distinct()))


def profiles_by_role(connection: sa.Connection) -> dict[str, set[str]]:
    """Return which profiles the devices of each role have, routers from stock among them."""
    found: dict[str, set[str]] = {}
    for role, profile in connection.execute(sa.select(device.c.role, device.c.profile).distinct()):
        found.setdefault(role, set()).add(profile)
    models: Mapping[str, Mapping[str, str]] = network_parameters(connection).get("cpe_profiles", {})
    for by_role in models.values():
        for role, profile in by_role.items():
            found.setdefault(role, set()).add(profile)
    return found


def pool_status(connection: sa.Connection) -> tuple[PoolStatus, ...]:
    """Return capacity and free of every pool by name. Retired entries are no capacity."""
    items = (
        sa.select(
            resource.c.pool_id,
            sa.func.count().filter(resource.c.state != ResourceState.RETIRED).label("capacity"),
            sa.func.count().filter(resource.c.state == ResourceState.AVAILABLE).label("free"),
        )
        .group_by(resource.c.pool_id)
        .subquery()
    )
    amounts = (
        sa.select(reservation.c.pool_id, sa.func.sum(reservation.c.amount).label("taken"))
        .where(reservation.c.amount.is_not(None))
        .group_by(reservation.c.pool_id)
        .subquery()
    )
    free_amount = pool.c.capacity - pool.c.used_elsewhere - sa.func.coalesce(amounts.c.taken, 0)
    query = (
        sa.select(
            pool.c.name, pool.c.kind, pool.c.mode, pool.c.watermark,
            _by_mode(pool.c.capacity, items.c.capacity).label("capacity"),
            _by_mode(free_amount, items.c.free).label("free"),
        )
        .select_from(
            pool.outerjoin(items, items.c.pool_id == pool.c.id)
            .outerjoin(amounts, amounts.c.pool_id == pool.c.id)
        )
        .order_by(pool.c.name)
    )  # fmt: skip
    return tuple(PoolStatus(**row) for row in connection.execute(query).mappings())


def _by_mode(of_quantity: sa.ColumnElement[Any], of_items: Any) -> sa.ColumnElement[Any]:
    return sa.case(
        (pool.c.mode == "quantity", of_quantity),
        (pool.c.mode == "items", sa.func.coalesce(of_items, 0)),
    )


def _has_serial(serial: str) -> sa.ColumnElement[bool]:
    return sa.and_(
        resource.c.attributes.has_key("serial"), resource.c.attributes["serial"].astext == serial
    )


def _device(row: Mapping[str, Any]) -> DeviceRecord:
    return DeviceRecord(**{field: row[field] for field in DeviceRecord.model_fields})


def _endpoint(row: dict[str, Any]) -> EndpointData:
    fields = EndpointData.model_fields.keys() - {"device", "port"}
    return EndpointData(
        device=row["name"], port=row["port"] or 0, **{field: row[field] for field in fields}
    )


def _one(connection: sa.Connection, table: sa.Table, key: str, value: str) -> dict[str, Any]:
    row = connection.execute(sa.select(table).where(table.c[key] == value)).mappings().first()
    if row is None:
        raise UnknownEntryError(f"{table.name} {value} is not in the inventory")
    return dict(row)
