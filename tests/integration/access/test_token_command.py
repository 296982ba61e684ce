"""``rom token`` on a real database, and how the other commands present what it made."""

import json
from contextvars import copy_context
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from api.cli.client import GatewayClient
from rom.gateway.access import Access
from rom.store.database import make_engine


class Rom:
    """The command line with a database and directories of its own."""

    def __init__(self, database_url: str, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            "ROM_DATABASE_URL": database_url, "ROM_DATA_DIR": str(directory), "COLUMNS": "200",
        }  # fmt: skip

    def __call__(self, *words: str, **environment: str) -> Result:
        # In a context of its own: the token file is forgotten with the command, as in a process.
        return copy_context().run(
            CliRunner().invoke, app, list(words), env=self.environment | environment
        )


@pytest.fixture
def rom(database_url: str, tmp_path: Path) -> Rom:
    return Rom(database_url, tmp_path)


def test_a_token_is_shown_once_lets_in_and_can_be_taken_back(rom: Rom, database_url: str) -> None:
    made = rom("token", "create", "som-1", "--role", "som", "--customer", "ACME",
               "--site", "ENT-1", "--expires", "90d")  # fmt: skip
    assert made.exit_code == 0
    token = made.stdout.strip()
    assert "cannot be shown again" in made.stderr

    engine = make_engine(database_url)
    found = Access(engine).token(token)
    assert found is not None
    assert (found.name, sorted(found.roles)) == ("som-1", ["som"])

    listed = rom("token", "list", "--json")
    row = json.loads(listed.stdout)[0]
    assert token.split("_", 2)[2] not in listed.output
    assert (row["name"], row["roles"], row["state"]) == ("som-1", ["som"], "in force")
    assert (row["customers"], row["sites"]) == (["ACME"], ["ENT-1"])
    assert row["lastUsed"]
    assert "som-1" in rom("token", "list").stdout

    assert rom("token", "revoke", "som-1").exit_code == 0
    assert Access(engine).token(token) is None
    engine.dispose()
    assert json.loads(rom("token", "list", "--json").stdout)[0]["state"] == "revoked"
    assert rom("token", "revoke", "som-1").exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("nobody",),
        ("nobody", "--role", "king"),
        ("no body", "--role", "noc"),
        ("nobody", "--role", "noc", "--expires", "soon"),
        ("nobody", "--role", "noc", "--expires", "2020-01-01"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(rom: Rom, words: tuple[str, ...]) -> None:
    assert rom("token", "create", *words).exit_code == 2


def test_commands_present_the_token_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROM_TOKEN", "rom_one")
    with GatewayClient("http://127.0.0.1:9") as client:
        assert client._http.headers["Authorization"] == "Bearer rom_one"


def test_without_a_token_none_is_presented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROM_TOKEN", raising=False)
    with GatewayClient("http://127.0.0.1:9") as client:
        assert "Authorization" not in client._http.headers


@pytest.mark.parametrize("content", ["", "two words\n", "caf\u00e9\n"])
def test_a_token_file_that_holds_none_ends_the_command(rom: Rom, content: str) -> None:
    file = rom.directory / "token"
    file.write_text(content)
    done = rom("--token-file", str(file), "order", "list", "--url", "http://127.0.0.1:9")
    assert done.exit_code == 2
    assert "holds no token" in done.stderr
