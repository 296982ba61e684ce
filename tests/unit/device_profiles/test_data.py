"""JSON, rows and MIB objects."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_profiles import data, radius, snmp
from device_profiles.environment import lan_address, subnet_id
from device_profiles.errors import ProfileError
from device_profiles.native import native
from device_profiles.profile import Profile, load_profile
from device_profiles.tree import OPAQUE_PREFIX, PRESENT, Edit, Path, Tree, difference, within
from device_profiles.values import digest

TreeOf = Callable[[str, str], dict[Path, str]]

KEA = load_profile("kea-dhcp4")
RADIUS = load_profile("freeradius-sql")
AGENT = load_profile("net-snmp-agent")
TEXT = st.text(min_size=1, max_size=8)
NEIGHBOUR = {
    "Dhcp4": {
        "valid-lifetime": 86400,
        "interfaces-config": {"interfaces": ["lo"]},
        "subnet4": [
            {
                "id": 2001,
                "subnet": "10.88.1.0/29",
                "user-context": {"rom-site": "ENT-0999-MELX"},
                "reservations": [{"hw-address": "02:00:00:00:00:01", "ip-address": "10.88.1.2"}],
            }
        ],
    }
}


def creations(tree: Tree) -> list[Edit]:
    return [Edit(path, None, value) for path, value in tree.items()]


def read_back(profile: Profile, tree: Mapping[Path, str]) -> dict[Path, str]:
    """What a server shows of a tree: of a secret only the digest."""
    return {p: digest(v) if profile.is_secret(p) and v else v for p, v in tree.items()}


def test_the_boot_url_is_shown_as_a_digest_only(site_tree: TreeOf) -> None:
    tree = site_tree("kea-dhcp4", "ENT-1102-MELB")
    shown = data.decode(KEA, data.encode(KEA, tree))
    hidden = {path for path in tree if path[-1] == "boot-file-name"}
    assert hidden
    assert all(shown[path].startswith("digest:") for path in hidden)


@pytest.mark.parametrize("name", ["kea-dhcp4", "kea-dhcp6", "logistics-rest"])
def test_what_a_site_wants_reads_back_the_same(name: str, site_tree: TreeOf) -> None:
    profile = load_profile(name)
    tree = site_tree(name, "ENT-1102-MELB")
    assert data.decode(profile, data.encode(profile, tree)) == read_back(profile, tree)


def test_a_subnet_goes_in_and_out_without_touching_the_neighbour(site_tree: TreeOf) -> None:
    tree = site_tree("kea-dhcp4", "ENT-1102-MELB")
    original = copy.deepcopy(NEIGHBOUR)
    added = data.patch(KEA, NEIGHBOUR, creations(tree))
    assert original == NEIGHBOUR
    assert added["Dhcp4"]["subnet4"][0] == NEIGHBOUR["Dhcp4"]["subnet4"][0]
    assert within(data.decode(KEA, added), [next(iter(tree))]) == read_back(KEA, tree)
    assert data.patch(KEA, added, difference(tree, {})) == NEIGHBOUR


def test_kea_gets_numbers_where_it_wants_numbers(site_tree: TreeOf) -> None:
    document = data.encode(KEA, site_tree("kea-dhcp4", "ENT-1102-MELB"))
    (subnet,) = document["Dhcp4"]["subnet4"]
    assert subnet["id"] == subnet_id("10.88.12.0/29")
    assert subnet["reservations"][0]["circuit-id"] == "'OLT-SOUTH-03 xpon 2/8/17:2108'"


def test_a_circuit_id_in_hexadecimal_is_the_same_circuit_id(site_tree: TreeOf) -> None:
    tree = site_tree("kea-dhcp4", "ENT-1102-MELB")
    document = data.encode(KEA, tree)
    reservation = document["Dhcp4"]["subnet4"][0]["reservations"][0]
    reservation["circuit-id"] = b"OLT-SOUTH-03 xpon 2/8/17:2108".hex().upper()
    assert data.decode(KEA, document) == read_back(KEA, tree)
    assert data.patch(KEA, document, difference(tree, {}))["Dhcp4"]["subnet4"] == []


def test_subnet_ids_of_different_prefixes_differ_in_both_families() -> None:
    four = [subnet_id(f"10.88.{n}.{m}/29") for n in range(8) for m in range(0, 256, 8)]
    six = [subnet_id(f"2001:db8:88{n:02x}:2108::/64") for n in range(64)]
    links4 = [subnet_id(f"198.51.100.{n}/31") for n in range(0, 256, 2)]
    links6 = [
        subnet_id(f"2001:db8:0:{n:x}::{low:x}/127") for n in range(256) for low in range(0, 64, 2)
    ]
    for ids in (four, six, links4, links6):
        assert len(set(ids)) == len(ids)
        assert all(0 < number < 2**31 for number in ids)


@pytest.mark.parametrize(
    "strange",
    [
        [{"a": 1}],
        [[1, 2], [3]],
        [{"a": [{"b": {"c": [None]}}]}, {}],
    ],
)
def test_what_no_profile_has_keys_for_is_one_opaque_node_that_is_never_written(
    strange: Any,
) -> None:
    path = ("Dhcp4", "strange")
    tree = data.decode(KEA, {"Dhcp4": {"strange": strange, "valid-lifetime": 9}})
    assert tree.keys() == {path, ("Dhcp4", "valid-lifetime")}
    assert tree[path].startswith(OPAQUE_PREFIX)
    assert data.decode(KEA, {"Dhcp4": {"strange": [*strange, {"z": 0}]}})[path] != tree[path]
    with pytest.raises(ProfileError, match="nobody can read"):
        data.patch(KEA, {}, [Edit(path, None, tree[path])])


def test_entries_without_a_key_or_with_one_twice_hide_no_other() -> None:
    subnets = [{"id": 1, "subnet": "10.0.0.0/30"}, {"subnet": "10.0.0.4/30"}, {"id": 1, "a": "b"}]
    tree = data.decode(KEA, {"Dhcp4": {"subnet4": subnets}})
    assert tree["Dhcp4", "subnet4[id='1']", "subnet"] == "10.0.0.0/30"
    assert tree["Dhcp4", "subnet4"].startswith(OPAQUE_PREFIX)
    assert len(tree) == 3


def test_what_the_server_fills_in_is_nobodys_and_what_somebody_has_set_is() -> None:
    server = {"valid-lifetime": 3600, "t1-percent": 0.5, "store-extended-info": False}
    shown = {
        "id": 7, "subnet": "10.0.0.0/30", "4o6-subnet": "", "t1-percent": 0.5, "relay":
        {"ip-addresses": []}, "valid-lifetime": 3600, "min-valid-lifetime": 3600, "pools": [],
        "option-data": [{"name": "routers", "code": 3, "space": "dhcp4", "data": "10.0.0.1",
                         "always-send": False, "csv-format": True}],
    }  # fmt: skip
    ours = {
        ("subnet4[id='7']",): PRESENT,
        ("subnet4[id='7']", "subnet"): "10.0.0.0/30",
        ("subnet4[id='7']", "option-data[name='routers']"): PRESENT,
        ("subnet4[id='7']", "option-data[name='routers']", "data"): "10.0.0.1",
    }
    scope = [("Dhcp4", "subnet4[id='7']")]

    def read(subnet: Any) -> dict[Any, str]:
        document = {"Dhcp4": server | {"subnet4": [subnet]}}
        return {path[1:]: value for path, value in data.decode(KEA, document, scope).items()}

    assert read(shown) == ours
    assert read(shown | {"valid-lifetime": 60})["subnet4[id='7']", "valid-lifetime"] == "60"
    assert read(shown | {"t1-percent": 0.4}) == ours | {("subnet4[id='7']", "t1-percent"): "0.4"}


def test_what_a_partner_adds_by_itself_is_not_configuration(site_tree: TreeOf) -> None:
    profile = load_profile("logistics-rest")
    tree = site_tree("logistics-rest", "ENT-1102-MELB")
    document = data.encode(profile, tree)
    document["shipments"][0] |= {"state": "delivered", "ordered": "2026-01-01", "contact": ""}
    assert data.decode(profile, document) == tree


@given(
    st.dictionaries(st.integers(1, 2**31), st.tuples(TEXT, st.sets(TEXT, max_size=3)), max_size=4)
)
def test_every_document_survives_the_way_through_a_tree(
    subnets: dict[int, tuple[str, set[str]]],
) -> None:
    document = {
        "Dhcp4": {
            "subnet4": [
                {"id": number, "subnet": name}
                | ({"relay": {"ip-addresses": sorted(members)}} if members else {})
                for number, (name, members) in sorted(subnets.items())
            ]
        }
    }
    tree = data.decode(KEA, document)
    assert data.decode(KEA, data.encode(KEA, tree)) == tree
    if subnets:
        assert data.encode(KEA, tree)["Dhcp4"]["subnet4"].sort(key=str) is None


def test_a_value_of_the_wrong_type_is_refused() -> None:
    path = ("Dhcp4", "subnet4[id='many']", "subnet")
    with pytest.raises(ProfileError, match="'many' is no integer"):
        data.patch(KEA, {}, [Edit(path, None, "10.0.0.0/8")])


def test_rows_come_and_go_whole(site_tree: TreeOf) -> None:
    tree = site_tree("freeradius-sql", "ENT-1102-MELB")
    inserts = radius.changes(RADIUS, creations(tree))
    assert {change.operation for change in inserts} == {"insert"}
    assert len(inserts) == 12
    rows = [(change.table, {**change.key, **change.values}) for change in inserts]
    assert radius.decode(RADIUS, rows) == tree
    deletes = radius.changes(RADIUS, difference(tree, {}))
    assert [(change.operation, change.values) for change in deletes] == [("delete", {})] * 12


def test_one_changed_cell_is_one_update() -> None:
    path = ("radreply[username='u'][attribute='Framed-IP-Address']", "value")
    (change,) = radius.changes(RADIUS, [Edit(path, "10.0.0.1", "10.0.0.2")])
    assert change.operation == "update"
    assert change.key == {"username": "u", "attribute": "Framed-IP-Address"}
    assert change.values == {"value": "10.0.0.2"}


def test_a_row_without_all_its_columns_is_refused() -> None:
    step = "radreply[username='u'][attribute='a']"
    with pytest.raises(ProfileError, match="all its columns"):
        radius.changes(RADIUS, [Edit((step,), None, PRESENT), Edit((step, "op"), None, ":=")])


def test_numbers_of_a_table_are_numbers(site_tree: TreeOf) -> None:
    tree = site_tree("freeradius-sql", "ENT-1102-MELB")
    (group,) = [c for c in radius.changes(RADIUS, creations(tree)) if c.table == "radusergroup"]
    assert group.values == {"priority": 1}


def test_only_the_rows_in_scope_are_asked_for() -> None:
    step = "radcheck[username='a b'][attribute='Auth-Type']"
    (found,) = radius.filters(RADIUS, [(step,), (step, "value")])
    assert (found.table, found.key) == ("radcheck", {"username": "a b", "attribute": "Auth-Type"})


def test_an_apostrophe_is_doubled_in_the_preview() -> None:
    step = "radcheck[username='O&apos;Hara'][attribute='Auth-Type']"
    assert "username='O''Hara'" in native(RADIUS, [Edit((step,), PRESENT, None)])


ENTRY = "radreply[username='u'][attribute='a']"


def reply(op: str, value: str) -> tuple[str, dict[str, str]]:
    return "radreply", {"username": "u", "attribute": "a", "op": op, "value": value}


@pytest.mark.parametrize(
    ("rows", "beside"),
    [
        ([reply(":=", "ours"), reply(":=", "theirs")], "[op=':='][value='theirs']"),
        ([reply("+=", "theirs"), reply(":=", "ours")], "[op='+='][value='theirs']"),
    ],
)
def test_another_row_of_the_same_key_lies_below_the_first(rows: Any, beside: str) -> None:
    assert radius.decode(RADIUS, rows) == {
        (ENTRY,): PRESENT,
        (ENTRY, "op"): ":=",
        (ENTRY, "value"): "ours",
        (ENTRY, f"row{beside}"): PRESENT,
    }


def test_what_is_left_of_a_key_whose_row_has_gone_is_not_that_row() -> None:
    left = radius.decode(RADIUS, [reply(":=", "theirs")], gone={ENTRY})
    assert left == {(ENTRY, "row[op=':='][value='theirs']"): PRESENT}


def test_a_row_is_removed_and_changed_by_all_that_is_known_of_it() -> None:
    removal = [
        Edit((ENTRY,), PRESENT, None), Edit((ENTRY, "op"), ":=", None),
        Edit((ENTRY, "value"), "ours", None),
    ]  # fmt: skip
    key = {"username": "u", "attribute": "a"}
    (gone,) = radius.changes(RADIUS, removal)
    assert (gone.operation, gone.key, gone.was) == ("delete", key, {"op": ":=", "value": "ours"})
    (changed,) = radius.changes(RADIUS, [Edit((ENTRY, "value"), "ours", "new")])
    assert (changed.operation, changed.values, changed.was) == (
        "update", {"value": "new"}, {"value": "ours"}
    )  # fmt: skip


@pytest.mark.parametrize(
    "edits",
    [
        [Edit((ENTRY, "row[op='+='][value='x']"), None, PRESENT)],
        [Edit((ENTRY,), None, PRESENT), Edit((ENTRY, "op"), None, "+="),
         Edit((ENTRY, "value"), None, "x")],
    ],
)  # fmt: skip
def test_a_row_beside_others_is_somebody_elses_and_never_written(edits: list[Edit]) -> None:
    with pytest.raises(ProfileError, match="somebody else's"):
        radius.changes(RADIUS, edits)


def test_mib_objects_survive_the_way_over_the_wire(site_tree: TreeOf) -> None:
    tree = site_tree("net-snmp-agent", "ENT-1102-MELB")
    scope = {path[:1] for path in tree}
    values = {
        binding.oid: 1 if binding.value == 4 and binding.syntax == "integer" else binding.value
        for request in snmp.varbinds(AGENT, creations(tree))
        for binding in request
    }
    assert snmp.decode(AGENT, scope, values) == tree


def test_a_row_is_created_and_destroyed_in_one_request(site_tree: TreeOf) -> None:
    tree = site_tree("net-snmp-agent", "ENT-1102-MELB")
    row = within(tree, [("snmpTargetAddrEntry[snmpTargetAddrName='rom-nms']",)])
    (created,) = snmp.varbinds(AGENT, creations(row))
    suffix = ".114.111.109.45.110.109.115"
    assert created[-1] == snmp.Varbind(f"1.3.6.1.6.3.12.1.2.1.9{suffix}", "integer", 4)
    assert created[1].value == bytes([192, 0, 2, 90, 0, 162])
    (destroyed,) = snmp.varbinds(AGENT, difference(row, {}))
    assert destroyed == (snmp.Varbind(f"1.3.6.1.6.3.12.1.2.1.9{suffix}", "integer", 6),)


def test_an_emptied_text_counts_as_absent() -> None:
    path = ("ifXEntry[ifIndex='1']", "ifAlias")
    ((binding,),) = snmp.varbinds(AGENT, [Edit(path, "circuit", None)])
    assert binding == snmp.Varbind("1.3.6.1.2.1.31.1.1.1.18.1", "octets", b"")
    assert snmp.decode(AGENT, [path], {binding.oid: b""}) == {}


def test_an_index_of_the_wrong_kind_is_refused() -> None:
    with pytest.raises(ProfileError, match="index must be ifIndex"):
        snmp.oids(AGENT, [("ifXEntry",)])


def test_a_router_takes_the_second_network_of_its_delegated_prefix() -> None:
    assert lan_address("2001:db8:a12::/48") == "2001:db8:a12:1::1/64"
    assert lan_address("2001:db8:a12:7::/64") == "2001:db8:a12:7::1/64"
