"""Databases for tests to write in, on the run's own PostgreSQL."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

import inventory
from inventory.load import load_file
from rom.jobs import wakes as jobs
from rom.store.database import make_engine, migrate, plain_url
from rom.store.embedded import EmbeddedPostgres

EMPTY = "template1"
SCHEMA = "schema_of_this_release"
STOCKED = "schema_and_shipped_inventory"
INVENTORY = Path(inventory.__file__).parent / "examples" / "enterprise-fibre.yaml"
RUNNING_SERVER = "ROM_TEST_POSTGRES"
"""Environment variable: the directory of a PostgreSQL that runs already and has the schema."""


@contextmanager
def fresh_database(server: EmbeddedPostgres) -> Iterator[str]:
    """Yield the URL of a database with this release's schema and no rows; dropped afterwards.

    Migrating takes longer than most tests, so it is done once and then copied.
    """
    if RUNNING_SERVER not in os.environ:
        _schema(server.url)
    with _copy(server.url, SCHEMA) as url:
        yield url


@contextmanager
def stocked_database(server: EmbeddedPostgres) -> Iterator[str]:
    """Yield the URL of a database with the schema and the shipped inventory; dropped afterwards."""
    if RUNNING_SERVER not in os.environ:
        _schema(server.url)
    _stock(server.url)
    with _copy(server.url, STOCKED) as url:
        yield url


@contextmanager
def empty_database(server: EmbeddedPostgres) -> Iterator[str]:
    """Yield the URL of a database without any table; dropped afterwards."""
    with _copy(server.url, EMPTY) as url:
        yield url


@cache
def _schema(server_url: str) -> None:
    _administer(server_url, f"CREATE DATABASE {SCHEMA}")
    url = _url(server_url, SCHEMA)
    engine = make_engine(url)
    migrate(engine)
    jobs.install(engine, plain_url(url))
    engine.dispose()  # a database that is in use cannot be copied


@cache
def _stock(server_url: str) -> None:
    _administer(server_url, f"CREATE DATABASE {STOCKED} TEMPLATE {SCHEMA} STRATEGY file_copy")
    engine = make_engine(_url(server_url, STOCKED))
    with engine.begin() as connection:
        load_file(connection, INVENTORY)
    engine.dispose()


@contextmanager
def _copy(server_url: str, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    _administer(server_url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    yield _url(server_url, name)
    _administer(server_url, f"DROP DATABASE {name} WITH (FORCE)")  # whoever still uses it


def _url(server_url: str, name: str) -> str:
    return server_url.replace("@/postgres", f"@/{name}")


def _administer(server_url: str, statement: str) -> None:
    admin = sa.create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.execute(sa.text(statement))
    admin.dispose()
