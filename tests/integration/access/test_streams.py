"""A stream lasts as long as the right to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from api.access.access import open_access
from api.live import Live
from rom.access import tokens
from rom.model.access import EVERYTHING, Role
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store.database import make_engine
from tests.integration.events.replica import Followed, Replica


@pytest.fixture
def replica(database_url: str, tmp_path: Path) -> Iterator[Replica]:
    settings = Settings(data_dir=tmp_path, database_url=SecretStr(database_url))
    with open_gateway(settings) as gateway:
        access = open_access(settings, gateway.access, "127.0.0.1")
        with Replica(settings, gateway, Live(), access).running() as made:
            yield made


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    found = make_engine(database_url)
    yield found
    found.dispose()


def made(engine: sa.Engine) -> str:
    with engine.begin() as connection:
        return tokens.create(connection, "console", frozenset({Role.NOC}), EVERYTHING, None)


def test_a_stream_ends_when_its_token_is_revoked(replica: Any, engine: sa.Engine) -> None:
    with Followed(replica.url, token=made(engine)) as followed:
        with engine.begin() as connection:
            tokens.revoke(connection, "console")
        assert list(followed.rest()) == []


def test_a_stream_of_the_open_lab_ends_when_the_lab_closes(replica: Any, engine: sa.Engine) -> None:
    with Followed(replica.url) as followed:
        made(engine)
        assert list(followed.rest()) == []
