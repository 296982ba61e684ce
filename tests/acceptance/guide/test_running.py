"""The chapters on keeping a gateway: their commands, and the files they name."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rom.settings import Settings
from rom.store.database import plain_url
from rom.store.embedded import EmbeddedPostgres
from tests.databases import stocked_database

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```bash\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
UNIT = ROOT / "deploy" / "rom-gateway.service"
CONTAINER = ROOT / "deploy" / "Containerfile"


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rom-running-") as name:
        Path(name).chmod(0o711)  # PostgreSQL runs as another user where this one is root
        yield Path(name)


def run(script: str, place: Path, **environment: str) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eu"],  # noqa: S607 - whichever bash the reader has
        input=script, cwd=place, env={**os.environ, "PATH": path, "COLUMNS": "200", **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_data_directory_comes_back_with_its_key_and_its_tokens(place: Path) -> None:
    data = place / "data"
    key = run(f"rom key show --data-dir '{data}'", place).split()[2].rstrip(",")
    run(f"rom token create som-1 --role som --data-dir '{data}'", place)
    said = run(BLOCKS[0], place, ROM_DATA_DIR=str(data))
    assert f"fingerprint {key}" in said
    assert "som-1" in said
    assert "fails" not in said


def test_a_database_of_ones_own_comes_back(place: Path, postgres_server: EmbeddedPostgres) -> None:
    with stocked_database(postgres_server) as url:
        given = plain_url(url)
        name = given.partition("@/")[2].partition("?")[0]
        script = BLOCKS[1].replace("rom_restored", f"{name}_r")
        programs = postgres_server._binaries()
        try:
            said = run(
                f"PATH='{programs}':$PATH\n{script}", place,
                ROM_DATABASE_URL=given, RESTORED_URL=given.replace(f"@/{name}", f"@/{name}_r"),
                ROM_DATA_DIR=str(place),
            )  # fmt: skip
        finally:
            run(
                f"'{programs}/psql' --quiet '{given}' --command='DROP DATABASE IF EXISTS {name}_r'",
                place,
            )
    assert re.search(r"ok +migrations +schema \d{4}", said)


def test_there_are_no_other_commands_to_run() -> None:
    assert len(BLOCKS) == 2


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    """With a program and a user that this machine has."""
    text = UNIT.read_text(encoding="utf-8")
    text = text.replace("/opt/rom-gateway/bin/rom", "/bin/true")
    text = re.sub(r"^(User|Group)=rom$", r"\1=root", text, flags=re.MULTILINE)
    (tmp_path / UNIT.name).write_text(text)
    done = subprocess.run(  # noqa: S603 - the system's own tool
        ["systemd-analyze", "verify", str(tmp_path / UNIT.name)],  # noqa: S607 - from the PATH
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert UNIT.name not in done.stderr


INSTRUCTIONS = {
    "FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL",
    "HEALTHCHECK", "ENTRYPOINT", "CMD",
}  # fmt: skip


def steps() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", CONTAINER.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines if line)]


def test_the_container_file_says_only_what_an_engine_knows_and_copies_what_there_is() -> None:
    known = {name.upper() for name in Settings.model_fields}
    copied = set()
    for word, rest in steps():
        assert word in INSTRUCTIONS, word
        if word == "COPY" and "--from" not in rest:
            copied |= set(rest.split()[:-1])
        if word == "ENV":
            names = re.findall(r"ROM_([A-Z_]+)=", rest)
            assert set(names) <= known
        if word == "RUN":
            checked = subprocess.run(
                ["bash", "-n"],  # noqa: S607 - whichever bash there is
                input=rest, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert checked.returncode == 0, checked.stderr
    assert all((ROOT / name).exists() for name in copied)
    packages = set(re.findall(r'"([a-z_]+)\*"', (ROOT / "pyproject.toml").read_text()))
    assert packages <= copied
    assert [rest for word, rest in steps() if word == "USER"] == ["rom"]
