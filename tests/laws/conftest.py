"""One database and one pair of strict devices for each module; every story begins anew."""

import logging
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
import structlog

from rom.store.embedded import EmbeddedPostgres
from tests.databases import fresh_database
from tests.laws.devices import Network
from tests.laws.world import World


@pytest.fixture(scope="module")
def module_database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """URL of a migrated database of this module's own."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def engine(module_database: str) -> Iterator[sa.Engine]:
    # Without the check before each use: the server is ours and half of the time would go there.
    made = sa.create_engine(module_database, connect_args={"options": "-c timezone=UTC"})
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def world(engine: sa.Engine) -> Iterator[World]:
    network = Network()
    yield World(engine, network)
    network.close()


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of stories would log tens of thousands of lines, at a cost."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()
