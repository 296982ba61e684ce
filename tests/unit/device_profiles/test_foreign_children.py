"""A child that another module has put into a list's entry is no key, whatever its name."""

from lxml import etree

from device_profiles.profile import load_profile
from device_profiles.tree import PRESENT, Path, Tree, difference
from device_profiles.yang import decode, encode_edit

OLT = load_profile("bbf-olt")
ENTRY: Path = ("ietf-interfaces:interfaces", "interface[name='v']")
INTERFACE = """
<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">
 <interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces">
  <interface>{children}</interface>
 </interfaces>
</config>
"""


def read(children: str) -> Tree:
    return decode(OLT, etree.fromstring(INTERFACE.format(children=children)))


def test_an_augmented_child_with_a_keys_name_is_data_of_the_entry() -> None:
    tree = read('<name>v</name><name xmlns="urn:vendor">port to Melbourne</name>')
    assert tree == {ENTRY: PRESENT, (*ENTRY, "{urn:vendor}name"): "port to Melbourne"}


def test_it_is_data_before_the_key_as_well_and_goes_back_as_it_came() -> None:
    tree = read('<name xmlns="urn:vendor">port to Melbourne</name><name>v</name>')
    assert tree[*ENTRY, "{urn:vendor}name"] == "port to Melbourne"
    sent = etree.tostring(encode_edit(OLT, difference({}, tree)))
    assert decode(OLT, etree.fromstring(sent)) == tree


def test_two_children_of_one_name_from_two_modules_are_no_list() -> None:
    tree = read(
        '<name>v</name><note xmlns="urn:vendor">a</note><note xmlns="urn:operator">b</note>'
    )
    assert {path[-1]: value for path, value in tree.items() if len(path) > len(ENTRY)} == {
        "{urn:vendor}note": "a",
        "{urn:operator}note": "b",
    }
