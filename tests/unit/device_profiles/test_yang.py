"""YANG codec: what goes out comes back, and nothing else."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from device_profiles.errors import ProfileError
from device_profiles.profile import load_profile
from device_profiles.steps import MEMBER, format_step, parse_step
from device_profiles.tree import OPAQUE_PREFIX, PRESENT, Edit, Path, Tree, difference, patched
from device_profiles.yang import decode, encode_edit, encode_filter

TreeOf = Callable[[str, str], dict[Path, str]]

NETCONF = "{urn:ietf:params:xml:ns:netconf:base:1.0}"
OLT = load_profile("bbf-olt")
SWITCH = load_profile("openconfig-switch")
BNG = load_profile("sros-bng")
PAYLOADS = {
    "olt/00-baseline-OLT-SOUTH-03.config.xml": "bbf-olt",
    "olt/10-roi001-gpon-bearer.edit.xml": "bbf-olt",
    "olt/11-roi001-verify.get.xml": "bbf-olt",
    "olt/20-roi002-vlan.edit.xml": "bbf-olt",
    "olt/40-roi004-qos-olt.edit.xml": "bbf-olt",
    "p2p-switch/00-baseline-EAS-SYD-01.config.xml": "openconfig-switch",
    "p2p-switch/10-roi001-002-p2p.edit.xml": "openconfig-switch",
    "bng-nokia/00-baseline-BNG-MEL-01.config.xml": "sros-bng",
    "bng-nokia/20-roi002-vlan-bng.edit.xml": "sros-bng",
    "bng-nokia/40-roi004-qos.edit.xml": "sros-bng",
    "bng-nokia/50-roi005-twamp.edit.xml": "sros-bng",
    "twamp/50-roi005-ietf-twamp-probe.edit.xml": "ietf-twamp-probe",
}
INTERFACES = "ietf-interfaces:interfaces"
XML_TEXT = st.text(
    st.characters(
        exclude_categories=("Cs", "Cn"), exclude_characters=[chr(n) for n in range(32)]
    ).filter(lambda c: c not in "\ufffe\uffff"),
    min_size=1,
    max_size=20,
)


def config(inner: str) -> etree._Element:
    return etree.fromstring(
        f'<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">{inner}</config>'
    )


def creations(tree: Tree) -> list[Edit]:
    return [Edit(path, None, value) for path, value in tree.items()]


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_step_survives_being_taken_apart(first: str, second: str) -> None:
    step = format_step("entry", [("a", first), ("b", second)])
    assert parse_step(step) == ("entry", (("a", first), ("b", second)))


@given(
    st.dictionaries(XML_TEXT, st.tuples(XML_TEXT, st.booleans()), max_size=4),
    st.sets(st.integers(1, 4094).map(str), max_size=4),
)
def test_every_tree_survives_the_way_over_the_wire(ports: dict[Any, Any], vlans: Any) -> None:
    trunk = ("openconfig-interfaces:interfaces", "interface[name='trunk']")
    tree = {trunk: PRESENT}
    for name, (description, enabled) in ports.items():
        entry = (trunk[0], format_step("interface", [("name", name)]))
        tree[entry] = PRESENT
        tree[*entry, "config", "description"] = description
        tree[*entry, "config", "enabled"] = "true" if enabled else "false"
        tree[*entry, "config", "type"] = "iana-if-type:ethernetCsmacd"
    switched = (
        *trunk,
        "openconfig-if-ethernet:ethernet",
        "openconfig-vlan:switched-vlan",
        "config",
    )
    for vlan in vlans:
        tree[*switched, format_step("trunk-vlans", [(MEMBER, vlan)])] = PRESENT

    sent = etree.tostring(encode_edit(SWITCH, creations(tree)))

    assert decode(SWITCH, etree.fromstring(sent)) == tree


@pytest.mark.parametrize(
    ("profile_name", "site"),
    [
        ("bbf-olt", "ENT-1102-MELB"),
        ("openconfig-switch", "ENT-1102-SYD1"),
        ("sros-bng", "ENT-1102-MELB"),
        ("sros-bng", "ENT-1102-SYD1"),
        ("ietf-twamp-probe", "ENT-1102-SYD2"),
    ],
)
def test_what_a_site_wants_reads_back_the_same(
    profile_name: str,
    site: str,
    site_tree: TreeOf,
    reparsed: Callable[[etree._Element], etree._Element],
) -> None:
    profile = load_profile(profile_name)
    tree = site_tree(profile_name, site)
    read = decode(profile, reparsed(encode_edit(profile, creations(tree))))
    concealed = {path for path in tree if profile.is_secret(path)}
    given = {path[:n] for path in tree for n in range(1, len(path))} - tree.keys()
    assert {p: v for p, v in read.items() if p not in concealed | given} == {
        p: v for p, v in tree.items() if p not in concealed
    }
    assert all(read[path].startswith("digest:") for path in concealed)


@pytest.mark.parametrize("file", sorted(PAYLOADS))
def test_published_payloads_survive_decoding_and_encoding(
    file: str,
    payload: Callable[[str], etree._Element],
    reparsed: Callable[[etree._Element], etree._Element],
) -> None:
    profile = load_profile(PAYLOADS[file])
    tree = decode(profile, payload(file))
    assert tree
    assert decode(profile, reparsed(encode_edit(profile, creations(tree)))) == tree


def test_prefixes_do_not_matter_only_modules_do() -> None:
    first = config(
        '<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>v</name>'
        '<type xmlns:a="urn:bbf:yang:bbf-xpon-if-type">a:v-ani</type></interface></interfaces>'
    )
    second = config(
        '<i:interfaces xmlns:i="urn:ietf:params:xml:ns:yang:ietf-interfaces"><i:interface>'
        '<i:name>v</i:name><i:type xmlns="urn:bbf:yang:bbf-xpon-if-type">v-ani</i:type>'
        "</i:interface></i:interfaces>"
    )
    assert decode(OLT, first) == decode(OLT, second)
    assert decode(OLT, first)[INTERFACES, "interface[name='v']", "type"] == "bbf-xpon-if-type:v-ani"


@pytest.mark.parametrize(("value", "shown"), [("x:v-ani", "x:v-ani"), ("y:v-ani", "{urn:y}v-ani")])
def test_an_identity_nobody_knows_is_shown_as_it_is(value: str, shown: str) -> None:
    data = config(
        '<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces" xmlns:y="urn:y">'
        f"<interface><name>v</name><type>{value}</type></interface></interfaces>"
    )
    assert decode(OLT, data)[INTERFACES, "interface[name='v']", "type"] == shown


@pytest.mark.parametrize(
    ("value", "module"), [("elsewhere:v-ani", "elsewhere"), ("v-ani", "v-ani")]
)
def test_an_identity_of_a_module_without_a_namespace_is_not_sent(value: str, module: str) -> None:
    path = (INTERFACES, "interface[name='v']", "type")
    with pytest.raises(ProfileError, match=rf"/type: identity of unknown module '{module}'$"):
        encode_edit(OLT, [Edit(path, None, value)])


def test_identities_in_a_leaf_list_and_in_a_key_are_known_by_their_modules(
    reparsed: Callable[[etree._Element], etree._Element],
) -> None:
    interface = (INTERFACES, "interface[name='ct']")
    states = (*interface, "bbf-xpon:channel-termination")
    action = (
        "bbf-qos-classifiers:classifiers", "classifier-entry[name='c']",
        "classifier-action-entry-cfg[action-type='bbf-qos-policing:policing']",
    )  # fmt: skip
    tree = {
        interface: PRESENT,
        (*states, "notifiable-defect[.='bbf-xpon-defects:lofi']"): PRESENT,
        action[:2]: PRESENT,
        action: PRESENT,
    }
    sent = reparsed(encode_edit(OLT, creations(tree)))
    assert decode(OLT, sent) == tree
    assert [e.text for e in sent.iter("{*}action-type")] == ["bbf-qos-policing:policing"]


def test_values_have_one_spelling() -> None:
    data = config(
        '<configure xmlns="urn:nokia.com:sros:ns:yang:sr:conf"><service><vprn>'
        "<service-name>V</service-name><interface><interface-name>I</interface-name><ipv6><address>"
        "<ipv6-address>2001:0DB8:0::1</ipv6-address><prefix-length>64</prefix-length></address>"
        "</ipv6></interface></vprn></service></configure>"
    )
    assert any("address[ipv6-address='2001:db8::1']" in path for path in decode(BNG, data))


def test_a_member_of_a_leaf_list_has_one_spelling() -> None:
    data = config(
        '<configure xmlns="urn:nokia.com:sros:ns:yang:sr:conf"><service><vprn>'
        "<service-name>V</service-name><interface><interface-name>I</interface-name><ipv6><dhcp6>"
        "<relay><server>2001:0DB8:0::5</server></relay></dhcp6></ipv6></interface></vprn></service>"
        "</configure>"
    )
    assert any("server[.='2001:db8::5']" in path for path in decode(BNG, data))


def test_comments_and_instructions_hold_no_data() -> None:
    data = config(
        '<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><!-- ours -->'
        "<interface><?noted?><name>v</name></interface></interfaces>"
    )
    assert decode(OLT, data) == {(INTERFACES, "interface[name='v']"): PRESENT}


def test_an_entry_may_have_an_empty_key_and_needs_one() -> None:
    interfaces = '<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces">{}</interfaces>'
    empty = config(interfaces.format("<interface><name/></interface>"))
    assert decode(OLT, empty) == {(INTERFACES, "interface[name='']"): PRESENT}
    both = config(interfaces.format("<interface/><interface><name>v</name></interface>"))
    tree = decode(OLT, both)
    assert tree.keys() == {(INTERFACES, "interface"), (INTERFACES, "interface[name='v']")}
    assert tree[INTERFACES, "interface"].startswith(OPAQUE_PREFIX)


def test_data_of_no_namespace_survive_the_way_over_the_wire() -> None:
    data = etree.fromstring("<data><x><y>1</y></x></data>")
    tree = decode(OLT, data)
    assert tree == {("{}x", "y"): "1"}
    sent = encode_edit(OLT, creations(tree))
    assert sent.find("x/y") is not None
    assert decode(OLT, etree.fromstring(etree.tostring(sent))) == tree


def test_unknown_nodes_are_read_by_their_shape() -> None:
    data = config(
        '<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>v</name>'
        '<x xmlns="urn:vendor"><y>1</y></x></interface></interfaces>'
    )
    entry = (INTERFACES, "interface[name='v']")
    tree = decode(OLT, data)
    assert tree == {entry: PRESENT, (*entry, "{urn:vendor}x", "y"): "1"}
    assert decode(OLT, encode_edit(OLT, creations(tree))) == tree


def test_an_unknown_list_is_one_opaque_node_that_is_never_written() -> None:
    strange = "<v:strange><v:a>{}</v:a></v:strange><v:strange><v:a>2</v:a></v:strange>"
    interfaces = (
        '<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces" xmlns:v="urn:v">'
        "<interface><name>v</name>{}<enabled>true</enabled></interface></interfaces>"
    )
    entry = (INTERFACES, "interface[name='v']")
    tree = decode(OLT, config(interfaces.format(strange.format(1))))
    assert tree.keys() == {entry, (*entry, "enabled"), (*entry, "{urn:v}strange")}
    other = decode(OLT, config(interfaces.format(strange.format(3))))
    opaque = tree[*entry, "{urn:v}strange"]
    assert opaque.startswith(OPAQUE_PREFIX)
    assert opaque != other[*entry, "{urn:v}strange"]
    with pytest.raises(ProfileError, match="nobody can read"):
        encode_edit(OLT, [Edit((*entry, "{urn:v}strange"), None, opaque)])


def test_a_secret_is_read_as_digest_only(
    reparsed: Callable[[etree._Element], etree._Element],
) -> None:
    path = (
        "nokia-conf:configure", "service", "vprn[service-name='V']", "bgp",
        "neighbor[ip-address='192.0.2.1']", "authentication-key",
    )  # fmt: skip
    sent = encode_edit(BNG, [Edit(path, None, "hunter2 in the device's own hash")])
    read = decode(BNG, reparsed(sent))[path]
    assert read.startswith("digest:")
    assert "hunter2" not in read


def test_removal_collapses_to_the_topmost_entry(site_tree: TreeOf) -> None:
    tree = site_tree("bbf-olt", "ENT-1102-MELB")
    sent = encode_edit(OLT, difference(tree, {}))
    removed = [element for element in sent.iter() if element.get(f"{NETCONF}operation")]
    assert len(removed) == 10
    for element in removed:
        assert element.get(f"{NETCONF}operation") == "remove"
        assert [etree.QName(child).localname for child in element] == ["name"]


def test_a_removed_leaf_carries_its_present_value() -> None:
    path = ("openconfig-interfaces:interfaces", "interface[name='G1']", "config", "mtu")
    sent = encode_edit(SWITCH, [Edit(path, "2000", None)])
    (leaf,) = sent.iter("{*}mtu")
    assert (leaf.text, leaf.get(f"{NETCONF}operation")) == ("2000", "remove")


def test_a_removed_secret_carries_nothing() -> None:
    path = (
        "nokia-conf:configure", "service", "vprn[service-name='V']", "bgp",
        "neighbor[ip-address='192.0.2.1']", "authentication-key",
    )  # fmt: skip
    (leaf,) = encode_edit(BNG, [Edit(path, "digest:abc", None)]).iter("{*}authentication-key")
    assert leaf.text is None


def test_a_trunk_member_is_one_element_and_its_removal_one_other() -> None:
    config_path = (
        "openconfig-interfaces:interfaces", "interface[name='T1']",
        "openconfig-if-ethernet:ethernet", "openconfig-vlan:switched-vlan", "config",
    )  # fmt: skip
    sent = encode_edit(
        SWITCH,
        [
            Edit((*config_path, "trunk-vlans[.='2109']"), None, PRESENT),
            Edit((*config_path, "trunk-vlans[.='2001']"), PRESENT, None),
        ],
    )
    found = {e.text: e.get(f"{NETCONF}operation") for e in sent.iter("{*}trunk-vlans")}
    assert found == {"2109": None, "2001": "remove"}


@pytest.mark.parametrize("gone", [(INTERFACES,), (INTERFACES, "interface[name='v']")])
def test_setting_below_what_is_removed_is_a_contradiction(gone: Path) -> None:
    leaf = (INTERFACES, "interface[name='v']", "enabled")
    with pytest.raises(ProfileError, match=r"/enabled: set below .*, which is removed$"):
        encode_edit(OLT, [Edit(gone, PRESENT, None), Edit(leaf, None, "true")])


@pytest.mark.parametrize(
    "path",
    [
        (INTERFACES,),
        (INTERFACES, "interface[label='v']"),
        (INTERFACES, "interface[name='v']", "mtu"),
    ],
)
def test_only_what_may_be_empty_is_set_without_a_value(path: Path) -> None:
    with pytest.raises(ProfileError, match="without a value"):
        encode_edit(OLT, [Edit(path, None, PRESENT)])


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ((INTERFACES, "interface[name='v']", "description"), "a\x00b", "interface/description"),
        ((INTERFACES, "interface[name='a\x00b']"), PRESENT, "interface/name"),
    ],
)
def test_a_value_xml_cannot_hold_is_refused(path: Path, value: str, where: str) -> None:
    with pytest.raises(ProfileError, match=rf"^/{INTERFACES}/{where}: .*XML cannot$"):
        encode_edit(OLT, [Edit(path, None, value)])


@pytest.mark.parametrize("name", ["a b", "{urn:vendor}a}b", "ietf-interfaces:a:b"])
def test_what_is_no_name_of_an_element_is_refused_by_its_path(name: str) -> None:
    local = name.partition("}")[2] or name.removeprefix("ietf-interfaces:")
    with pytest.raises(ProfileError, match=rf"^/{INTERFACES}/.*: '{local}' is no name$"):
        encode_edit(OLT, [Edit((INTERFACES, name), None, "1")])


def test_a_key_that_is_no_name_is_refused_by_its_path() -> None:
    with pytest.raises(ProfileError, match=rf"^/{INTERFACES}/.*: 'a b' is no name$"):
        encode_filter(OLT, [(INTERFACES, "interface[a b='v']")])


def test_an_entry_has_no_value_of_its_own() -> None:
    entry = (INTERFACES, "interface[name='v']")
    with pytest.raises(ProfileError, match=rf"^/{INTERFACES}/interface.*: a list entry has no"):
        encode_edit(OLT, [Edit(entry, None, "1")])


def test_a_platform_of_another_model_speaks_no_yang() -> None:
    with pytest.raises(ProfileError, match=r"^profile ios-switch has no YANG model$"):
        encode_filter(load_profile("ios-switch"), [])


def test_an_unknown_module_is_refused() -> None:
    with pytest.raises(ProfileError, match="no namespace for elsewhere"):
        encode_edit(OLT, [Edit(("elsewhere:x",), None, "1")])


def test_a_filter_selects_whole_entries_and_single_leaves() -> None:
    entry = (INTERFACES, "interface[name='a']")
    (selected,) = encode_filter(
        OLT, [entry, (*entry, "type"), (INTERFACES, "interface[name='b']", "enabled")]
    )
    shapes = [[etree.QName(leaf).localname for leaf in child] for child in selected]
    assert sorted(shapes) == [["name"], ["name", "enabled"]]


def test_a_filter_for_a_member_asks_for_the_leaf_list() -> None:
    path = (
        "openconfig-interfaces:interfaces", "interface[name='T1']",
        "openconfig-if-ethernet:ethernet", "openconfig-vlan:switched-vlan", "config",
        "trunk-vlans[.='2109']",
    )  # fmt: skip
    (selected,) = encode_filter(SWITCH, [path])
    (member,) = selected.iter("{*}trunk-vlans")
    assert member.text is None


def test_undoing_an_edit_brings_the_tree_back(site_tree: TreeOf) -> None:
    tree = site_tree("openconfig-switch", "ENT-1102-SYD1")
    before = {
        ("openconfig-interfaces:interfaces", "interface[name='GigabitEthernet0/12']"): PRESENT
    }
    edits = difference(before, {**before, **tree})
    assert patched(patched(before, edits), [edit.inverted() for edit in edits]) == before
