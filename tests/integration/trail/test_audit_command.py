"""``rom audit`` against a served gateway, and on an export without one."""

import json
import logging
from collections.abc import Iterator
from contextvars import copy_context
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from api.app import create_app
from api.cli import app
from rom.model.deed import Actor, ActorKind, DeedKind
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store.database import make_engine
from rom.trail import trail
from tests.served import served

ANNA = Actor("noc-anna", ActorKind.TOKEN, "192.0.2.7", "req-1")


def rom(*words: str, **environment: str) -> Result:
    return copy_context().run(
        CliRunner().invoke, app, list(words), env={"COLUMNS": "250"} | environment
    )


@pytest.fixture
def url(database_url: str, tmp_path: Path) -> Iterator[str]:
    settings = Settings(database_url=SecretStr(database_url), data_dir=tmp_path / "data")
    engine = make_engine(database_url)
    for number in range(3):
        with engine.begin() as connection:
            trail.record(
                connection, ANNA, DeedKind.SITE_REPAIRED, sites=[f"ENT-{number}"],
                reason="agreed\u2028with the field",
            )  # fmt: skip
    engine.dispose()
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)  # the logs are not of the commands' output
    with open_gateway(settings) as gateway, served(create_app(gateway, settings)) as address:
        yield address
    structlog.reset_defaults()


def test_the_trail_is_listed_exported_and_verified_at_the_command_line(
    url: str, tmp_path: Path
) -> None:
    listed = rom("audit", "list", "--site", "ENT-1", "--url", url)
    assert listed.exit_code == 0, listed.output
    assert "noc-anna" in listed.stdout
    assert "ENT-2" not in listed.stdout
    assert json.loads(rom("audit", "show", "2", "--url", url).stdout)["sites"] == ["ENT-1"]
    assert rom("audit", "show", "9", "--url", url).exit_code == 2

    whole = rom("audit", "verify", "--url", url, "--json")
    head = json.loads(whole.stdout)["head"]
    assert head.startswith("3:")
    assert rom("audit", "verify", "--head", head, "--url", url).exit_code == 0
    assert rom("audit", "verify", "--head", f"4:{'0' * 64}", "--url", url).exit_code == 1
    assert rom("audit", "verify", "--head", "4", "--url", url).exit_code == 2

    file = tmp_path / "trail.jsonl"
    assert rom("audit", "export", str(file), "--url", url).exit_code == 0
    assert rom("audit", "export", str(file), "--url", url).exit_code == 2  # it is there already
    lines = file.read_text().splitlines()
    assert lines == rom("audit", "export", "--url", url).stdout.splitlines()
    assert [json.loads(line)["place"] for line in lines] == [1, 2, 3]


def test_an_export_is_verified_without_a_gateway(url: str, tmp_path: Path) -> None:
    file = tmp_path / "trail.jsonl"
    rom("audit", "export", str(file), "--url", url)
    head = json.loads(rom("audit", "verify", "--url", url, "--json").stdout)["head"]
    assert rom("audit", "verify", "--file", str(file), "--head", head).exit_code == 0
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], lines[1].replace("noc-anna", "noc-bert"), lines[2]]))
    changed = rom("audit", "verify", "--file", str(file), "--json")
    assert (changed.exit_code, json.loads(changed.stdout)["faults"][0]["place"]) == (1, 2)
    file.write_text("\n".join(lines[:2]))
    assert rom("audit", "verify", "--file", str(file)).exit_code == 0
    assert rom("audit", "verify", "--file", str(file), "--head", head).exit_code == 1
    file.write_text("no json")
    assert rom("audit", "verify", "--file", str(file)).exit_code == 2
