"""A command that a message advises can be typed as it stands there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli import app
from api.cli.parts import PARTS

ROOT = Path(__file__).parents[3]
ROOMS = ("api", "rom", "inventory", "adapters", "device_profiles")
ADVICE = re.compile(r"""(?<!`)[`'](rom (?:[a-z][a-z-]*)(?: [^`'\n]*)?)[`'](?!`)""")
JOINED = re.compile(r'"\s*\n\s*f?"')


def advices() -> Iterator[tuple[str, str]]:
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            for found in ADVICE.findall(JOINED.sub("", file.read_text(encoding="utf-8"))):
                yield file.relative_to(ROOT).as_posix(), found


ALL = sorted(set(advices()))


def test_there_is_advice_to_look_at() -> None:
    assert len(ALL) >= 5
    assert any("inventory load" in command for _, command in ALL)


@pytest.mark.parametrize(("file", "command"), ALL)
def test_advice_names_commands_and_options_that_there_are(file: str, command: str) -> None:
    words = [word for word in shlex.split(command)[1:] if word != "…"]
    part = PARTS.get(words[0])
    assert part is not None, f"{file}: there is no 'rom {words[0]}'"
    depth = 2 if part.is_group and len(words) > 1 and words[1][0].islower() else 1
    shown = CliRunner().invoke(app, [*words[:depth], "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, f"{file}: {command}: {shown.output}"
    for word in words[depth:]:
        if word.startswith("--"):
            assert word.partition("=")[0] in shown.output, f"{file}: {command} has no {word}"


@pytest.mark.parametrize("command", ["token list", "lab status", "key show", "doctor"])
def test_a_command_that_does_not_ask_the_gateway_of_rom_url_says_what_it_acts_on(
    tmp_path: Path, command: str
) -> None:
    environment = {
        "ROM_URL": "http://noc.example.net",
        "ROM_DATABASE_URL": "postgresql://rom@127.0.0.1:1/rom",
        "ROM_DATA_DIR": str(tmp_path),
        "COLUMNS": "200",
    }
    done = CliRunner().invoke(app, command.split(), env=environment)
    assert "ROM_URL is not asked (http://noc.example.net): this acts on" in done.output
