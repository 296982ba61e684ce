"""Write the difference between a validated file and the database, and only the difference."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from inventory.expansion import WantedPool
from inventory.file_model import DeviceEntry, InventoryFile
from inventory.overlap import Claim
from inventory.problems import Problem
from inventory.tables import customer, device, network_parameters, pool, resource, site
from inventory.upsert_pools import upsert_pools
from inventory.writing import LoadReport, Row, among, refuse, upsert_rows

_LOAD_LOCK = 0x696E76656E746F72  # "inventor": one load at a time


def lock_for_load(
    connection: sa.Connection, wanted: InventoryFile, pools: Iterable[WantedPool]
) -> None:
    """Keep other loads, and reservations at the same sites and pools, out until commit.

    Sites before pools, each in order, as reservations do: so neither waits for the other in turn.
    """
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOAD_LOCK)))
    keys = [entry.key for entry in wanted.sites]
    connection.execute(
        sa.select(site.c.key).where(among(site.c.key, keys)).order_by(site.c.key).with_for_update()
    )
    names = [entry.name for entry in pools]
    connection.execute(
        sa.select(pool.c.id).where(among(pool.c.name, names)).order_by(pool.c.id).with_for_update()
    )


def claims_elsewhere(connection: sa.Connection, pools: Sequence[WantedPool]) -> list[Claim]:
    """Return what pools outside the file claim in the file's scopes, and their serials."""
    scopes = {row.scope for entry in pools for row in entry.resources}
    serials = {row.attributes.get("serial") for entry in pools for row in entry.resources}
    serial = resource.c.attributes["serial"].astext
    rows = connection.execute(
        sa.select(
            pool.c.name, resource.c.value, resource.c.scope,
            sa.cast(resource.c.prefix, sa.Text), serial,
        )
        .join_from(resource, pool)
        .where(
            sa.not_(among(pool.c.name, [entry.name for entry in pools])),
            sa.or_(among(resource.c.scope, scopes), among(serial, serials - {None})),
        )
    )  # fmt: skip
    return [Claim(*row) for row in rows]


def upsert(
    connection: sa.Connection, wanted: InventoryFile, pools: Sequence[WantedPool]
) -> LoadReport:
    """Write what differs; raises ``RefusedError`` for what may not change, then roll back."""
    customers = [entry.model_dump() for entry in wanted.customers]
    report = upsert_rows(connection, customer, "id", customers)
    refuse(_unknown_customers(connection, wanted))
    sites = [entry.model_dump() for entry in wanted.sites]
    report += upsert_rows(connection, site, "key", sites)
    devices = [_device_row(entry) for entry in wanted.devices]
    report += upsert_rows(connection, device, "name", devices)
    refuse(_wrong_partners(connection, wanted.devices))
    if wanted.network is not None:
        row = {"id": 1, "parameters": wanted.network.model_dump(exclude_unset=True)}
        report += upsert_rows(connection, network_parameters, "id", [row])
    return report + upsert_pools(connection, pools)


def _device_row(entry: DeviceEntry) -> Row:
    row = entry.model_dump(exclude={"endpoint"})
    # Without an endpoint in the file, what the lab or an operator entered stays; so does a pinned
    # host key without one.
    if entry.endpoint is None:
        return row
    kept = {"host_key"} if entry.endpoint.host_key is None else set()
    return {**row, **entry.endpoint.model_dump(exclude=kept)}


def _unknown_customers(connection: sa.Connection, wanted: InventoryFile) -> list[Problem]:
    known = set(connection.scalars(sa.select(customer.c.id)))
    return [
        Problem(
            entry=f"sites[{index}] {entry.key!r}",
            field="customer",
            text=f"{entry.customer!r} is not known",
            fix="add it to customers or correct it",
        )
        for index, entry in enumerate(wanted.sites)
        if entry.customer not in known
    ]


def _wrong_partners(connection: sa.Connection, devices: Sequence[DeviceEntry]) -> list[Problem]:
    rows = connection.execute(sa.select(device.c.name, device.c.role))
    roles: dict[str, str] = dict(rows.all())
    return [
        Problem(
            entry=f"devices[{index}] {entry.name!r}",
            field=f"partners.{role}",
            text=f"{partner!r} is no device of role {role}",
            fix="add the device or correct the name",
        )
        for index, entry in enumerate(devices)
        for role, partner in entry.partners.items()
        if roles.get(partner) != role
    ]
