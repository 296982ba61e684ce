"""A lab in a folder of one's own, with platforms that only its files know."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_devices import platform_files
from mock_devices.cli.grammar import Ports, load_grammar
from mock_devices.lab.access import Blocked, cli_switch_path
from mock_devices.lab.baselines import Baselines
from mock_devices.lab.topology import CliDeviceSpec, TopologyError, load_topology
from mock_devices.platform_files import COMMAND_LINES, PlatformFileError, look_beside

ACME = Ports(
    line="port {port}",
    closed="disable",
    access="untagged vlan .*",
    untagged=r"untagged vlan (?P<vlan>\d+)",
    trunk="tagged vlan .*",
    tagged=r"tagged vlan (?P<vlans>\d+)",
    carries_all=False,
)
RUNNING = """vlan 2100
port port7
 untagged vlan 2100
port uplink1
 tagged vlan 2100
"""
TOPOLOGY = """name: own
shares: enterprise-fibre
devices:
  SW: {kind: cli, role: access, platform: own-switch, baseline: switch.cfg}
"""


@pytest.fixture
def topology(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A topology's file beside whose folder nothing else lies; afterwards all is forgotten."""
    monkeypatch.setattr(platform_files, "_own", [])
    load_grammar.cache_clear()
    file = tmp_path / "own" / "topology.yaml"
    file.parent.mkdir()
    file.write_text(TOPOLOGY)
    yield file
    load_grammar.cache_clear()


def write_platform(topology: Path, name: str, before: str = "", after: str = "") -> None:
    folder = topology.parent / "platforms"
    folder.mkdir(exist_ok=True)
    text = (COMMAND_LINES / "ios-switch.yaml").read_text().replace(before, after)
    (folder / f"{name}.yaml").write_text(text)


def test_a_command_language_beside_the_topology_is_found(topology: Path) -> None:
    write_platform(topology, "own-switch", "WS-C3560CX-12PC-S", "Own 1")
    look_beside(topology)
    load_topology(topology)
    assert load_grammar("own-switch").model == "Own 1"


def test_a_platform_without_a_file_is_refused_with_the_mend(topology: Path) -> None:
    look_beside(topology)
    wanted = "device SW: there is no platform own-switch; write platforms/own-switch.yaml beside"
    with pytest.raises(TopologyError, match=wanted):
        load_topology(topology)


def test_a_faulty_platform_is_refused_with_file_and_field(topology: Path) -> None:
    write_platform(topology, "own-switch", "platform: ios-switch", "colour: blue")
    look_beside(topology)
    with pytest.raises(TopologyError, match=r"device SW: own-switch\.yaml: colour: "):
        load_topology(topology)


def test_a_platform_with_the_name_of_a_shipped_one_is_refused(topology: Path) -> None:
    write_platform(topology, "ios-switch")
    with pytest.raises(PlatformFileError, match=r"ios-switch\.yaml: .* a shipped platform; rename"):
        look_beside(topology)


def test_baselines_come_from_the_folder_and_else_from_the_shipped_lab(topology: Path) -> None:
    folder = topology.parent / "baselines"
    folder.mkdir()
    (folder / "mine.cfg").write_text("hostname MINE\n")
    made = Baselines(folder, (), "enterprise-fibre")

    def first(baseline: str) -> str:
        spec = CliDeviceSpec(kind="cli", role="access", platform="x", baseline=baseline)
        return made.cli("SW", spec)

    assert first("mine.cfg") == "hostname MINE\n"
    assert "hostname EAS-SYD-02" in first("switch.cfg")


def test_frames_pass_a_switch_by_what_its_file_says() -> None:
    path = cli_switch_path("SW", ACME, RUNNING, "port7", ["uplink1"])
    assert (path.uplink, path.vlan) == ("uplink1", 2100)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (" untagged vlan 2100\n", " untagged vlan 2100\n disable\n", "port7 is shut down"),
        (" untagged vlan 2100\n", "", "port7 is no access port"),
        ("vlan 2100\nport port7", "port port7", "has no VLAN 2100"),
        (" tagged vlan 2100\n", " tagged vlan 2101\n", "carries VLAN 2100 on no uplink"),
        (" tagged vlan 2100\n", "", "carries VLAN 2100 on no uplink"),
        (" tagged vlan 2100\n", " tagged vlan 2100\n disable\n", "on no uplink"),
    ],
)
def test_frames_stop_where_a_line_is_missing(before: str, after: str, reason: str) -> None:
    assert before in RUNNING
    running = RUNNING.replace(before, after, 1)
    with pytest.raises(Blocked, match=reason):
        cli_switch_path("SW", ACME, running, "port7", ["uplink1"])
