"""What is sealed with the master key, the key's fingerprint, and who has the key in use.

Whatever column is named ``sealed…`` holds what was sealed with the key. Connections of an engine
that writes such values hold a lock together, from their first moment on: so the key cannot change
under a gateway, and a gateway with a former key gets no connection any more.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
import sqlalchemy as sa

import rom.store.access_tables
import rom.store.catalog_tables
import rom.store.event_tables
import rom.store.order_tables  # noqa: F401 - with these all tables are known
from rom.store.tables import metadata, sealing_key

_IN_USE = 652_639_635  # any number, the same in every process
_FIRST_USE = 652_639_636
_BATCH = 200
_TRIES = 20
_PAUSE_SECONDS = 0.1
ALL_SEALED = "sealed"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What the database knows of the master key; nothing of it tells the key."""

    generation: int
    """1 for the first key; each rotation adds one."""
    salt: bytes = field(repr=False)
    fingerprint: bytes = field(repr=False)
    since: datetime
    sealed_root: bytes | None = field(repr=False)
    """The key that the sites' secrets are derived from, where it is not the present one."""


def known_key(connection: sa.Connection) -> KnownKey | None:
    """Return what is known of the key, ``None`` before its first use."""
    row = connection.execute(sa.select(sealing_key)).one_or_none()
    if row is None:
        return None
    root = None if row.sealed_root is None else bytes(row.sealed_root)
    return KnownKey(row.generation, bytes(row.salt), bytes(row.fingerprint), row.since, root)


def first_use(connection: sa.Connection) -> None:
    """Wait until nobody else is looking for the key of this database."""
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_FIRST_USE)))


def keep_key(
    connection: sa.Connection,
    *,
    generation: int,
    salt: bytes,
    fingerprint: bytes,
    sealed_root: bytes | None,
) -> None:
    """Write what is known of a key instead of what was known of a former one."""
    connection.execute(sa.delete(sealing_key))
    connection.execute(
        sa.insert(sealing_key).values(
            generation=generation, salt=salt, fingerprint=fingerprint, sealed_root=sealed_root
        )
    )


def any_sealed(connection: sa.Connection) -> bytes | None:
    """Return something that was sealed, ``None`` where nothing is."""
    for column in _columns():
        found = connection.scalar(sa.select(column).where(column.is_not(None)).limit(1))
        if found is not None:
            return bytes(found)
    return None


def hold(engine: sa.Engine, generation: int) -> None:
    """Let the engine have connections only while the key of this generation is the database's."""

    def connected(connection: Any, _: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock_shared(%s)", (_IN_USE,))
            held = cursor.fetchone()[0]
            cursor.execute("SELECT generation FROM sealing_key")
            found = cursor.fetchone()
        connection.commit()
        if not held or found is None or found[0] != generation:
            # As if the database were away: for this gateway it is.
            message = "the master key of the database was changed; start again with the new one"
            raise psycopg.OperationalError(message)

    sa.event.listen(engine, "connect", connected)
    engine.dispose()  # those made before hold nothing


def take_alone(connection: sa.Connection) -> bool:
    """Keep every gateway out until the transaction ends; false while one has the key in use.

    A session that was closed just now holds it for a moment longer, so it is tried again. Waiting
    in the lock's queue instead would keep a running gateway from new connections.
    """
    attempt = sa.select(sa.func.pg_try_advisory_xact_lock(_IN_USE))
    for _ in range(_TRIES):
        if connection.scalar(attempt):
            return True
        connection.execute(sa.select(sa.func.pg_sleep(_PAUSE_SECONDS)))
    return False


def seal_again(connection: sa.Connection, again: Callable[[bytes], bytes]) -> int:
    """Replace everything that is sealed by what ``again`` makes of it; return how much it was."""
    count = 0
    for column in _columns():
        table = column.table
        keys = list(table.primary_key.columns)
        change = (
            sa.update(table)
            .where(*(key == sa.bindparam(f"key_{key.name}") for key in keys))
            .values({column.name: sa.bindparam("sealed_again")})
        )
        chosen = sa.select(*keys, column.label("sealed_value")).where(column.is_not(None))
        rows = connection.execute(chosen.execution_options(yield_per=_BATCH))
        for batch in rows.partitions():
            values = [
                {f"key_{key.name}": row[place] for place, key in enumerate(keys)}
                | {"sealed_again": again(bytes(row.sealed_value))}
                for row in batch
            ]
            connection.execute(change, values)
            count += len(values)
    return count


def _columns() -> list[sa.Column[Any]]:
    return [
        column
        for table in metadata.sorted_tables
        if table is not sealing_key
        for column in table.columns
        if column.name.startswith(ALL_SEALED)
    ]
