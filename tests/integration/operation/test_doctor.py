"""``rom doctor`` finds what is wrong, says how to mend it, and changes nothing."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from typer.testing import CliRunner

from api.cli import app
from rom.gateway import doctor as module
from rom.gateway.doctor import Doctor
from rom.settings import Settings
from rom.store.database import Engine, make_engine
from rom.store.embedded import EmbeddedPostgres
from rom.vault.master_key import unlock
from tests.databases import stocked_database


@pytest.fixture(scope="module")
def url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    with stocked_database(postgres_server) as found:
        yield found


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = make_engine(url)
    yield made
    made.dispose()


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=SecretStr(url), master_key=SecretStr("k" * 40))


def found(doctor: Doctor) -> dict[str, tuple[str, str]]:
    return {each.name: (str(each.finding), each.text) for each in doctor.examine().findings}


def endpoint(engine: Engine, port: int) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE device SET host = '127.0.0.1', port = :port, username = 'rom'"
                " WHERE name = 'OLT-SOUTH-03'"
            ),
            {"port": port},
        )


def test_a_sound_installation_is_sound(engine: Engine, settings: Settings) -> None:
    unlock(engine, settings.data_dir, settings.master_key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        endpoint(engine, listening.getsockname()[1])
        health = Doctor(settings, engine).examine()
    assert not health.fails, health
    told = {each.name: each.text for each in health.findings}
    assert told["devices"] == "1 take connections"
    assert told["database"].startswith("PostgreSQL 18")
    assert "90 days and 20 orders" in told["retention"]
    assert health.tables[0].size >= health.tables[-1].size > 0


def test_a_device_that_takes_no_connection_is_named(engine: Engine, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    endpoint(engine, port)
    finding, text = found(Doctor(settings, engine))["devices"]
    assert finding == "fails"
    assert "OLT-SOUTH-03 (Connection refused)" in text


def test_another_key_a_clock_apart_and_a_full_disk_fail(
    engine: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlock(engine, settings.data_dir, settings.master_key)
    late = datetime.now(UTC) - timedelta(hours=2)
    monkeypatch.setattr(module.state, "clock", lambda _: late)
    monkeypatch.setattr(module, "LEAST_FREE", 1 << 60)
    other = settings.model_copy(update={"master_key": SecretStr("o" * 40)})
    told = found(Doctor(other, engine))
    assert told["master key"][0] == told["clock"][0] == told["disk"][0] == "fails"
    assert "7200." in told["clock"][1] or "7199." in told["clock"][1]
    assert "ROM_MASTER_KEY is another one" in told["master key"][1]


def test_a_database_of_another_release_is_told(engine: Engine, settings: Settings) -> None:
    with engine.begin() as connection:
        now = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    told = found(Doctor(settings, engine))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    older = found(Doctor(settings, engine))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :now"), {"now": now})
    assert told["migrations"][0] == "fails"
    assert older["migrations"][0] == "note"


def rom(*words: str, **environment: str) -> Any:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200", **environment})


def test_the_command_prints_or_gives_json_and_exits_by_what_fails(
    url: str, engine: Engine, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        endpoint(engine, listening.getsockname()[1])
        with engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM sealing_key"))
        given = {"ROM_DATABASE_URL": url, "ROM_DATA_DIR": str(tmp_path), "ROM_DATABSE_URL": "x"}
        done = rom("doctor", "--json", **given)
        assert done.exit_code == 0, done.output
        told = {each["name"]: each for each in json.loads(done.output)["findings"]}
        assert told["settings"]["mend"] == "Did you mean ROM_DATABASE_URL?"
        assert told["master key"]["text"] == "not in use yet"
        shown = rom("doctor", **given)
        assert "Largest tables" in shown.output
        broken = rom("doctor", **given, ROM_REDIS_URL="redis://127.0.0.1:1/0")
    assert broken.exit_code == 1
    assert "correct ROM_REDIS_URL" in broken.output
    assert not (tmp_path / "master.key").exists()


def test_nothing_is_made_where_nothing_is(tmp_path: Path) -> None:
    place = tmp_path / "nothing"
    done = rom("doctor", "--data-dir", str(place))
    assert done.exit_code == 0, done.output
    assert "the first start makes it" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("garbage", "it is no URL such as postgresql://"),
        ("mysql://a/b", "it is no URL such as postgresql://"),
        ("postgresql://u:geheim@127.0.0.1:1/rom", "Connection refused"),
    ],
)
@pytest.mark.parametrize("command", [("doctor",), ("token", "list"), ("key", "show")])
def test_a_wrong_database_url_is_one_sentence(
    tmp_path: Path, wrong: str, words: str, command: tuple[str, ...]
) -> None:
    done = rom(*command, ROM_DATABASE_URL=wrong, ROM_DATA_DIR=str(tmp_path))
    assert done.exit_code in {1, 2}
    assert words in done.output
    assert "geheim" not in done.output
    assert "Traceback" not in done.output
    if command != ("doctor",):
        assert len(done.output.strip().splitlines()) == 1


def test_a_rotation_that_cannot_be_is_refused_with_its_mend(url: str, tmp_path: Path) -> None:
    given = {"ROM_DATABASE_URL": url, "ROM_DATA_DIR": str(tmp_path), "ROM_MASTER_KEY": "k" * 40}
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM sealing_key"))
    engine.dispose()
    refused = rom("key", "rotate", **given)
    assert refused.exit_code == 2
    assert "so the gateway cannot replace it. Name a file" in refused.output
    (tmp_path / "new").write_text("n" * 40)
    done = rom("key", "rotate", "--new-key-file", str(tmp_path / "new"), **given)
    assert done.exit_code == 0, done.output
    assert "Set ROM_MASTER_KEY to the new key" in done.output
    other = rom("key", "show", **given)
    assert other.exit_code == 2
    assert "ROM_MASTER_KEY is another one" in other.output
