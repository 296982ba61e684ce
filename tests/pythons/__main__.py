"""Makes a wheel, installs it outside the repository on each Python to be had, runs the demo there.

``python -m tests.pythons [3.12 …]`` exits 1 when one of them fails, and says which are not here.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
DEMO_SECONDS = 300
UV = [sys.executable, "-m", "uv", "--no-config", "--quiet"]


def main(wanted: list[str]) -> int:
    """Try each version; return the exit code."""
    results = {}
    with tempfile.TemporaryDirectory(prefix="rom-pythons-") as name:
        place = Path(name)
        place.chmod(0o711)  # PostgreSQL runs as another user where this one is root
        wheel = _wheel(place)
        for version in wanted or VERSIONS:
            python = find(version)
            results[version] = "is not here" if python is None else _try(python, wheel, place)
            print(f"Python {version} {results[version]}", flush=True)  # noqa: T201 - this is its answer
    tried = [result for result in results.values() if result != "is not here"]
    return 0 if tried and all(result.startswith("runs") for result in tried) else 1


def find(version: str) -> Path | None:
    """Return an interpreter of this version, downloaded where that is possible."""
    asked = [*UV, "python", "install", version]
    subprocess.run(asked, capture_output=True, check=False, timeout=120)  # noqa: S603 - our own tool
    for candidate in _candidates(version):
        code = "import sys, ensurepip; print('%d.%d' % sys.version_info[:2])"
        command = [str(candidate), "-c", code]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - an interpreter
        except OSError:
            continue
        if done.returncode == 0 and done.stdout.strip() == version:
            return candidate
    return None


def _candidates(version: str) -> Iterator[Path]:
    asked = [*UV, "python", "find", "--no-project", version]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - our own tool
    if found.returncode == 0 and found.stdout.strip():
        yield Path(found.stdout.strip())
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield Path(on_path)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted((pyenv / "versions").glob(f"{version}*/bin/python"))


def _wheel(place: Path) -> Path:
    source = place / "source"  # setuptools leaves its traces beside what it packs
    rooms = ("rom", "adapters", "device_profiles", "inventory", "mock_devices", "api")
    for room in rooms:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source / name)
    _run([*UV, "build", "--wheel", "--out-dir", str(place), str(source)], place)
    return next(place.glob("*.whl"))


def _try(python: Path, wheel: Path, place: Path) -> str:
    home = place / python.parent.parent.name
    try:
        _run([*UV, "venv", "--clear", "--python", str(python), str(home)], place)
        own = home / "bin" / "python"
        install = [*UV, "pip", "install", "--only-binary", ":all:", "--python", str(own)]
        _run([*install, "--constraint", str(ROOT / "requirements.lock"), str(wheel)], place)
        started = time.monotonic()
        _run([str(home / "bin" / "rom"), "demo"], place)
    except subprocess.CalledProcessError as error:
        said = f"{error.stdout or ''}{error.stderr or ''}"
        return f"FAILS at {' '.join(map(str, error.cmd))}:\n{said[-3000:]}"
    except subprocess.TimeoutExpired as error:
        return f"FAILS: {error}"
    return f"runs the demo, {time.monotonic() - started:.0f} s"


def _run(command: list[str], place: Path) -> None:
    """Run a command where nothing of the repository can be imported by accident."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ROM_", "PYTHON", "VIRTUAL_ENV"))
    }
    subprocess.run(  # noqa: S603 - commands from above
        command, cwd=place, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=True, timeout=DEMO_SECONDS,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
