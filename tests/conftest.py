"""Fixtures every area shares: a real PostgreSQL for the run, a fresh database for a test."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import settings

from rom.store.embedded import EmbeddedPostgres

ROOT_DATA = Path("/var/lib/rom-gateway")

# A deadline for each example would measure how busy the machine is.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def scratch_root() -> Iterator[Path]:
    """A directory that PostgreSQL's user may pass, also when the tests run as root."""
    parent = None
    if os.geteuid() == 0:
        ROOT_DATA.mkdir(mode=0o755, parents=True, exist_ok=True)
        parent = ROOT_DATA
    with tempfile.TemporaryDirectory(prefix="test-", dir=parent) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def postgres_server(scratch_root: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(scratch_root, durable=False) as server:
        yield server


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """URL of an empty database of this test's own."""
    name = f"test_{uuid4().hex}"
    admin = sa.create_engine(
        postgres_server.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with admin.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    yield postgres_server.url.replace("@/postgres", f"@/{name}")
    with admin.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()
