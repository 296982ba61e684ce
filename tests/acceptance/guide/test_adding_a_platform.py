"""The guide to a new platform, followed word by word: an empty folder, an order, its way back."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import httpx
import pytest

from api.serving.child import Child
from api.serving.claim import address_of
from device_profiles.profile import profiles

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "adding-a-platform.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(bash|shell|text)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
SITE = "ENT-7007-PER"
START_SECONDS = 90
MARK = "---- end of step"
pytestmark = [pytest.mark.timeout(540)]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The reader's shell, whose gateway takes a free port and a state directory of its own."""
    with tempfile.TemporaryDirectory(prefix="rom-guide-") as name:
        Path(name).chmod(0o711)  # PostgreSQL runs as another user where this one is root
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        given = {"ROM_PORT": "0", "ROM_DATA_DIR": name, "PATH": path, "COLUMNS": "120"}
        for key, value in given.items():
            monkeypatch.setenv(key, value)
        monkeypatch.delenv("ROM_PROFILES_DIR", raising=False)
        yield dict(os.environ)


def follow(blocks: list[tuple[str, str]], folder: Path, environment: dict[str, str]) -> None:
    """Type the commands of the guide in one shell, and compare what it says that they print."""
    steps = [text for kind, text in blocks if kind == "bash"]
    done = subprocess.run(
        ["bash", "-eu"],  # noqa: S607 - whichever bash the reader has
        input="".join(f"{step}\necho '{MARK}'\n" for step in steps),
        cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False, timeout=360,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    printed = done.stdout.split(f"{MARK}\n")
    step = -1
    for kind, text in blocks:
        step += kind == "bash"
        if kind == "text":
            assert_told(text.splitlines(), printed[step])


def assert_told(told: list[str], printed: str) -> None:
    """Expect the lines of the guide in this order; ``…`` in them stands for anything."""
    lines = iter(printed.splitlines())
    for wanted in told:
        pattern = ".*".join(re.escape(part) for part in wanted.split("…"))
        found = any(re.fullmatch(rf"{pattern}\s*", line) for line in lines)
        assert found, f"{wanted!r} is not where the guide has it:\n{printed}"


@contextmanager
def serving(command: str, folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Run the guide's gateway in its folder and yield its URL once it takes orders."""
    state = Path(environment["ROM_DATA_DIR"])
    child = Child(["bash", "-euc", f"cd '{folder}'\nexec env {command}"], state / "serve.log", {})
    try:
        deadline = monotonic() + START_SECONDS
        while (url := address_of(state)) is None:
            assert child.exit_code is None, child.last_words()
            assert monotonic() < deadline, child.last_words()
            sleep(0.05)
        yield url
    finally:
        child.stop(30)


def test_a_platform_comes_from_an_empty_folder_as_the_guide_says(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    assert "acme-switch" not in profiles()
    served = next(index for index, (kind, _) in enumerate(BLOCKS) if kind == "shell")
    follow(BLOCKS[:served], tmp_path, environment)
    with serving(BLOCKS[served][1], tmp_path, environment) as url:
        follow(BLOCKS[served + 1 :], tmp_path, environment | {"ROM_URL": url})
        held = httpx.get(f"{url}{RESOURCES}", params={"place.id": SITE}).json()
        assert [entry["name"] for entry in held if entry["usageState"] == "active"] == []
        answer = httpx.get(f"{url}/rom/v1/devices", trust_env=False)
        made = {line["device"]: line["profile"] for line in answer.json()}
        assert made["EAS-PER-01"] == "acme-switch"


def test_every_step_of_the_walk_is_there_to_copy() -> None:
    kinds = [kind for kind, _ in BLOCKS]
    assert kinds.count("shell") == 1
    assert kinds[0] == "bash"
    words = "".join(text for _, text in BLOCKS)
    for command in ("profile check", "order submit", "site repair", "site rollback", "delete"):
        assert command in words
