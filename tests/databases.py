"""Databases for tests to write in, on the run's own PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import sqlalchemy as sa

from rom.store.embedded import EmbeddedPostgres


@contextmanager
def fresh_database(server: EmbeddedPostgres) -> Iterator[str]:
    """Yield the URL of an empty database that is dropped afterwards, whoever still uses it."""
    name = f"test_{uuid4().hex}"
    admin = sa.create_engine(server.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    yield server.url.replace("@/postgres", f"@/{name}")
    with admin.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()
