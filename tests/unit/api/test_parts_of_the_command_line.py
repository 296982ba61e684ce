"""The command line answers at once: a part is imported when it is used, and not before."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

import api.cli
from api.cli import INTERRUPTED, app, main
from api.cli.parts import PARTS

HEAVY = ("httpx", "jinja2", "pydantic", "sqlalchemy", "fastapi", "structlog")


def test_help_and_version_import_none_of_the_gateway() -> None:
    look = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from api.cli import app\n"
        "for asked in ('--help', '--version'):\n"
        "    assert CliRunner().invoke(app, [asked]).exit_code == 0\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and words
        [sys.executable, "-c", look], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"


def test_help_names_every_part_and_what_it_is_for() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    for name, part in PARTS.items():
        assert name in shown
        assert part.help.split(",", maxsplit=1)[0] in shown


@pytest.mark.parametrize("name", PARTS)
def test_every_part_has_help_of_its_own(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0
    assert f"rom {name}" in shown.output or f"root {name}" in shown.output


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(app, ["--version"]).output.startswith("rom ")


def test_a_part_there_is_not_is_named() -> None:
    done = CliRunner().invoke(app, ["ordr"])
    assert done.exit_code == 2
    assert "ordr" in done.output


def test_an_interrupt_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api.cli, "app", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == INTERRUPTED
