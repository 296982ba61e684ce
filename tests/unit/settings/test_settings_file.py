"""rom.toml beside the environment: who wins, and what is refused where."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from rom.model.errors import Misconfigured
from rom.settings import Settings
from rom.settings.file import unknown_variables
from rom.settings.gateway import secret_names


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "rom.toml"
    monkeypatch.setenv("ROM_SETTINGS_FILE", str(place))
    return place


def refused(file: Path, text: str) -> str:
    file.write_text(text)
    done = CliRunner().invoke(app, ["token", "list"], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    return done.output


def test_the_file_sets_and_the_environment_wins(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(
        'port = 9001\nworkers = 3\nlog_level = "DEBUG"\nauth_algorithms = ["ES256"]\n'
        '[auth_roles]\nboss = "admin"\n'
    )
    monkeypatch.setenv("ROM_WORKERS", "5")
    found = Settings(log_level="ERROR")
    assert (found.port, found.workers, found.log_level) == (9001, 5, "ERROR")
    assert found.auth_algorithms == ("ES256",)
    assert found.auth_roles == {"boss": "admin"}


def test_without_a_file_named_or_usual_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rom.settings.file.USUAL_FILE", Path("/nowhere/rom.toml"))
    monkeypatch.delenv("ROM_SETTINGS_FILE")
    assert Settings().port == 8652


def test_the_usual_file_is_read_where_nobody_names_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rom.toml").write_text("port = 9002")
    monkeypatch.setattr("rom.settings.file.USUAL_FILE", tmp_path / "rom.toml")
    monkeypatch.delenv("ROM_SETTINGS_FILE")
    assert Settings().port == 9002


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1\n", ("there is no setting 'prot'", "Did you mean port?")),
        ("zebra = 1\n", ("there is no setting 'zebra'", "Take it out")),
        ("port = 99999\n", ("rom.toml: port:", "less than or equal to 65535")),
        ('[auth_roles]\nboss = "king"\n', ("rom.toml: auth_roles.boss:",)),
        ("port = \n", ("it is no TOML", "line 1", "Correct that line")),
        ('master_key_file = "/nowhere/key"\n', ("rom.toml: master_key_file", "cannot be read")),
        (
            'master_key = "a"\nmaster_key_file = "/nowhere/key"\n',
            ("master_key_file", "Leave one of them out"),
        ),
    ],
)
def test_what_is_wrong_is_refused_with_file_key_and_mend(
    file: Path, text: str, words: tuple[str, ...]
) -> None:
    said = refused(file, text)
    assert str(file) in said
    for word in words:
        assert word in said


def test_a_wrong_value_of_the_environment_is_told_as_such(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROM_PORT", "99999")
    said = refused(file, "port = 1\n")
    assert "setting ROM_PORT" in said
    assert str(file) not in said


def test_a_file_that_is_named_and_not_there_is_refused(file: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        Settings()


@pytest.mark.parametrize("by", ["file", "environment"])
def test_a_secret_may_lie_in_a_file_of_its_own(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    (tmp_path / "url").write_text("postgresql://db/rom\n")
    file.write_text("")
    if by == "file":
        file.write_text(f'database_url_file = "{tmp_path / "url"}"\n')
    else:
        monkeypatch.setenv("ROM_DATABASE_URL_FILE", str(tmp_path / "url"))
    found = Settings().database_url
    assert found is not None
    assert found.get_secret_value() == "postgresql://db/rom"


def test_the_secrets_are_those_that_are_typed_so() -> None:
    assert set(secret_names()) == {"database_url", "redis_url", "master_key"}


def test_a_variable_that_is_no_setting_is_found_with_what_may_be_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROM_DATABSE_URL", "x")
    found = unknown_variables(Settings.model_fields, secret_names())
    assert found["ROM_DATABSE_URL"] == "Did you mean ROM_DATABASE_URL?"
    assert "ROM_SETTINGS_FILE" not in found
