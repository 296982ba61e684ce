"""``rom lab``: the simulated network by itself."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


def rom_lab(data_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "api.cli", "lab", *words, "--data-dir", str(data_dir)],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("lab")
    started = rom_lab(place, "up", "enterprise-fibre")
    assert started.returncode == 0, started.stderr
    yield place
    rom_lab(place, "down")


def test_the_lab_goes_on_after_the_command_and_shows_its_devices(data_dir: Path) -> None:
    shown = rom_lab(data_dir, "status")
    assert shown.returncode == 0, shown.stderr
    for name in ("OLT-SOUTH-03", "BNG-MEL-01", "FDO2340567"):
        assert name in shown.stdout


def test_its_credentials_are_for_the_owner_only(data_dir: Path) -> None:
    ready = data_dir / "lab" / "ready.json"
    assert ready.stat().st_mode & 0o077 == 0
    token = json.loads(ready.read_text())["token"]
    assert token not in rom_lab(data_dir, "status").stdout


def test_a_router_can_be_switched_on_and_an_unknown_one_is_refused(data_dir: Path) -> None:
    assert rom_lab(data_dir, "boot", "FDO2340567").returncode == 0
    refused = rom_lab(data_dir, "boot", "NOBODY")
    assert refused.returncode == 2
    assert "FDO2340567" in refused.stderr


def test_a_second_lab_in_the_same_place_is_refused(data_dir: Path) -> None:
    again = rom_lab(data_dir, "up", "enterprise-fibre")
    assert again.returncode == 2
    assert "up already" in again.stderr


def test_down_stops_it_for_good(tmp_path: Path) -> None:
    assert rom_lab(tmp_path, "up", "enterprise-fibre").returncode == 0
    assert rom_lab(tmp_path, "down").returncode == 0
    assert rom_lab(tmp_path, "status").returncode == 2
    assert rom_lab(tmp_path, "down").returncode == 2
