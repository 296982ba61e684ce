"""A specification is judged by the roles, platforms and other specifications there are."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from device_profiles.profile import FOLDER
from rom.catalog.errors import CatalogError, SpecificationFileError
from rom.catalog.fitness import unknown_kinds
from rom.catalog.loader import Catalog, load_catalog

Write = Callable[..., Path]
ON_THE_LINE = [{"before": "configure", "needs": ["vlan"]}]
MEASURED = [
    {"name": name, "type": "number", "required": True}
    for name in ("availabilityPercent", "latencyMs", "packetLossPercent")
]


@pytest.mark.parametrize(
    ("members", "field", "mend"),
    [
        ({"configure": [{"role": "toaster", "fragment": "x"}]},
         "configure[0].role", "known: logistics, access, bng"),
        ({"configure": [{"role": "bng", "fragment": "vlan-servise"}]},
         "configure[0].fragment", "ip-profile, qos-policy, sla-monitoring, vlan-service"),
        ({"configure": [{"role": "dhcp4", "fragment": "vlan-service"}]},
         "configure[0].fragment", "known: ip-profile"),
        ({"configure": [{"role": "bng", "fragment": "vlan-service", "via": "ztp"}]},
         "configure[0].via", "use adapter"),
        ({"preconditions": [], "configure": [{"role": "bng", "fragment": "vlan-service"}]},
         "configure[0].role", "add a precondition that needs bearer"),
        ({"configure": [{"role": "ce", "fragment": "ce-router"}]},
         "configure[0].role", "add a precondition that needs ce"),
        ({"preconditions": [], "reserve": [
            {"name": "wall", "kind": "vm", "match": {"area": "@vlan.l2_domain"}}]},
         "reserve[0].match.area", "add a precondition that needs vlan"),
        ({"configure": [{"role": "radius", "fragment": "ip-profile"}]},
         "configure", "add one under checks: ip-profile to a profile"),
        ({"configure": [{"role": "bng", "fragment": "qos-policy"}]},
         "configure[0].fragment", "add a precondition that needs qos"),
        ({"steps": ["reserve", "configure"]}, "steps", "verify is missing"),
        ({"steps": ["verify", "configure"]}, "steps", "reserve, stage, configure, verify, measure"),
        ({"steps": ["verify", "verify"]}, "steps", "used twice"),
        ({"steps": ["verify"], "reserve": [{"name": "wall", "kind": "vm"}]},
         "steps", "reserve is missing"),
        ({"steps": ["configure", "verify", "measure"]}, "steps",
         "add availabilityPercent, latencyMs, packetLossPercent"),
        ({"steps": ["configure", "verify", "measure"], "characteristics": MEASURED},
         "steps", "add a precondition that needs ce"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_is_refused_with_the_field_and_the_mend(
    write: Write, members: dict[str, object], field: str, mend: str
) -> None:
    folder = write(**{"preconditions": ON_THE_LINE, **members})
    with pytest.raises(SpecificationFileError) as refused:
        load_catalog(folder)
    assert refused.value.file.endswith("extra.yaml")
    assert refused.value.field == field
    assert mend in refused.value.problem


def test_specifications_that_wait_for_each_other_are_refused(write: Write) -> None:
    write("a.yaml", preconditions=[{"before": "complete", "needs": ["alarm"]}])
    folder = write(
        "b.yaml",
        id="RFS:Alarm",
        key="alarm",
        preconditions=[{"before": "verify", "needs": ["firewall"]}],
    )
    with pytest.raises(SpecificationFileError, match="wait for each other") as refused:
        load_catalog(folder)
    assert refused.value.field == "preconditions"


def test_a_retired_specification_outlives_the_fragment_it_had(write: Write) -> None:
    gone = [{"role": "bng", "fragment": "gone"}]
    folder = write(configure=gone, preconditions=ON_THE_LINE, lifecycleStatus="Retired")
    assert not load_catalog(folder).specification("RFS:Managed-Firewall").orderable


def test_one_in_design_needs_no_proof_yet(write: Write) -> None:
    folder = write(steps=["configure"], lifecycleStatus="In design")
    assert load_catalog(folder).specification("RFS:Managed-Firewall").steps == ("configure",)


def test_a_kind_of_resource_is_known_once_inventory_has_a_pool_of_it(write: Write) -> None:
    folder = write(reserve=[{"name": "wall", "kind": "vm"}])
    catalog = load_catalog(folder)
    known = {reserve.kind for spec in load_catalog().specifications() for reserve in spec.reserve}
    (found,) = unknown_kinds(catalog.sources, known)
    assert (found.field, "vm" in found.problem) == ("reserve[0].kind", True)
    assert not list(unknown_kinds(catalog.sources, {*known, "vm"}))


def test_a_role_without_a_device_is_said_and_is_no_mistake(catalog: Catalog) -> None:
    fitness = load_catalog().fitness
    vlan = catalog.specification("RFS:VLAN-Service")
    switches_only = {"access": {"ios-switch"}, "dhcp4": {"kea-dhcp4"}}
    ((field, words),) = fitness.unserved(vlan, switches_only)
    assert field == "configure[1].role"
    assert "sros-bng" in words
    assert not list(fitness.unserved(vlan, {**switches_only, "bng": {"sros-bng"}}))


@pytest.fixture
def platforms(tmp_path: Path) -> Path:
    folder = tmp_path / "platforms"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return folder


def test_what_comes_by_ztp_needs_a_platform_with_a_day_0_file(
    write: Write, platforms: Path
) -> None:
    load_catalog(write(), platforms)
    for name in ("iosxe-ce", "frr-ce"):
        profile = platforms / name / "profile.yaml"
        text = profile.read_text(encoding="utf-8")
        profile.write_text(re.sub(r"(?m)^day0: .*\n", "", text), encoding="utf-8")
    with pytest.raises(SpecificationFileError, match="day-0 file; use adapter"):
        load_catalog(write(), platforms)


def test_a_fragment_that_a_platform_gets_is_known_without_a_restart(
    write: Write, platforms: Path
) -> None:
    catalog = load_catalog(write(), platforms)
    assert not catalog.reload()
    folder = write(configure=[{"role": "bng", "fragment": "firewall"}], preconditions=ON_THE_LINE)
    with pytest.raises(SpecificationFileError, match="no platform of role bng"):
        catalog.reload()
    assert catalog.specification("RFS:Managed-Firewall").configure == ()
    profile = platforms / "sros-bng" / "profile.yaml"
    text = profile.read_text(encoding="utf-8")
    text = text.replace("fragments: [", "fragments: [firewall, ").replace(
        "checks:\n",
        "checks:\n  firewall:\n    - {name: up, path: ['nokia-state:state'], expect: up}\n",
    )
    profile.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError, match="firewall has no file"):
        catalog.reload()
    (platforms / "sros-bng" / "fragments" / "firewall.yaml").write_text("own: {}\n")
    assert catalog.reload()
    assert catalog.specification("RFS:Managed-Firewall").configure[0].fragment == "firewall"
    (folder / "extra.yaml").unlink()
    assert catalog.reload()
    assert not catalog.specification("RFS:Managed-Firewall").orderable
