"""Every command in README and docs exists as it is written there."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from api.cli import app
from rom.settings import Settings

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
GROUPS = {
    "audit",
    "secret",
    "catalog",
    "order",
    "site",
    "device",
    "inventory",
    "key",
    "lab",
    "profile",
    "som",
    "token",
    "events",
}
OF_THE_CLIENT = {"ROM_URL", "ROM_TOKEN", "ROM_TOKEN_FILE", "ROM_SETTINGS_FILE"}
SETTINGS = re.compile(r"^(?:[A-Z_]+=\S+ )+")
"""What stands before a command for this one run of it."""
LINK = re.compile(r"\]\(([^)#:]+)\)")


def commands() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for block in FENCED.findall(page.read_text()):
            lines = (SETTINGS.sub("", line) for line in block.splitlines() if line.strip())
            yield from ((page.name, line) for line in lines)


ALL = sorted(set(commands()))


def test_the_two_commands_are_in_the_readme() -> None:
    assert {("README.md", "make demo"), ("README.md", "make test")} <= set(ALL)


@pytest.mark.parametrize("line", [line for _, line in ALL if line.startswith("make ")])
def test_every_make_target_exists(line: str) -> None:
    words = shlex.split(line)
    subprocess.run([*words, "--dry-run"], cwd=ROOT, check=True, capture_output=True)  # noqa: S603


@pytest.mark.parametrize("line", [line for _, line in ALL if line.startswith("rom ")])
def test_every_rom_command_knows_its_options_and_files(line: str) -> None:
    words = shlex.split(line)[1:]
    depth = 2 if words[0] in GROUPS else 1
    shown = CliRunner().invoke(app, [*words[:depth], "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    for word in words[depth:]:
        if word.startswith("--"):
            assert word in shown.output
        elif word.endswith((".json", ".yaml")):
            assert (ROOT / word).is_file()


@pytest.mark.parametrize("line", [line for _, line in ALL if line.startswith("curl ")])
def test_every_curl_names_a_path_that_is_served(http: object, line: str) -> None:
    words = shlex.split(line)
    path = urlsplit(words[-1])
    answer = http.get(f"{path.path}?{path.query}")  # type: ignore[attr-defined] # a TestClient
    assert answer.status_code == 200


def test_nothing_else_is_shown_as_a_command() -> None:
    shell = {"export", "mkdir"}
    assert {line.split()[0] for _, line in ALL} - shell <= {"make", "rom", "curl"}


def test_every_setting_is_in_the_operator_guide() -> None:
    guide = (ROOT / "docs" / "operator-guide.md").read_text()
    settings = {f"ROM_{name.upper()}" for name in Settings.model_fields}
    assert settings == set(re.findall(r"`(ROM_[A-Z_]+)[`=]", guide)) - OF_THE_CLIENT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target
