from pathlib import Path
from typing import Any

import pytest
import yaml

import mock_devices
from mock_devices.lab.neighbours import neighbours
from mock_devices.lab.topology import Topology, TopologyError, load_topology

SHIPPED = Path(mock_devices.__file__).parent / "topologies" / "enterprise-fibre" / "topology.yaml"


def changed(tmp_path: Path, change: Any) -> Path:
    data = yaml.safe_load(SHIPPED.read_text())
    change(data)
    path = tmp_path / "topology.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


def test_the_next_free_numbers_are_those_of_the_worked_example() -> None:
    topology = load_topology(SHIPPED)
    sites = [site for site in neighbours(topology) if site.access == "OLT-SOUTH-03"]
    assert {site.onu_id for site in sites} == set(range(17))
    assert max(site.alloc_id for site in sites) == 528
    assert max(site.gemport_tc3 for site in sites) == 1040
    assert max(site.vlan for site in sites) == 2107
    last = {site.access: site.vlan for site in neighbours(topology)}
    assert last == {
        "OLT-SOUTH-03": 2107,
        "EAS-SYD-01": 2108,
        "EAS-SYD-02": 2109,
        "OLT-NORTH-07": 2110,
    }


def test_no_two_neighbours_share_what_must_be_unique() -> None:
    sites = neighbours(load_topology(SHIPPED))
    for name in ("site", "circuit_id", "subnet", "prefix", "ont"):
        assert len({getattr(site, name) for site in sites}) == len(sites), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["devices"].pop("BNG-MEL-01"), "no device BNG-MEL-01"),
        (lambda d: d["onts"]["ALCLFA3B91C2"].update(port="9/9"), "no PON port 9/9"),
        (lambda d: d["routers"]["FDO2340567"].update(ont="ALCL00000000"), "no ont ALCL00000000"),
        (lambda d: d["routers"]["FDO2340567"].pop("ont"), "hangs on an ont, or on a switch"),
        (lambda d: d["links"].append(d["links"][0]), "two links at OLT-SOUTH-03 uplink-1"),
        (lambda d: d["devices"]["RADIUS-01"].update(host="0.0.0.0"), "devices.RADIUS-01"),  # noqa: S104 - must be refused
        (lambda d: d["devices"]["NMS-01"].update(kind="fridge"), "devices.NMS-01"),
        (lambda d: d.update(devices=[]), "devices: Input should be a valid dictionary"),
        (lambda d: d["settings"].update(commit_delay=-1), "settings.commit_delay"),
        (lambda d: d["settings"].update(speed=9), "settings.speed"),
        (lambda d: d["neighbours"][0].update(uplink="uplink-9"), "no link at uplink-9"),
    ],
)
def test_a_faulty_topology_is_refused_by_place_and_fault(
    tmp_path: Path, change: Any, message: str
) -> None:
    with pytest.raises(TopologyError, match=r"topology\.yaml: ") as refused:
        load_topology(changed(tmp_path, change))
    assert message in str(refused.value)


def test_what_is_no_yaml_or_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    with pytest.raises(TopologyError, match="No such file"):
        load_topology(path)
    path.write_text("devices: [")
    with pytest.raises(TopologyError, match="not YAML"):
        load_topology(path)


def test_a_topology_is_frozen() -> None:
    topology = load_topology(SHIPPED)
    assert isinstance(topology, Topology)
    with pytest.raises(ValueError, match="frozen"):
        topology.name = "other"  # type: ignore[misc]  # that is the point
