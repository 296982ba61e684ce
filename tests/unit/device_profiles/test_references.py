"""Who else uses an entry: by leafref, by plain value, by a line."""

import pytest
from lxml import etree
from pydantic import ValidationError

from device_profiles.models import YangModel
from device_profiles.profile import load_profile, profiles
from device_profiles.references import referring, rows, users
from device_profiles.tree import PRESENT, Path
from device_profiles.yang import encode_selection

CONFIGURE = "nokia-conf:configure"
POLICY: Path = (CONFIGURE, "qos", "sap-ingress[sap-ingress-policy-name='BW-500']")
LEAF = f"/{CONFIGURE}/service/vprn/interface/sap/ingress/qos/sap-ingress/policy-name"


def sap(interface: str, vpn: str = "NOC") -> Path:
    return (
        CONFIGURE, "service", f"vprn[service-name='{vpn}']",
        f"interface[interface-name='{interface}']", "sap[sap-id='1/1/c1/1:2108']",
    )  # fmt: skip


def test_a_service_that_names_a_policy_uses_it() -> None:
    named = (*sap("test"), "ingress", "qos", "sap-ingress", "policy-name")
    tree = {named: "BW-500", (*named[:-1], "scheduler"): "BW-500", POLICY: PRESENT}
    assert users(load_profile("sros-bng"), tree, [POLICY]) == {POLICY: {named: "BW-500"}}
    assert users(load_profile("sros-bng"), {named: "BW-100"}, [POLICY]) == {}


def test_what_lies_within_an_entry_does_not_use_it() -> None:
    queue = (*POLICY, "queue[queue-id='1']")
    inside = {(*POLICY, "fc[fc-name='af']", "queue"): "1"}
    assert users(load_profile("sros-bng"), inside, [queue]) == {queue: inside}
    assert users(load_profile("sros-bng"), inside, [POLICY]) == {}


def test_a_queue_of_the_same_number_in_another_policy_is_another_one() -> None:
    other = (CONFIGURE, "qos", "sap-ingress[sap-ingress-policy-name='BW-100']")
    tree = {(*other, "fc[fc-name='af']", "queue"): "1"}
    assert users(load_profile("sros-bng"), tree, [(*POLICY, "queue[queue-id='1']")]) == {}


def test_an_entry_that_is_unique_in_the_device_is_the_same_one_under_another_parent() -> None:
    ours, theirs = sap("ENT-1102-MELB", "ENT-1102"), sap("renamed", "ENT-1102")
    found = users(load_profile("sros-bng"), {theirs: PRESENT, ours: PRESENT}, [ours])
    assert found == {ours: {theirs: PRESENT}}


def test_keys_and_members_refer_as_leaves_do() -> None:
    olt = load_profile("bbf-olt")
    classifier = ("bbf-qos-classifiers:classifiers", "classifier-entry[name='gold']")
    by_key = (
        "bbf-qos-policies:policies", "policy[name='p']", "classifiers[name='gold']",
    )  # fmt: skip
    assert users(olt, {by_key: PRESENT}, [classifier]) == {classifier: {by_key: PRESENT}}
    switch = load_profile("openconfig-switch")
    vlan = (
        "openconfig-network-instance:network-instances", "network-instance[name='default']",
        "vlans", "vlan[vlan-id='2108']",
    )  # fmt: skip
    by_member = (
        "openconfig-interfaces:interfaces", "interface[name='x']",
        "openconfig-if-ethernet:ethernet", "openconfig-vlan:switched-vlan", "config",
        "trunk-vlans[.='2108']",
    )  # fmt: skip
    assert users(switch, {by_member: PRESENT}, [vlan]) == {vlan: {by_member: PRESENT}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("interface Gi0/9", "switchport access vlan"), "2108"),
        (("interface Gi0/9", "switchport trunk native vlan"), "2108"),
        (("interface Te0/1", "switchport trunk allowed vlan[.='2108']"), PRESENT),
        (("interface Vlan2108",), PRESENT),
    ],
)
def test_lines_of_a_switch_use_a_vlan(path: Path, value: str) -> None:
    vlan = ("vlan 2108",)
    profile = load_profile("ios-switch")
    tree = {vlan: PRESENT, (*vlan, "name"): "2108", path: value}
    assert users(profile, tree, [vlan]) == {vlan: {path: value}}
    assert users(profile, tree, [("vlan 2109",)]) == {}


FAMILY = ("router bgp 65112", "address-family ipv4 unicast")


@pytest.mark.parametrize(
    ("entry", "path", "value"),
    [
        (
            "route-map RM-TO-PE permit 10",
            (*FAMILY, "neighbor 10.0.0.9 route-map RM-TO-PE out"),
            PRESENT,
        ),
        (
            "ip prefix-list PL-SITE seq 5 permit 172.20.1.0/24",
            ("route-map OTHER permit 20", "match ip address prefix-list"),
            "PL-SITE",
        ),
        (
            "ip prefix-list PL-SITE seq 5 permit 172.20.1.0/24",
            (*FAMILY, "neighbor 10.0.0.9 prefix-list PL-SITE in"),
            PRESENT,
        ),
    ],
    ids=["route-map", "prefix list in a route-map", "prefix list of a neighbour"],
)  # fmt: skip
def test_lines_of_a_router_use_what_has_more_in_its_line_than_the_name(
    entry: str, path: Path, value: str
) -> None:
    profile = load_profile("frr-ce")
    tree = {(entry,): PRESENT, path: value}
    assert users(profile, tree, [(entry,)]) == {(entry,): {path: value}}
    other = (entry.replace("RM-TO-PE", "RM-TO").replace("PL-SITE", "PL"),)
    assert users(profile, tree, [other]) == {}


JUNOS = "junos-conf-root:configuration"
INSTANCES = (JUNOS, "junos-conf-routing-instances:routing-instances")
COS = (JUNOS, "junos-conf-class-of-service:class-of-service")
FILTER: Path = (JUNOS, "junos-conf-firewall:firewall", "family", "inet", "filter[name='BW-500']")


@pytest.mark.parametrize(
    ("entry", "path", "value"),
    [
        (
            FILTER,
            (JUNOS, "junos-conf-interfaces:interfaces", "interface[name='xe-1/0/9']",
             "unit[name='7']", "family", "inet", "filter", "output", "filter-name"),
            "BW-500",
        ),
        (
            (JUNOS, "junos-conf-firewall:firewall", "policer[name='POL-500M']"),
            (*FILTER[:-1], "filter[name='x']", "term[name='y']", "then", "policer"),
            "POL-500M",
        ),
        (
            (*COS, "traffic-control-profiles[name='BW-500']"),
            (*COS, "interfaces", "interface[name='xe-1/0/9']", "unit[name='7']",
             "output-traffic-control-profile", "profile-name"),
            "BW-500",
        ),
        (
            (*INSTANCES, "instance[name='ENT-1102']"),
            (JUNOS, "junos-conf-services:services", "rpm", "twamp", "client",
             "control-connection[name='noc']", "routing-instance"),
            "ENT-1102",
        ),
        (
            (*INSTANCES, "instance[name='ENT-1102']", "interface[name='xe-1/0/1.2108']"),
            (*INSTANCES, "instance[name='NOC']", "interface[name='xe-1/0/1.2108']"),
            PRESENT,
        ),
    ],
    ids=["filter", "policer", "traffic control profile", "instance", "unit in another instance"],
)  # fmt: skip
def test_values_of_junos_are_references_though_its_models_hold_strings(
    entry: Path, path: Path, value: str
) -> None:
    found = users(load_profile("junos-bng"), {entry: PRESENT, path: value}, [entry])
    assert found == {entry: {path: value}}


def test_relay_servers_of_one_instance_are_not_those_of_another() -> None:
    def relay(vpn: str, *steps: str) -> Path:
        return (*INSTANCES, f"instance[name='{vpn}']", "forwarding-options", "dhcp-relay", *steps)

    servers = relay("A", "server-group", "server-group[name='KEA-ENT']")
    group = ("group[name='x']", "active-server-group", "active-server-group")
    ours, theirs = relay("A", *group), relay("B", *group)
    tree = dict.fromkeys((ours, theirs), "KEA-ENT")
    assert users(load_profile("junos-bng"), tree, [servers]) == {servers: {ours: "KEA-ENT"}}


XR = "Cisco-IOS-XR-um-"
VRF: Path = (f"{XR}vrf-cfg:vrfs", "vrf[vrf-name='ENT-1102']")
XR_PORT = (f"{XR}interface-cfg:interfaces", "interface[interface-name='TenGigE0/0/0/9.7']")
POLICY_MAP: Path = (
    f"{XR}policymap-classmap-cfg:policy-map", "type", "qos[policy-map-name='BW-500']",
)  # fmt: skip
RELAY = (f"{XR}dhcp-ipv4-cfg:dhcp", "ipv4")


@pytest.mark.parametrize(
    ("entry", "path", "value"),
    [
        (VRF, (*XR_PORT, f"{XR}if-vrf-cfg:vrf"), "ENT-1102"),
        (
            VRF,
            (f"{XR}router-bgp-cfg:router", "bgp", "as[as-number='64500']", "vrfs",
             "vrf[vrf-name='ENT-1102']"),
            PRESENT,
        ),
        (
            POLICY_MAP,
            (*XR_PORT, f"{XR}if-service-policy-qos-cfg:service-policy", "input",
             "service-policy-name"),
            "BW-500",
        ),
        (
            (*RELAY, "profiles", "profile[profile-name='KEA-X']"),
            (*RELAY, "interfaces", "interface[interface-name='Te0/9']", "relay", "profile"),
            "KEA-X",
        ),
        (
            XR_PORT,
            (*RELAY, "interfaces", "interface[interface-name='TenGigE0/0/0/9.7']"),
            PRESENT,
        ),
    ],
    ids=["interface in VRF", "BGP of VRF", "policy map", "relay profile", "relay on interface"],
)  # fmt: skip
def test_what_ios_xr_names_is_used(entry: Path, path: Path, value: str) -> None:
    found = users(load_profile("iosxr-bng"), {entry: PRESENT, path: value}, [entry])
    assert found == {entry: {path: value}}


def test_a_user_in_our_group_uses_its_rows() -> None:
    profile = load_profile("freeradius-sql")
    row = ("radgroupreply[groupname='BW-500'][attribute='A'][value='x']",)
    user = ("radusergroup[username='somebody'][groupname='BW-500']",)
    assert rows(profile, [row]) == [("radusergroup", "groupname", "BW-500")]
    assert users(profile, {user: PRESENT, (*user, "priority"): "1"}, [row]) == {
        row: {user: PRESENT}
    }


def test_only_leaves_that_could_refer_are_asked_for_with_the_keys_on_their_way() -> None:
    profile = load_profile("sros-bng")
    assert referring(profile, [POLICY]) == {LEAF}
    assert referring(profile, [POLICY[:2]]) == frozenset()
    (asked,) = encode_selection(profile, {LEAF})
    text = etree.tostring(asked).decode()
    assert "<service-name/>" in text
    assert "<sap-id/>" in text
    assert text.count("<policy-name/>") == 1


def test_a_reference_to_what_is_no_list_is_refused() -> None:
    with pytest.raises(ValidationError, match="/a/b is no list"):
        YangModel(namespaces={}, references={"/a/c": "/a/b"})


def test_platforms_that_sites_share_say_what_refers_to_what() -> None:
    known = {name: load_profile(name) for name in profiles()}
    without = {
        name
        for name, found in known.items()
        if not any(getattr(m, "references", ()) for m in (found.yang, found.cli, found.radius))
    }
    shared = {
        "bbf-olt",
        "sros-bng",
        "openconfig-switch",
        "ios-switch",
        "iosxe-ce",
        "freeradius-sql",
    }
    assert shared <= known.keys() - without
    # Nothing these are told to hold is named by anything else there.
    assert without >= {"kea-dhcp4", "kea-dhcp6", "logistics-rest", "net-snmp-agent"}
