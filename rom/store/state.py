"""How the database is: release, schema, clock, sizes."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from rom.store.database import MIGRATIONS
from rom.store.tables import snapshot


@dataclass(frozen=True, slots=True)
class TableSize:
    """What a table takes."""

    name: str
    size: int
    rows: int


def server_version(connection: sa.Connection) -> int:
    """Return the major release of PostgreSQL."""
    number = connection.scalar(sa.text("SELECT current_setting('server_version_num')::int"))
    return int(number or 0) // 10_000


def clock(connection: sa.Connection) -> datetime:
    """Return the database's time, now."""
    now: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return now


def revisions(connection: sa.Connection) -> tuple[str | None, str | None]:
    """Return the schema's revision and this release's."""
    found = MigrationContext.configure(connection).get_current_revision()
    return found, ScriptDirectory(str(MIGRATIONS)).get_current_head()


def table_sizes(connection: sa.Connection) -> list[TableSize]:
    """Return what each table takes, the largest first; rows as they were counted last."""
    rows = connection.execute(
        sa.text(
            "SELECT relname, pg_total_relation_size(oid), greatest(reltuples, 0)::bigint"
            " FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " ORDER BY 2 DESC"
        )
    )
    return [TableSize(*row) for row in rows]


def oldest_snapshot(connection: sa.Connection) -> datetime | None:
    """Return the time of the oldest snapshot that is kept."""
    oldest: datetime | None = connection.scalar(sa.select(sa.func.min(snapshot.c.time)))
    return oldest
