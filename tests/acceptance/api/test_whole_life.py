"""Starting, stopping, interrupting: nothing is left behind, and the demo tells the truth."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(150)
ROM = [sys.executable, "-m", "api.cli"]


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rom-life-") as name:
        if os.geteuid() == 0:
            Path(name).chmod(0o711)
        yield Path(name)


def processes_of(place: Path) -> list[str]:
    """Return the command lines of all processes that mention ``place``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes()
        except OSError:
            continue
        if str(place).encode() in words:
            found.append(words.decode())
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_says_when_it_is_ready_and_a_signal_stops_everything(
    place: Path, number: signal.Signals
) -> None:
    command = [*ROM, "serve", "--port", "0", "--data-dir", str(place), "--lab", "enterprise-fibre"]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        lines = []
        for line in server.stdout:
            lines.append(line)
            if line.startswith("Ready:"):
                server.send_signal(number)
        assert server.wait(30) == 0
    assert [line.split()[0] for line in lines] == ["Listening", "Ready:", "Stopped"]
    assert processes_of(place) == []
    assert not (place / "serve.json").exists()


def test_the_demo_proves_the_pilot_site_and_leaves_nothing_behind(place: Path) -> None:
    data_file = place / "demo.json"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [*ROM, "demo", "--json", str(data_file), "--data-dir", str(place / "data")],
        capture_output=True, text=True, check=False, timeout=140,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    data = json.loads(data_file.read_text())
    assert data["report"]["order"]["state"] == "completed"
    assert all(row["edits"] == 0 for answer in data["reapply"] for row in answer["devices"])
    for text in ("10.88.12.0/29", "Measured by TWAMP", "sent nothing", "dry run"):
        assert text in done.stdout
    assert processes_of(place) == []


def test_an_interrupted_demo_stops_everything(place: Path) -> None:
    data = place / "data"
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [*ROM, "demo", "--data-dir", str(data)], stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "takes orders at" in line:
                demo.send_signal(signal.SIGINT)
        assert demo.wait(40) == 1
    assert processes_of(place) == []
