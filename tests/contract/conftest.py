"""The HTTP application over a real database, without workers and devices."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

import api
import inventory
from api.app import create_app
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store.database import make_engine
from rom.store.embedded import EmbeddedPostgres
from tests.databases import fresh_database

EXAMPLES = Path(api.__file__).parent / "examples"
INVENTORY = Path(inventory.__file__).parent / "examples" / "enterprise-fibre.yaml"


@pytest.fixture(scope="session")
def own_database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def app(own_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    settings = Settings(
        database_url=SecretStr(own_database),
        data_dir=tmp_path_factory.mktemp("data"),
        inventory_file=INVENTORY,
    )
    with open_gateway(settings) as gateway:
        yield create_app(gateway, settings)


@pytest.fixture
def engine(app: FastAPI, own_database: str) -> Iterator[sa.Engine]:
    """The application's database, for what only devices and workers would bring about."""
    found = make_engine(own_database)
    yield found
    found.dispose()


@pytest.fixture(scope="session")
def http(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1:8652") as client:
        yield client


@pytest.fixture(scope="session")
def example() -> Callable[[str], dict[str, Any]]:
    """Return a shipped order; every test takes another site's."""

    def read(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
        return found

    return read
