"""What a file says is judged against what there is and what is in service."""

from copy import deepcopy
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from inventory.holding import release
from inventory.load import load_content, preview_content
from inventory.model import BundleRequest, ResourceRequest
from inventory.problems import InventoryFileError, Problem
from inventory.reservation import reserve
from inventory.writing import LoadReport
from tests.integration.inventory.test_loading import (
    Content,
    Load,
    is_empty,
    status,
    take,
    vlans,
)
from tests.stocks import GROUND, LINE

BNG: Content = {"name": "B2", "role": "bng", "profile": "sros-bng"}
PON: Content = {"name": "P", "kind": "pon-port", "items": [{"value": "one"}]}


def with_line(**attributes: object) -> Content:
    return {"pools": [{**PON, "item_attributes": LINE | attributes}]}


def cpe(**attributes: object) -> Content:
    item = {"value": "x", "attributes": {"serial": "F1", "model": "ISR"} | attributes}
    return {"pools": [{"name": "C", "kind": "cpe", "items": [item]}]}


@pytest.mark.parametrize(
    ("content", "field", "text"),
    [
        ({"devices": [{**BNG, "profile": "sros"}]}, "profile", "no profile 'sros'"),
        ({"devices": [{**BNG, "role": "access"}]}, "role", "sros-bng is for bng, not for access"),
        ({"devices": [{**BNG, "role": "bgn"}]}, "role", "not for bgn"),
        ({"devices": [{**BNG, "partners": {"probe": "OLT"}}]}, "partners.probe", "no device"),
        ({"network": {"cpe_profiles": {"X": {"ce": "bbf-olt"}}}}, "cpe_profiles.X.ce", "not for"),
        ({"pools": [{"name": "V", "kind": "vlam", "values": 1}]}, "kind", "no kind 'vlam'"),
        ({"pools": [vlans(domain="Z")]}, "attributes.l2_domain", "no line has the l2_domain 'Z'"),
        ({"pools": [{**vlans(), "attributes": {"l2_domain": ["D"]}}]}, "attributes.l2_domain",
         "is no text"),
        (with_line(l2_domain=["D"]), "item_attributes.l2_domain", "is no text"),
        (with_line(bng="OLT"), "item_attributes.bng", "no device of role bng"),
        (with_line(device="nowhere"), "item_attributes.device", "no device of role access"),
        (with_line(technology="docsis"), "item_attributes.technology", "use one of gpon, p2p"),
        (with_line(probe="BNG"), "item_attributes.probe", "no device of role probe"),
        ({"pools": [{**PON, "item_attributes": {"device": "OLT"}}]}, "attributes.technology",
         "is missing at 'one'"),
        (cpe(model="ISR-9"), "items.0.attributes.model", "names no profile for 'ISR-9'"),
        (cpe(model={"a": 1}), "items.0.attributes.model", "is no text"),
        (cpe(wan_ifindex="one"), "items.0.attributes.wan_ifindex", "no whole number"),
        ({"pools": [{**vlans(), "earmarks": [{"value": 100, "site": "S9"}]}]}, "earmarks",
         "'S9' is no site"),
        ({"pools": [{"name": "L", "kind": "lan-prefix", "prefix": "10.0.0.0/24",
                     "attributes": {"site": "S9"}}]}, "attributes.site", "'S9' is no site"),
    ],
)  # fmt: skip
def test_what_a_file_refers_to_must_be_there(
    connection: sa.Connection, exactly: Load, content: Content, field: str, text: str
) -> None:
    with pytest.raises(InventoryFileError) as caught:
        exactly(content)
    told = {(problem.field, text in str(problem)) for problem in caught.value.problems}
    assert (field, True) in told
    assert all(problem.line for problem in caught.value.problems)
    assert is_empty(connection)


def test_mistakes_of_the_file_and_against_the_database_are_told_together(
    connection: sa.Connection, exactly: Load, two_hundred_sites: Content
) -> None:
    load_first = {**two_hundred_sites, "pools": [vlans()]}
    exactly(load_first)
    take(connection, "vlan")
    wrong = {
        "sites": [{"key": "T", "name": "x", "customer": "C9", "timezone": "Mars"},
                  {"key": "U", "name": "x", "customer": "C9", "timezone": "UTC"}],
        "customers": [{"id": "C2", "name": "Two", "number": 1, "vpn": "V2",
                       "autonomous_system": 65002}],
        "devices": [{**BNG, "profile": "sros"}],
        "pools": [vlans(values="101-109"), vlans("W", values="105-120"), vlans("X", "Z")],
    }  # fmt: skip
    with pytest.raises(InventoryFileError) as caught:
        exactly(wrong)
    assert {problem.pointer for problem in caught.value.problems} == {
        "/sites/0/timezone", "/sites/1/customer", "/customers/0/number", "/devices/0/profile",
        "/pools/0", "/pools/0/values", "/pools/2/attributes/l2_domain",
    }  # fmt: skip


def test_what_a_load_would_do_is_told_and_not_done(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": [vlans()]})
    renamed = {**two_hundred_sites["sites"][0], "name": "New name"}
    content = {
        "sites": [renamed], "network": {"ntp": "192.0.2.1"},
        "pools": [{**vlans(values="102-111"), "watermark": 3,
                   "earmarks": [{"value": 103, "site": "S000"}]}, vlans("W", "E")],
    }  # fmt: skip
    preview = preview_content(connection, content, "body")
    told = {(each.section, each.name): (str(each.change), each.fields) for each in preview.changes}
    assert told == {
        ("sites", "S000"): ("changed", {"name": {"before": "Site 0", "after": "New name"}}),
        ("network", "network"): ("changed", {"ntp": {"before": None, "after": "192.0.2.1"}}),
        ("pools", "V"): ("changed", {"watermark": {"before": None, "after": 3}}),
        ("pools", "W"): ("created", {}),
        ("pool V", "110-111"): ("created", {}),
        ("pool V", "100-101"): ("removed", {}),
        ("pool V", "103"): ("changed", {"earmark": {"before": None, "after": "S000"}}),
        ("pool W", "100-109"): ("created", {}),
    }
    connection.rollback()
    assert status(connection)["V"].capacity == 10
    report = load(content)
    assert report.model_dump() == preview.model_dump(exclude={"changes"})


@pytest.mark.parametrize(
    ("section", "fields", "field", "text"),
    [
        ("customers", {"name": "x" * 81}, "name", "has 81 characters, and sros-bng"),
        ("customers", {"name": "Société"}, "name", "has 'é', and iosxe-ce"),
        ("customers", {"vpn": "V" * 65}, "vpn", "use at most 64"),
        ("sites", {"key": "S" * 33}, "key", "has 33 characters, and sros-bng makes it its"),
        ("sites", {"key": "7-MELB"}, "key", "use what matches"),
        ("sites", {"key": "ENT_1"}, "key", "iosxe-ce makes it its host name"),
        ("sites", {"name": "Office?"}, "name", "has '?', and iosxe-ce makes it its"),
    ],
)
def test_a_name_that_a_platform_of_the_network_cannot_take_is_refused(
    exactly: Load, two_hundred_sites: Content, section: str, fields: Content, field: str, text: str
) -> None:
    content = deepcopy(two_hundred_sites)
    content[section][0] |= fields
    with pytest.raises(InventoryFileError) as caught:
        exactly(content if section == "customers" else content | {"sites": content["sites"][:1]})
    assert (field, True) in {(each.field, text in str(each)) for each in caught.value.problems}


def test_a_platform_that_cannot_take_the_names_that_are_there_is_refused(
    exactly: Load, two_hundred_sites: Content
) -> None:
    long = {**two_hundred_sites["sites"][0], "key": "S" * 31}
    exactly({**two_hundred_sites, "sites": [long]})
    router = {"name": "XR", "role": "bng", "profile": "iosxr-bng"}
    exactly({"devices": [router]})
    customer = {**two_hundred_sites["customers"][0], "vpn": "V" * 33}
    with pytest.raises(InventoryFileError, match="iosxr-bng makes it its vrf-name; use at most 32"):
        exactly({"customers": [customer]})


IN_SERVICE: Content = {
    "devices": [
        {"name": "KEA", "role": "dhcp4", "profile": "kea-dhcp4"},
        {"name": "KEA2", "role": "dhcp4", "profile": "kea-dhcp4"},
        {"name": "BNG", "role": "bng", "profile": "sros-bng", "partners": {"dhcp4": "KEA"}},
    ],
    "customers": [
        {"id": "C2", "name": "Two", "number": 2, "vpn": "V2", "autonomous_system": 65002}
    ],
    "pools": [
        {"name": "P", "kind": "pon-port", "items": [{"value": "one"}], "item_attributes": LINE},
        {"name": "C", "kind": "cpe", "items": [
            {"value": "x", "attributes": {"serial": "F1", "model": "ISR"}}]},
    ],
    "network": {"ntp": "192.0.2.1"},
}  # fmt: skip
SITE: Content = {"key": "S000", "name": "Site 0", "timezone": "UTC"}
ONE: Content = {"id": "C1", "name": "One", "number": 1, "vpn": "V1", "autonomous_system": 65001}


@pytest.mark.parametrize(
    ("content", "field", "mend"),
    [
        ({"devices": [{"name": "OLT", "role": "access", "profile": "ios-switch"}]}, "profile",
         "under a name of its own"),
        ({"devices": [{"name": "BNG", "role": "bng", "profile": "junos-bng",
                       "partners": {"dhcp4": "KEA"}}]}, "profile", "under a name of its own"),
        ({"devices": [{"name": "KEA", "role": "dhcp6", "profile": "kea-dhcp6"}]}, "role",
         "delete the services of these sites"),
        ({"devices": [{"name": "BNG", "role": "bng", "profile": "sros-bng",
                       "partners": {"dhcp4": "KEA2"}}]}, "partners.dhcp4", "delete the services"),
        ({"sites": [{**SITE, "customer": "C2"}]}, "customer", "under a key of its own"),
        ({"customers": [{**ONE, "vpn": "V9"}]}, "vpn", "a customer of another id"),
        ({"network": {"ntp": None}}, "ntp", "keep it"),
        ({"network": {"cpe_profiles": {"ISR": {"ce": "frr-ce"}}}}, "cpe_profiles.ISR.ce", "keep"),
    ],
)  # fmt: skip
def test_a_change_that_no_device_of_a_live_site_would_follow_is_refused(
    connection: sa.Connection, two_hundred_sites: Content, content: Content, field: str, mend: str
) -> None:
    serve(connection, two_hundred_sites)
    problem = refusal(connection, content, field)
    assert "S000" in problem.text
    assert mend in problem.fix
    assert problem.pointer
    release(connection, "S000", now=datetime.now(UTC))
    if field != "role":  # a role that pools and partners name is refused as long as they do
        assert load_content(connection, content, "body").changed == 1


def serve(connection: sa.Connection, ground: Content) -> None:
    """Let a site have a line and a router."""
    for each in (GROUND, ground, IN_SERVICE):
        load_content(connection, each, "body")
    for kind in ("pon-port", "cpe"):
        request = ResourceRequest(name=kind, kind=kind)
        reserve(connection, BundleRequest(site="S000", order_id="o", requests=(request,)))


def refusal(connection: sa.Connection, content: Content, field: str) -> Problem:
    with pytest.raises(InventoryFileError) as caught:
        load_content(connection, content, "body")
    (problem,) = [each for each in caught.value.problems if each.field == field]
    return problem


OTHER_LINE = LINE | {"port": "1/2"}


@pytest.mark.parametrize(
    ("content", "field", "name"),
    [
        ({"devices": [{"name": "BNG", "role": "bng", "profile": "junos-bng",
                       "partners": {"dhcp4": "KEA"}}]}, "profile", "devices/BNG/profile"),
        ({"sites": [{**SITE, "customer": "C2"}]}, "customer", "sites/S000/customer"),
        ({"customers": [{**ONE, "vpn": "V9"}]}, "vpn", "customers/C1/vpn"),
        ({"network": {"ntp": None}}, "ntp", "network/ntp"),
        ({"network": {"cpe_profiles": {"ISR": {"ce": "frr-ce"}}}}, "cpe_profiles.ISR.ce",
         "network/cpe_profiles.ISR.ce"),
        ({"pools": [{"name": "P", "kind": "pon-port", "items": [{"value": "one"}],
                     "item_attributes": OTHER_LINE}]}, "values one", "pools/P/values/one"),
        ({"pools": [{**IN_SERVICE["pools"][0], "attributes": {"area": "NORTH"}}]}, "attributes",
         "pools/P/attributes"),
    ],
)  # fmt: skip
def test_a_change_in_service_is_made_when_it_is_asked_for_by_the_name_its_refusal_has(
    connection: sa.Connection, two_hundred_sites: Content, content: Content, field: str, name: str
) -> None:
    serve(connection, two_hundred_sites)
    assert refusal(connection, content, field).fix.endswith(f" --replace {name}")
    assert preview_content(connection, content, "body", [name]).changed
    report = load_content(connection, content, "body", [name])
    assert report.replanned == {"S000": ()}
    assert load_content(connection, content, "body") == LoadReport()


def test_what_would_wait_for_the_next_modify_comes_at_once_when_it_is_asked_for(
    connection: sa.Connection, two_hundred_sites: Content
) -> None:
    serve(connection, two_hundred_sites)
    renamed = {
        "sites": [{**SITE, "customer": "C1", "name": "New name"},
                  {**SITE, "key": "S001", "customer": "C1", "name": "New name too"}],
        "network": {"ntp": "192.0.2.2"},
    }  # fmt: skip
    assert preview_content(connection, renamed, "body").replanned == {}
    asked = ["sites/S000/name", "network/ntp"]
    assert preview_content(connection, renamed, "body", asked[1:]).replanned == {"S000": ()}
    assert load_content(connection, renamed, "body", asked).replanned == {"S000": ()}


@pytest.mark.parametrize("name", ["sites/S001/name", "sites/S000/timezone", "sites/S000", "all"])
def test_a_name_that_no_change_in_service_has_is_refused(
    connection: sa.Connection, two_hundred_sites: Content, name: str
) -> None:
    serve(connection, two_hundred_sites)
    renamed = [{**SITE, "key": key, "customer": "C1", "name": "New"} for key in ("S000", "S001")]
    with pytest.raises(InventoryFileError) as caught:
        load_content(connection, {"sites": renamed}, "body", [name])
    (problem,) = caught.value.problems
    assert (problem.entry, problem.field) == ("replace", name)
    assert "leave it out" in problem.fix
