"""Starting, stopping, interrupting: nothing is left behind, and the demo tells the truth."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rom.store.embedded import EmbeddedPostgres

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
    assert [line.split()[0] for line in lines] == ["Listening", "ACCESS", "Ready:", "Stopped"]
    assert processes_of(place) == []
    assert not (place / "serve.json").exists()


@pytest.fixture(scope="module")
def demo(
    make_data_dir: Callable[[], Path],
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any], Path]:
    """What ``rom demo`` said, wrote and left behind."""
    place = make_data_dir()
    data_file = place / "demo.json"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [*ROM, "demo", "--json", str(data_file), "--data-dir", str(place)],
        capture_output=True, text=True, check=False, timeout=140,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done, json.loads(data_file.read_text()), place


def test_the_demo_shows_what_the_pilot_site_got(demo: Any) -> None:
    done, data, _ = demo
    assert data["report"]["order"]["state"] == "completed"
    table = done.stdout.split("Allocated resources")[1].split("Sent to the devices")[0]
    rows = {
        line.split()[1]: " ".join(line.split()) for line in table.splitlines() if "ROI-" in line
    }
    for item, values in {
        "ROI-001": (
            "OLT-SOUTH-03 LC2 port 8", "ONT ALCLFA3B91C2", "onu-id 17", "alloc-id 529",
            "gemport 1041", "gemport 1042",
        ),
        "ROI-002": ("VLAN 2108",),
        "ROI-003": ("10.88.12.0/29", "2001:db8:8812:2108::/64"),
        "ROI-004": ("BW-500-500-GOLD-ENT",),
        "ROI-005": ("Probe-ENT-1102-MELB",),
        "ROI-006": ("ISR-4431", "FDO2340567"),
    }.items():  # fmt: skip
        assert [value for value in values if value not in rows[item]] == []


def test_the_demo_shows_progress_native_text_measurement_second_run_and_way_back(
    demo: Any,
) -> None:
    done, data, _ = demo
    for text in (
        "s  ROI-005 RFS:SLA-Monitoring    measuring", "<vlan-id>2108</vlan-id>", '"Dhcp4"',
        "INSERT INTO radreply", "snmpset", "ip sla responder", "30000 / 0", "99.95",
        "The second run of the same intent sent nothing", "dry run: nothing was sent",
        'nc:operation="remove"', "DELETE FROM radreply", "Would be released",
    ):  # fmt: skip
        assert text in done.stdout
    (again,), (back,) = data["reapply"], data["rollbackPreview"]
    written = {row["device"] for row in data["report"]["transactions"]}
    assert {row["device"]: row["edits"] for row in again["devices"]} == dict.fromkeys(written, 0)
    assert len(back["releases"]) == len(data["resources"])


def test_the_demo_tells_no_secret(
    demo: Any, known_secrets: Callable[[str, Path], set[str]], leaks: Any
) -> None:
    done, data, place = demo
    with EmbeddedPostgres(place) as database:
        values = known_secrets(database.url, place)
    assert leaks(done.stdout + done.stderr + json.dumps(data), values) == []
    assert leaks((place / "serve.log").read_text(), values) == []
    assert leaks((place / "lab" / "lab.log").read_text(), values) == []


def test_the_demo_leaves_nothing_running(demo: Any) -> None:
    assert processes_of(demo[2]) == []


@pytest.mark.parametrize("moment", ["Starting PostgreSQL", "is staged"])
def test_an_interrupted_demo_stops_everything_and_says_so(place: Path, moment: str) -> None:
    data = place / "data"
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [*ROM, "demo", "--data-dir", str(data)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as demo:  # fmt: skip
        assert demo.stdout is not None
        assert demo.stderr is not None
        for line in demo.stdout:
            if moment in line:
                demo.send_signal(signal.SIGINT)
        complaint = demo.stderr.read()
        assert demo.wait(60) == 1
    assert complaint == "Interrupted; everything is stopped\n"
    assert processes_of(place) == []
