"""The difference between a validated file and the database, and writing only that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import sqlalchemy as sa

from inventory.expansion import WantedPool
from inventory.file_model import DeviceEntry, InventoryFile
from inventory.merging import merged
from inventory.overlap import Claim
from inventory.problems import Problem
from inventory.reading import Reading
from inventory.tables import customer, device, network_parameters, pool, resource, site
from inventory.upsert_pools import PoolsDifference, compare_pools
from inventory.writing import EntryChange, LoadReport, Row, Rows, among, compared

_LOAD_LOCK = 0x696E76656E746F72  # "inventor": one load at a time


@dataclass(frozen=True)
class Difference:
    """What a file changes of the database, section by section in the order of writing."""

    entries: tuple[Rows, ...]
    pools: PoolsDifference

    @property
    def problems(self) -> Sequence[Problem]:
        """What forbids to write it."""
        return self.pools.problems

    def report(self) -> LoadReport:
        """Return the counts."""
        own = (rows.report() for rows in self.entries)
        return reduce(LoadReport.__add__, own, LoadReport()) + self.pools.report()

    def changes(self) -> list[EntryChange]:
        """Return what becomes of each entry."""
        return [change for rows in self.entries for change in rows.changes()] + (
            self.pools.changes()
        )

    def write(self, connection: sa.Connection) -> None:
        """Write all of it."""
        for rows in self.entries:
            rows.write(connection)
        self.pools.write(connection)


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


def claims_elsewhere(connection: sa.Connection, reading: Reading) -> list[Claim]:
    """Return what pools outside the file claim in the file's scopes, and their serials."""
    scopes = {row.scope for entry in reading.pools for row in entry.resources}
    serials = {row.attributes.get("serial") for entry in reading.pools for row in entry.resources}
    texts = {serial for serial in serials if isinstance(serial, str)}
    serial = resource.c.attributes["serial"].astext
    rows = connection.execute(
        sa.select(
            pool.c.name, resource.c.value, resource.c.scope,
            sa.cast(resource.c.prefix, sa.Text), serial,
        )
        .join_from(resource, pool)
        .where(
            sa.not_(among(pool.c.name, list(reading.places["pools"]))),
            sa.or_(among(resource.c.scope, scopes), among(serial, texts)),
        )
    )  # fmt: skip
    return [Claim(*row) for row in rows]


def compare(connection: sa.Connection, reading: Reading) -> Difference:
    """Return what a file changes; writes nothing."""
    file = reading.file
    customers = [entry.model_dump() for entry in file.customers]
    sites = [entry.model_dump() for entry in file.sites]
    devices = [_device_row(entry) for entry in file.devices]
    return Difference(
        (
            compared(connection, "customers", customer, "id", customers),
            compared(connection, "sites", site, "key", sites),
            compared(connection, "devices", device, "name", devices),
            compared(connection, "network", network_parameters, "id", _network(connection, file)),
        ),
        compare_pools(connection, reading),
    )


def _network(connection: sa.Connection, file: InventoryFile) -> list[Row]:
    """Return the parameters with what the file says of them; what it lacks stays."""
    if file.network is None:
        return []
    present = connection.scalar(sa.select(network_parameters.c.parameters)) or {}
    given = file.network.model_dump(exclude_unset=True)
    return [{"id": 1, "parameters": merged(present, given)}]


def _device_row(entry: DeviceEntry) -> Row:
    row = entry.model_dump(exclude={"endpoint"})
    # Without an endpoint in the file, what the lab or an operator entered stays; so does a pinned
    # host key without one.
    if entry.endpoint is None:
        return row
    kept = {"host_key"} if entry.endpoint.host_key is None else set()
    return {**row, **entry.endpoint.model_dump(exclude=kept)}
