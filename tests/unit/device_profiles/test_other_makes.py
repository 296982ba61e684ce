"""The pilot site on BNGs of other makes says what the example payloads say."""

from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from device_profiles.profile import load_profile
from device_profiles.render import render
from device_profiles.tree import Path, Tree, difference
from device_profiles.yang import decode, encode_edit

TreeOf = Callable[[str, str], dict[Path, str]]
ContextOf = Callable[[str], dict[str, Any]]

PAYLOADS = {
    "junos-bng": "bng-junos/10-site-ENT-1102-MELB.edit.xml",
    "iosxr-bng": "bng-iosxr/10-site-ENT-1102-MELB.edit.xml",
}
# A description names the site, never the order: a later order must not touch what an earlier wrote.
OURS_INSTEAD = {
    "junos-bng": {
        "unit[name='2108']/description": "SI-FA-ENT-1102-MELB",
        "neighbor[name='10.88.12.2']/description": "SI-FA-ENT-1102-MELB",
    },
    "iosxr-bng": {
        "interface[interface-name='TenGigE0/0/0/1.2108']/description": "SI-FA-ENT-1102-MELB"
    },
}
# What engineering has set on the port before the first site.
ENGINEERING = ("flexible-vlan-tagging", "encapsulation", "interface[name='xe-1/0/1']/description")
# A relay profile of IOS-XR is the site's own: it names the site's gateway address, and has room for
# one address of a server and VRF. So is a relay group of Junos: one without interface is nothing.
RENAMED = {
    "iosxr-bng": ("KEA-ENT-1102-MELB", "KEA-ENT"),
    "junos-bng": ("dhcp-relay/group[name='ENT-1102-MELB']", "dhcp-relay/group[name='ENT-1102']"),
}


def named(make: str, tree: Tree) -> dict[str, str]:
    """A tree by its paths as text, with the names that differ on purpose made the payload's."""
    ours, theirs = RENAMED[make]
    return {
        "/".join(path).replace(ours, theirs): value.replace(ours, theirs)
        for path, value in tree.items()
    }


@pytest.mark.parametrize("make", PAYLOADS)
def test_a_site_is_configured_as_the_example_payload_shows(
    make: str, site_tree: TreeOf, payload: Callable[[str], etree._Element]
) -> None:
    profile = load_profile(make)
    ours = named(make, site_tree(make, f"ENT-1102-MELB-{make.partition('-')[0]}"))
    theirs = named(make, decode(profile, payload(PAYLOADS[make])))
    assert len(theirs) > 20

    secret = {path for path in theirs if theirs[path].startswith("digest:")}
    missing = {
        path: (value, ours.get(path))
        for path, value in theirs.items()
        if ours.get(path) != value and path not in secret
    }
    engineering = {p for p in missing if p.endswith(ENGINEERING) and "unit" not in p}
    ports = {p for p in missing if p.endswith("interfaces/interface[name='xe-1/0/1']")}
    differing = {path: pair[1] for path, pair in missing.items() if path not in engineering | ports}

    for path, value in differing.items():
        known = [told for end, told in OURS_INSTEAD[make].items() if path.endswith(end)]
        assert known == [value], path
    assert all(ours[path].startswith("secret:bgp/") for path in secret)


@pytest.mark.parametrize("make", PAYLOADS)
def test_published_payloads_survive_decoding_and_encoding(
    make: str,
    payload: Callable[[str], etree._Element],
    reparsed: Callable[[etree._Element], etree._Element],
) -> None:
    profile = load_profile(make)
    tree = {
        path: value
        for path, value in decode(profile, payload(PAYLOADS[make])).items()
        if not profile.is_secret(path)
    }
    assert decode(profile, reparsed(encode_edit(profile, difference({}, tree)))) == tree


@pytest.mark.parametrize(
    ("make", "leaf", "rates"),
    [
        ("junos-bng", "bandwidth-limit", {"100500000"}),
        ("junos-bng", "rate", {"500m"}),
        ("iosxr-bng", "value", {"500", "100500000"}),
        ("iosxr-bng", "unit", {"mbps", "bps"}),
    ],
)
def test_every_make_writes_rates_in_its_own_units(
    make: str, leaf: str, rates: set[str], site_tree: TreeOf
) -> None:
    tree = site_tree(make, f"ENT-1102-SYD1-{make.partition('-')[0]}")
    assert {value for path, value in tree.items() if path[-1] == leaf} == rates


@pytest.mark.parametrize("make", PAYLOADS)
def test_a_site_without_ipv6_gets_none(make: str, context: ContextOf) -> None:
    own = render(
        load_profile(make), "ip-profile", context(f"ENT-1102-SYD1-{make.partition('-')[0]}")
    )
    text = str(own)
    assert "10.88.13.1" in text
    assert "2001:db8" not in text
    assert "v6" not in text


def test_health_of_a_junos_neighbour_is_asked_by_the_states_own_key() -> None:
    of_unit, of_neighbour = load_profile("junos-bng").health
    port, unit = "interface[name='xe-1/0/1']", "unit[name='2108']"
    asked = of_unit.query_path(("configuration", "interfaces", port, unit))
    assert asked[1:4] == (port, "subinterfaces", "subinterface[index='2108']")
    group, peer = "group[name='CE']", "neighbor[name='10.88.12.2']"
    asked = of_neighbour.query_path(("instance[name='ENT-1102']", "bgp", group, peer))
    assert asked[1] == "network-instance[name='ENT-1102']"
    assert asked[3] == "protocol[identifier='openconfig-policy-types:BGP'][name='BGP']"
    assert asked[6] == "neighbor[neighbor-address='10.88.12.2']"
