"""Subtree filters (RFC 6241 section 6): what is asked for, and nothing beside."""

from lxml import etree

from device_profiles.profile import load_profile
from device_profiles.tree import Path
from device_profiles.yang import encode_filter, encode_selection

SWITCH = load_profile("openconfig-switch")
TRUNK: Path = (
    "openconfig-interfaces:interfaces", "interface[name='T1']",
    "openconfig-if-ethernet:ethernet", "openconfig-vlan:switched-vlan", "config",
)  # fmt: skip


def shape(element: etree._Element) -> object:
    name = etree.QName(element).localname
    children = [shape(child) for child in element]
    return (name, children) if children else (name, element.text)


def test_a_member_selects_its_leaf_list_where_it_stands() -> None:
    (selected,) = encode_filter(SWITCH, [(*TRUNK, "trunk-vlans[.='2109']")])
    inner: object = ("config", [("trunk-vlans", None)])
    inner = ("ethernet", [("switched-vlan", [inner])])
    assert shape(selected) == ("interfaces", [("interface", [("name", "T1"), inner])])


def test_two_members_ask_for_it_once() -> None:
    members = [(*TRUNK, f"trunk-vlans[.='{vlan}']") for vlan in (2109, 2110)]
    (selected,) = encode_filter(SWITCH, members)
    assert len(list(selected.iter("{*}trunk-vlans"))) == 1


def test_nothing_is_asked_for_by_an_empty_scope() -> None:
    assert encode_filter(SWITCH, []) == []


INTERFACE = "/openconfig-interfaces:interfaces/interface"


def test_leaves_of_every_entry_are_selected_with_its_keys() -> None:
    leaves = [f"{INTERFACE}/config/mtu", f"{INTERFACE}/config/description"]
    (selected,) = encode_selection(SWITCH, leaves)
    wanted = ("config", [("description", None), ("mtu", None)])
    assert shape(selected) == ("interfaces", [("interface", [("name", None), wanted])])


def test_a_list_is_selected_by_its_keys() -> None:
    (selected,) = encode_selection(SWITCH, [INTERFACE])
    assert shape(selected) == ("interfaces", [("interface", [("name", None)])])
    assert etree.QName(selected).namespace == "http://openconfig.net/yang/interfaces"


def test_a_list_at_the_top_of_its_module_is_selected_by_its_keys_too() -> None:
    assert SWITCH.yang is not None
    lists = {**SWITCH.yang.lists, "/openconfig-interfaces:port": ("name", "slot")}
    profile = SWITCH.model_copy(update={"yang": SWITCH.yang.model_copy(update={"lists": lists})})
    (selected,) = encode_selection(profile, ["/openconfig-interfaces:port/mtu"])
    assert shape(selected) == ("port", [("name", None), ("slot", None), ("mtu", None)])
