"""What inventory knows of devices' secrets and host keys: names and public keys, nothing secret."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from inventory.tables import device, resource


def secrets_named(connection: sa.Connection) -> dict[str, list[str]]:
    """Return by the names of secrets which devices name them, as password or in an option."""
    found: dict[str, list[str]] = {}
    query = sa.select(device.c.name, device.c.secret_name).where(device.c.secret_name.is_not(None))
    for name, secret in connection.execute(query.order_by(device.c.name)):
        found.setdefault(secret, []).append(name)
    return found


def devices_naming(connection: sa.Connection, secret: str) -> list[str]:
    """Return the devices and routers that name a secret, as password or in an option."""
    among = sa.func.jsonb_path_exists(
        device.c.options,
        sa.literal_column("'$.* ? (@ == $name)'::jsonpath"),
        sa.func.jsonb_build_object("name", sa.literal(secret)),
    )
    of_access = sa.func.jsonb_path_exists(
        resource.c.access,
        sa.literal_column("'$.*.* ? (@ == $name)'::jsonpath"),
        sa.func.jsonb_build_object("name", sa.literal(secret)),
    )
    devices = sa.select(device.c.name).where(sa.or_(device.c.secret_name == secret, among))
    units = sa.select(resource.c.attributes["serial"].astext).where(of_access)
    return sorted({*connection.scalars(devices), *connection.scalars(units)})


def pin_device(connection: sa.Connection, name: str, key: str, known: str | None) -> bool:
    """Write a device's host key if it is still the ``known`` one; tells whether it was."""
    done = connection.execute(
        sa.update(device)
        .where(device.c.name == name, device.c.host_key.is_not_distinct_from(known))
        .values(host_key=key)
    )
    return done.rowcount == 1


def pin_unit(
    connection: sa.Connection, serial: str, protocol: str, key: str, known: str | None
) -> bool:
    """Write a unit's host key if it is still the ``known`` one; tells whether it was."""
    access = sa.func.coalesce(resource.c.access, sa.literal({}, JSONB), type_=JSONB)
    present: Any = access[(protocol, "host_key")].astext
    way = sa.func.coalesce(access[protocol], sa.literal({}, JSONB), type_=JSONB)
    pinned = access.op("||")(
        sa.func.jsonb_build_object(
            protocol, way.op("||")(sa.func.jsonb_build_object("host_key", sa.literal(key)))
        )
    )
    done = connection.execute(
        sa.update(resource)
        .where(resource.c.attributes.has_key("serial"))
        .where(resource.c.attributes["serial"].astext == serial)
        .where(present.is_not_distinct_from(known))
        .values(access=pinned)
    )
    return done.rowcount == 1


def forget_unit(connection: sa.Connection, serial: str) -> bool:
    """Forget the host key by which a unit was known; tells whether there was one."""
    key = resource.c.access["ssh"]["host_key"]
    done = connection.execute(
        sa.update(resource)
        .where(resource.c.attributes.has_key("serial"))
        .where(resource.c.attributes["serial"].astext == serial)
        .where(key.astext.is_not(None))
        .values(access=resource.c.access.op("#-")(sa.literal(["ssh", "host_key"], ARRAY(sa.Text))))
    )
    return done.rowcount > 0
