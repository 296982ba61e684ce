"""The shipped example gives each branch exactly what templates and golden files expect."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml

from inventory.load import load_file
from inventory.model import BundleRequest
from inventory.queries import (
    customer_record,
    device_record,
    devices,
    network_parameters,
    partner,
    pool_status,
    site_allocations,
    site_record,
)
from inventory.reservation import reserve, reserve_many

CONTEXTS = Path(__file__).parents[2] / "data" / "contexts"
Bundle = Callable[..., BundleRequest]

PLACES = {
    "ENT-1102-MELB": ("SOUTH-ENT", {"area": "SOUTH-03"}),
    "ENT-1102-SYD1": ("EAST-ENT", {"exchange": "SYD-CBD"}),
    "ENT-1102-SYD2": ("EAST-ENT", {"exchange": "SYD-NORTH"}),
    "ENT-1102-BNE1": ("NORTH-ENT", {"area": "NORTH-07"}),
    "ENT-1102-BNE2": ("NORTH-ENT", {"area": "NORTH-07"}),
}


@pytest.mark.parametrize("site", ["ENT-1102-MELB", "ENT-1102-SYD1", "ENT-1102-SYD2"])
def test_a_branch_gets_what_its_context_file_says(
    connection: sa.Connection, example: Path, product_bundle: Bundle, site: str
) -> None:
    load_file(connection, example)
    pool, place = PLACES[site]
    allocations = reserve(connection, product_bundle(site, pool, **place))
    context = yaml.safe_load((CONTEXTS / f"{site}.yaml").read_text())
    assert site_allocations(connection, site) == context["res"]
    assert {each.name: dict(each.attributes) for each in allocations} == context["res"]
    assert context["network"].items() <= network_parameters(connection).items()
    record = site_record(connection, site)
    assert record.model_dump(include={"key", "name", "timezone"}) == context["site"]
    assert customer_record(connection, record.customer).model_dump() == context["customer"]


@pytest.mark.parametrize("order", [("BNE1", "BNE2"), ("BNE2", "BNE1")])
def test_brisbane_gets_its_planned_values_in_either_order(
    connection: sa.Connection, example: Path, product_bundle: Bundle, order: tuple[str, str]
) -> None:
    load_file(connection, example)
    sites = [f"ENT-1102-{name}" for name in order]
    reserve_many(connection, [product_bundle(site, "NORTH-ENT", area="NORTH-07") for site in sites])
    for name, vlan, octet, lan, serial, ont in (
        ("BNE1", 2111, 15, 4, "FDO2340570", "ALCLFA3B91D1"),
        ("BNE2", 2112, 16, 5, "FDO2340571", "ALCLFA3B91D2"),
    ):
        held = site_allocations(connection, f"ENT-1102-{name}")
        assert held["vlan"] == {"value": vlan}
        assert held["ipv4"]["value"] == f"10.88.{octet}.0/29"
        assert held["ipv6"]["value"] == f"2001:db8:88{octet}:{vlan}::/64"
        assert held["ipv6_delegated"]["value"] == f"2001:db8:a{octet}::/48"
        assert held["lan"]["value"] == f"172.20.{lan}.0/24"
        assert held["loopback"]["ce"] == f"10.99.{octet}.88"
        assert held["ce"]["serial"] == serial
        assert held["ont"]["serial"] == ont
        assert held["bearer"]["port"] == "1/4"
        assert held["twamp_port"] == {"value": 49862}


def test_all_five_branches_fit_at_once_and_no_thing_is_given_twice(
    connection: sa.Connection, example: Path, product_bundle: Bundle
) -> None:
    load_file(connection, example)
    bundles = [product_bundle(site, pool, **place) for site, (pool, place) in PLACES.items()]
    results = reserve_many(connection, bundles)
    allocations = [each for result in results for each in result]
    shared = {"pon-port", "twamp-port"}
    exclusive = [each.resource_id for each in allocations if each.kind not in shared]
    assert len(exclusive) == len(set(exclusive))
    status = {each.name: each for each in pool_status(connection)}
    assert status["OLT-NORTH-07 1/4 upstream"].free == 1_150_000_000 - 84_000_000 - 2 * 525_000_000
    assert status["OLT-NORTH-07 1/4 upstream"].is_low
    assert status["ISR-4431 stock"].free == 0
    assert status["ISR-4431 stock"].capacity == 5
    assert status["Probe names"].free is None


def test_every_bng_knows_its_servers_and_its_probe(
    connection: sa.Connection, example: Path
) -> None:
    load_file(connection, example)
    for bng in devices(connection, "bng"):
        for role in ("dhcp4", "dhcp6", "radius", "probe", "logistics", "nms"):
            assert partner(connection, bng.name, role).role == role
    assert device_record(connection, "EAS-SYD-02").profile == "ios-switch"
    assert len(devices(connection)) == 15


def test_loading_the_example_twice_changes_nothing_even_when_sites_hold_things(
    connection: sa.Connection, example: Path, product_bundle: Bundle
) -> None:
    first = load_file(connection, example)
    assert first.created > 1000
    pool, place = PLACES["ENT-1102-MELB"]
    reserve(connection, product_bundle("ENT-1102-MELB", pool, **place))
    before = site_allocations(connection, "ENT-1102-MELB")
    again = load_file(connection, example)
    assert (again.created, again.changed, again.removed) == (0, 0, 0)
    assert site_allocations(connection, "ENT-1102-MELB") == before
