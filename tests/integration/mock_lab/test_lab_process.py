import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

import mock_devices
from mock_devices.__main__ import main

TOPOLOGY = Path(mock_devices.__file__).parent / "topologies" / "enterprise-fibre" / "topology.yaml"
Up = Callable[..., Any]


def tcp_ports(ready: dict[str, Any]) -> list[tuple[str, int]]:
    kinds = {"trap-receiver", "freeradius-sql"}
    return [
        (device["host"], device["port"])
        for device in ready["devices"].values()
        if device["profile_hint"] not in kinds
    ]


def is_open(address: tuple[str, int]) -> bool:
    with socket.socket() as client:
        if client.connect_ex(address) != 0:
            return False
        # A client whose own port the system takes from the same range may meet itself.
        return client.getsockname() != client.getpeername()


def processes_of(place: Path) -> list[str]:
    """Return the command lines of all processes that mention ``place``."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes()
        except OSError:
            continue  # it has ended meanwhile
        if str(place).encode() in words:
            found.append(words.decode())
    return found


def test_the_ready_file_names_everything_and_is_private(lab: Any) -> None:
    ready = lab.ready
    assert stat.S_IMODE(lab.ready_file.stat().st_mode) == 0o600
    assert sorted(ready["devices"]) == [
        "BNG-BNE-01",
        "BNG-MEL-01",
        "BNG-SYD-01",
        "EAS-SYD-01",
        "EAS-SYD-02",
        "KEA4-01",
        "KEA6-01",
        "LOG-01",
        "NMS-01",
        "OLT-NORTH-07",
        "OLT-SOUTH-03",
        "PROBE-BNE-01",
        "PROBE-MEL-01",
        "PROBE-SYD-01",
        "RADIUS-01",
    ]
    assert sorted(ready["cpe"]) == [f"FDO23405{number}" for number in range(67, 72)]
    olt = ready["devices"]["OLT-SOUTH-03"]
    assert olt["host_key"].startswith("ssh-ed25519 ")
    assert ready["devices"]["RADIUS-01"]["url"].startswith("sqlite:////")
    assert all(is_open(address) for address in tcp_ports(ready))


def test_the_control_api_wants_its_token_and_knows_its_devices(lab: Any) -> None:
    assert httpx.get(f"{lab.ready['control']}/status").status_code == 401
    with lab.control() as control:
        assert control.get("/devices/NOBODY/running").status_code == 404
        assert control.post("/ce/FDO0000000/boot").status_code == 404
        assert control.post("/ce/FDO2340567/explode").status_code == 404
        faults = "/devices/OLT-SOUTH-03/faults"
        assert control.post(faults, json={"fault": "melt"}).status_code == 400
        assert control.post(faults, json={"fault": "clear"}).status_code == 204
        assert control.post("/devices/RADIUS-01/faults", json={"fault": "x"}).status_code == 409
        text = control.get("/devices/EAS-SYD-02/running").text
        assert "switchport trunk allowed vlan 2104-2109" in text
        assert control.get("/devices/OLT-SOUTH-03/counters").json()["commits"] == 0
        assert "ENT-1040-S1" in control.get("/devices/KEA-01/running").text
        status = control.get("/status").json()
        assert status["ce"]["FDO2340567"]["powered"] is False
        assert status["onts"]["ALCLFA3B91C2"] == {
            "olt": "OLT-SOUTH-03",
            "port": "2/8",
            "connected": True,
        }


def test_a_device_restarts_on_its_port(lab: Any) -> None:
    device = lab.ready["devices"]["BNG-SYD-01"]
    with lab.control() as control:
        before = control.get("/devices/BNG-SYD-01/running").text
        assert control.post("/devices/BNG-SYD-01/restart").status_code == 204
        assert control.get("/devices/BNG-SYD-01/running").text == before
    assert is_open((device["host"], device["port"]))


def test_sigterm_leaves_no_process_no_port_and_no_ready_file(up: Up, tmp_path: Path) -> None:
    lab = up(tmp_path / "state")
    ready = lab.ready
    assert lab.stop() == 0
    assert lab.process.stderr.read() == ""
    assert not lab.ready_file.exists()
    assert processes_of(tmp_path) == []
    # The system may have given a freed port to another test's process by now, hardly to several.
    assert sum(is_open(address) for address in tcp_ports(ready)) <= 1


def test_two_labs_stand_side_by_side_but_not_on_one_state_directory(
    lab: Any, up: Up, tmp_path: Path
) -> None:
    other = up(tmp_path / "state")
    ours, theirs = lab.ready, other.ready
    assert not set(tcp_ports(ours)) & set(tcp_ports(theirs))
    hosts = {entry["ssh"]["host"] for ready in (ours, theirs) for entry in ready["cpe"].values()}
    assert len(hosts) == 2
    command = [sys.executable, "-m", "mock_devices", "up", str(TOPOLOGY)]
    third = subprocess.run(  # noqa: S603 - our own module
        [*command, "--state-dir", str(tmp_path / "state")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert third.returncode == 2
    assert "is used by another lab" in third.stderr


def test_host_keys_and_configurations_outlive_the_lab(up: Up, tmp_path: Path) -> None:
    def held(lab: Any) -> dict[str, str]:
        with lab.control() as control:
            return {
                name: f"{device['host_key']} {control.get(f'/devices/{name}/running').text}"
                for name, device in lab.ready["devices"].items()
            }

    first = up(tmp_path / "state")
    before = held(first)
    first.stop()
    assert held(up(tmp_path / "state")) == before


PARENT = """
import subprocess, sys, pathlib, time
child = subprocess.Popen([sys.executable, "-m", "mock_devices", "up", *sys.argv[1:]])
print(child.pid, flush=True)
while not pathlib.Path(sys.argv[-1]).exists():
    time.sleep(0.02)
print("ready", flush=True)
time.sleep(60)
"""


def test_the_lab_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    arguments = [str(TOPOLOGY), "--state-dir", str(tmp_path / "state"), "--ready-file", str(ready)]
    with subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-c", PARENT, *arguments], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert parent.stdout.readline() == "ready\n"
        gone = os.pidfd_open(child)
        parent.send_signal(signal.SIGKILL)
    with os.fdopen(gone):
        assert wait_readable(gone, 15)
    assert not ready.exists()


def wait_readable(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--commit-delay", "-1"), "commit_delay"),
        (("--delivery-seconds", "1e9"), "delivery_seconds"),
    ],
)
def test_a_setting_out_of_range_is_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    message: str,
) -> None:
    assert main(["up", str(TOPOLOGY), "--state-dir", str(tmp_path), *options]) == 2
    assert message in capsys.readouterr().err


def test_a_topology_that_is_none_is_refused_in_plain_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(json.dumps({"name": "x", "devices": {"A": {"kind": "fridge"}}}))
    assert main(["up", str(path), "--state-dir", str(tmp_path)]) == 2
    assert "devices.A" in capsys.readouterr().err
