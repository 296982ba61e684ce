from pathlib import Path
from typing import Any

import pytest
import yaml

from device_profiles.profile import load_profile
from rom.catalog.characteristics import typed_characteristics, with_derived
from rom.catalog.context import inserting_device, plain, site_context
from rom.catalog.errors import CatalogError, ContextError, ExpressionError
from rom.catalog.loader import Catalog
from rom.catalog.planning import configurations, resource_requests, shown_resource
from tests.contexts import load_context

CONTEXTS = sorted((Path(__file__).parents[2] / "data" / "contexts").glob("*.yaml"))

INSERTING = {"access": "bbf-olt", "bng": "sros-bng"}


def inserting(context: str, where: str) -> str:
    """Return the platform that inserts option 82; a context may name another make of BNG."""
    make = context.rpartition("-")[2]
    return f"{make}-bng" if where == "bng" and make in ("junos", "iosxr") else INSERTING[where]


GPON_SITE = {
    "bearer": ("RFS:GPON-Bearer", {"bearerSpeed": "1G", "oltArea": "SOUTH-03"}),
    "vlan": ("RFS:VLAN-Service", {"vlanType": "c-tag", "serviceType": "enterprise"}),
    "ip": ("RFS:IP-Profile", {"ipVersion": "dualStack", "pool": "SOUTH-ENT"}),
    "qos": (
        "RFS:QoS-Policy",
        {
            "downstream": "500M",
            "upstream": "500M",
            "slaTier": "Gold",
            "serviceClass": "enterprise",
        },
    ),
    "sla": (
        "RFS:SLA-Monitoring",
        {"availabilityPercent": 99.95, "latencyMs": 10, "packetLossPercent": 0.01},
    ),
    "ce": (
        "RFS:CE-Router",
        {"model": "ISR-4431", "config": "enterprise-fibre", "mgmt": "fullManaged"},
    ),
}


def typed(catalog: Catalog, key: str, **changes: Any) -> tuple[Any, dict[str, Any]]:
    name, raw = GPON_SITE[key]
    spec = catalog.specification(name)
    return spec, typed_characteristics(spec, raw | changes)


def requested(catalog: Catalog, key: str, **changes: Any) -> dict[str, tuple[Any, ...]]:
    spec, chars = typed(catalog, key, **changes)
    requests = resource_requests(spec, "ENT-1102-MELB", chars)
    return {entry.name: (entry.kind, dict(entry.match), entry.amount) for entry in requests}


def test_a_gpon_bearer_takes_port_ont_and_the_ports_numbers(catalog: Catalog) -> None:
    at_port = {"device": "@bearer.device", "port": "@bearer.port"}
    assert requested(catalog, "bearer") == {
        "bearer": ("pon-port", {"area": "SOUTH-03"}, None),
        "ont": ("ont", {"area": "@bearer.area"}, None),
        "onu_id": ("onu-id", at_port, None),
        "alloc_id": ("alloc-id", at_port, None),
        "gemport_tc1": ("gemport", at_port, None),
        "gemport_tc3": ("gemport", at_port, None),
    }


def test_bandwidth_is_admitted_at_layer_two_on_the_access_and_layer_three_on_the_sap(
    catalog: Catalog,
) -> None:
    assert requested(catalog, "qos", downstream="800M") == {
        "access_bandwidth": (
            "access-bandwidth",
            {"device": "@bearer.device", "port": "@bearer.port"},
            525_000_000,
        ),
        "sap_bandwidth": ("sap-bandwidth", {"l2_domain": "@bearer.l2_domain"}, 800_000_000),
    }


def test_vlan_probe_and_router_ask_for_what_they_need(catalog: Catalog) -> None:
    assert requested(catalog, "vlan") == {
        "vlan": ("vlan", {"l2_domain": "@bearer.l2_domain", "service": "enterprise"}, None)
    }
    assert requested(catalog, "sla") == {
        "probe": ("probe", {}, None),
        "twamp_port": ("twamp-port", {"device": "@bearer.probe"}, None),
    }
    assert requested(catalog, "ce") == {
        "ce": ("cpe", {"model": "ISR-4431"}, None),
        "loopback": ("loopback", {}, None),
    }


def test_only_a_dual_stack_site_gets_ipv6(catalog: Catalog) -> None:
    both = requested(catalog, "ip")
    assert list(both) == ["ipv4", "ipv6", "ipv6_delegated", "lan"]
    assert both["ipv6_delegated"] == ("ipv6-delegated", {"name": "SOUTH-ENT"}, None)
    assert both["lan"] == ("lan-prefix", {"site": "ENT-1102-MELB"}, None)
    assert list(requested(catalog, "ip", ipVersion="ipv4")) == ["ipv4", "lan"]
    spec, chars = typed(catalog, "ip", ipVersion="ipv4")
    assert [entry.role for entry in configurations(spec, chars)] == ["bng", "dhcp4", "radius"]


def test_only_a_platform_that_assures_rates_gets_quality_of_service_on_the_access(
    catalog: Catalog,
) -> None:
    entries = catalog.specification("RFS:QoS-Policy").configure
    assert [(entry.role, entry.optional) for entry in entries] == [
        ("access", True), ("bng", False), ("radius", False),
    ]  # fmt: skip


def test_the_router_ships_at_once_and_completes_behind_the_line(catalog: Catalog) -> None:
    spec = catalog.specification("RFS:CE-Router")
    assert [(p.before, p.needs, p.reached) for p in spec.preconditions] == [
        ("verify", ("bearer", "vlan", "ip"), "completed"),
        ("verify", ("qos",), "committed"),
    ]
    assert [(entry.role, entry.step, entry.via) for entry in spec.configure] == [
        ("logistics", "stage", "adapter"),
        ("ce", "configure", "ztp"),
    ]


@pytest.mark.parametrize("path", CONTEXTS, ids=lambda path: path.stem)
def test_a_sites_context_is_rebuilt_from_its_order_and_allocations(
    catalog: Catalog, path: Path
) -> None:
    wanted = load_context(path.stem)
    bearer = (
        "RFS:GPON-Bearer" if wanted["res"]["bearer"]["technology"] == "gpon"
        else "RFS:P2P-Ethernet-Bearer"
    )  # fmt: skip
    items = {}
    for key, (name, raw) in GPON_SITE.items():
        spec = catalog.specification(bearer if key == "bearer" else name)
        sent = {
            name: value for name, value in wanted["item"][key].items() if name in names_of(spec)
        }
        sent = {
            name: value["bps"] if isinstance(value, dict) else value for name, value in sent.items()
        }
        assert set(raw) == set(sent) or key == "bearer"
        items[key] = with_derived(spec, typed_characteristics(spec, sent))
    context = site_context(
        wanted["site"],
        wanted["customer"],
        wanted["network"],
        items,
        wanted["res"],
        wanted["device"],
        load_profile(inserting(path.stem, wanted["res"]["bearer"]["option82"])),
    )
    assert context == wanted
    assert yaml.safe_load(yaml.safe_dump(context)) == wanted


def names_of(spec: Any) -> set[str]:
    return {entry.name for entry in spec.characteristics}


def melbourne() -> dict[str, Any]:
    path = next(path for path in CONTEXTS if path.stem == "ENT-1102-MELB")
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


def test_the_allocation_table_shows_the_example(catalog: Catalog) -> None:
    res = melbourne()["res"]
    shown = {}
    for key in GPON_SITE:
        spec, chars = typed(catalog, key)
        entry = spec.resource_type
        shown[key] = (entry.label, entry.category, shown_resource(spec, chars, res))
    assert shown == {
        "bearer": ("OLT Port", "Physical", "OLT-SOUTH-03 LC2 port 8"),
        "vlan": ("VLAN ID", "Logical", "VLAN 2108"),
        "ip": ("IPv4 Subnet", "Logical", "10.88.12.0/29"),
        "qos": ("Bandwidth Policy", "Logical", "BW-500-500-GOLD-ENT"),
        "sla": ("TWAMP Probe", "Logical", "Probe-ENT-1102-MELB"),
        "ce": ("CPE Device", "Physical", "ISR-4431 S/N: FDO2340567"),
    }


def test_what_is_not_allocated_yet_is_not_shown(catalog: Catalog) -> None:
    spec, chars = typed(catalog, "vlan")
    with pytest.raises(ExpressionError, match="has no value"):
        shown_resource(spec, chars, {})


def test_a_context_without_a_vlan_has_no_circuit_id() -> None:
    context = site_context({"key": "X"}, {}, {}, {}, {}, {"name": "OLT-SOUTH-03"})
    assert set(context) == {"site", "customer", "network", "item", "res", "device"}


def test_a_context_shares_nothing_with_what_it_was_made_from() -> None:
    res = melbourne()["res"]
    context = site_context({}, {"number": 1102}, {}, {}, res, {}, load_profile("bbf-olt"))
    context["res"]["vlan"]["value"] = 1
    assert res["vlan"]["value"] == 2108


def in_context(res: dict[str, Any], profile: str = "bbf-olt") -> str | None:
    made = site_context({}, {"number": 1102}, {}, {}, res, {}, load_profile(profile))
    return made.get("circuit_id")


def test_the_circuit_id_is_the_inserting_platforms() -> None:
    res = melbourne()["res"]
    assert inserting_device(res) == "OLT-SOUTH-03"
    assert in_context(res) == "OLT-SOUTH-03 xpon 2/8/17:2108"
    res["bearer"]["option82"] = "bng"
    assert inserting_device(res) == "BNG-MEL-01"
    assert in_context(res, "sros-bng") == f"BNG-MEL-01|1102|{res['bearer']['bng_port']}:2108"


def test_the_circuit_id_waits_for_onu_and_vlan() -> None:
    res = melbourne()["res"]
    for missing in ("bearer", "vlan", "onu_id"):
        rest = {name: value for name, value in res.items() if name != missing}
        assert in_context(rest) is None


def test_a_switch_that_inserts_option_82_uses_the_ethernet_form() -> None:
    res = melbourne()["res"]
    res["bearer"] |= {"technology": "p2p", "device": "EAS-SYD-01", "port": "0/12"}
    assert in_context(res, "ios-switch") == "EAS-SYD-01 eth 0/12:2108"


def test_a_line_that_does_not_say_who_inserts_option_82_is_refused() -> None:
    res = melbourne()["res"]
    res["bearer"]["option82"] = "moon"
    with pytest.raises(ContextError, match=r"OLT-SOUTH-03.*'moon'"):
        in_context(res)


def test_a_platform_that_inserts_none_is_refused_by_name() -> None:
    with pytest.raises(ContextError, match="OLT-SOUTH-03: profile kea-dhcp4"):
        in_context(melbourne()["res"], "kea-dhcp4")


def test_a_device_that_inventory_does_not_have_is_refused() -> None:
    with pytest.raises(ContextError, match=r"OLT-SOUTH-03 .* inventory"):
        site_context({}, {}, {}, {}, melbourne()["res"], {})


@pytest.mark.parametrize("attribute", ["device", "port"])
def test_an_incomplete_bearer_is_a_catalog_error_and_no_gap(attribute: str) -> None:
    res = melbourne()["res"]
    del res["bearer"][attribute]
    with pytest.raises(CatalogError, match=f"no attribute '?{attribute}"):
        in_context(res)


def test_plain_data_keeps_what_json_knows(catalog: Catalog) -> None:
    _, chars = typed(catalog, "qos")
    assert plain([chars["downstream"], ("a",), None]) == [
        {"bps": 500_000_000, "kbps": 500_000, "mbps": 500}, ["a"], None,
    ]  # fmt: skip
