"""The HTTP application over a real database, without workers and devices."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from pydantic import SecretStr

import api
import inventory
from api.app import create_app
from rom.gateway.gateway import Gateway
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store.database import make_engine
from rom.store.embedded import EmbeddedPostgres
from tests.databases import fresh_database

EXAMPLES = Path(api.__file__).parent / "examples"
INVENTORY = Path(inventory.__file__).parent / "examples" / "enterprise-fibre.yaml"
Document = dict[str, Any]


def client_of(gateway: Gateway) -> TestClient:
    return TestClient(create_app(gateway, Settings()), base_url="http://127.0.0.1:8652")


@contextmanager
def gateway_on(database_url: str, data_dir: Path) -> Iterator[Gateway]:
    settings = Settings(
        database_url=SecretStr(database_url), data_dir=data_dir, inventory_file=INVENTORY
    )
    with open_gateway(settings) as found:
        yield found


@pytest.fixture(scope="module")
def own_database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A database of the module's own: its tests read more than they write."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def gateway(own_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway_on(own_database, tmp_path_factory.mktemp("data")) as found:
        yield found


@pytest.fixture(scope="module")
def engine(gateway: Gateway, own_database: str) -> Iterator[sa.Engine]:
    found = make_engine(own_database)
    yield found
    found.dispose()


@pytest.fixture(scope="module")
def http(gateway: Gateway) -> Iterator[TestClient]:
    with client_of(gateway) as client:
        yield client


@pytest.fixture
def alone(database_url: str, tmp_path: Path) -> Iterator[TestClient]:
    """The application over the test's own ``database_url``, for what all others would notice."""
    with gateway_on(database_url, tmp_path) as found, client_of(found) as client:
        yield client


@pytest.fixture(scope="session")
def order() -> Callable[..., Document]:
    """Return a shipped order with other first-level members."""

    def make(file: str = "so-pilot-melbourne", **members: Any) -> Document:
        document: Document = json.loads((EXAMPLES / f"{file}.json").read_text())
        return document | members

    return make
