"""What an installed gateway needs beside its code is in the package."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROOMS = ("rom", "adapters", "device_profiles", "inventory", "mock_devices", "api")
BUILD = """
import sys
from setuptools import setup
sys.argv = ["setup.py", "--quiet", "build_py", "--build-lib", "built"]
setup()
"""


def files_below(place: Path) -> set[str]:
    return {
        path.relative_to(place).as_posix()
        for room in ROOMS
        for path in (place / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_every_file_of_the_source_is_packed(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", reason="this Python's environments come without setuptools")
    for room in ROOMS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / room, tmp_path / room, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    subprocess.run([sys.executable, "-c", BUILD], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603 - our own interpreter
    assert files_below(tmp_path) - files_below(tmp_path / "built") == set()


def test_no_link_is_part_of_the_source() -> None:
    git = shutil.which("git") or pytest.skip("no git")
    command = [git, "-C", str(ROOT), "ls-files", "--stage"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - git itself
    if listed.returncode:
        pytest.skip("no git checkout")
    assert not [line for line in listed.stdout.splitlines() if line.startswith("120000")]
