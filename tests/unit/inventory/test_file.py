"""Inventory files without a database: what they stand for, and how mistakes are told."""

import tracemalloc
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from inventory.counting import size_of
from inventory.expansion import WantedPool, expand
from inventory.file_model import PoolEntry
from inventory.kinds import prefix_attributes
from inventory.load import read_content, read_file
from inventory.overlap import Claim, overlaps
from inventory.problems import ExpansionError, InventoryFileError

VLANS = {"name": "V", "kind": "vlan", "attributes": {"l2_domain": "D"}, "values": "2100-2109"}
SITE = {"key": "S", "name": "Site", "customer": "C", "timezone": "Australia/Sydney"}


def pools(**fields: object) -> list[WantedPool]:
    return list(expand(PoolEntry.model_validate(fields)))


def values(pool: WantedPool) -> list[str]:
    return [row.value for row in pool.resources]


def test_a_range_has_both_its_ends_and_values_stay_numbers() -> None:
    (pool,) = pools(**VLANS)
    assert values(pool) == [str(number) for number in range(2100, 2110)]
    assert pool.resources[0].attributes == {"value": 2100}
    assert pool.quarantine_seconds == 24 * 3600


def test_marks_and_earmarks_fall_on_the_rows_they_name() -> None:
    (pool,) = pools(
        **VLANS,
        used=[{"value": "2100-2107", "by": "legacy"}],
        retired=[{"value": 2108, "by": "planning"}],
        earmarks=[{"value": 2109, "site": "S"}],
    )
    states = [row.state for row in pool.resources]
    assert states == ["used-elsewhere"] * 8 + ["retired", "available"]
    assert pool.resources[0].used_by == "legacy"
    assert pool.resources[9].earmark == "S"


def test_a_prefix_is_split_into_all_its_parts() -> None:
    (pool,) = pools(name="P", kind="ipv4-prefix", prefix="10.88.12.0/22", split=29)
    assert len(pool.resources) == 128
    assert pool.resources[1].attributes == {
        "value": "10.88.12.8/29", "prefix": "10.88.12.8/29", "network": "10.88.12.8",
        "length": 29, "netmask": "255.255.255.248", "gateway": "10.88.12.9", "ce": "10.88.12.10",
    }  # fmt: skip


def test_a_used_prefix_covers_the_rows_inside_it() -> None:
    (pool,) = pools(
        name="P", kind="ipv4-prefix", prefix="10.0.0.0/24", split=29,
        used=[{"value": "10.0.0.0/27", "by": "legacy"}],
    )  # fmt: skip
    assert sum(row.state == "used-elsewhere" for row in pool.resources) == 4


def test_a_pool_may_be_repeated_for_every_port() -> None:
    found = pools(
        name="OLT 1/{port}", kind="onu-id", for_each={"port": "1-3"}, values="0-1",
        attributes={"device": "OLT", "port": "1/{port}"},
    )  # fmt: skip
    assert [pool.name for pool in found] == ["OLT 1/1", "OLT 1/2", "OLT 1/3"]
    assert found[2].attributes == {"device": "OLT", "port": "1/3"}
    assert len({row.scope for pool in found for row in pool.resources}) == 3


@given(
    st.integers(8, 28).flatmap(
        lambda length: st.tuples(st.just(length), st.integers(length, min(length + 8, 30)))
    )
)
def test_the_parts_of_a_prefix_are_disjoint_and_fill_it(lengths: tuple[int, int]) -> None:
    length, split = lengths
    (pool,) = pools(name="P", kind="ipv4-prefix", prefix=f"10.0.0.0/{length}", split=split)
    networks = [ip_network(value) for value in values(pool)]
    assert sum(network.num_addresses for network in networks) == 2 ** (32 - length)
    claims = [Claim("P", row.value, row.scope, row.prefix) for row in pool.resources]
    assert overlaps(claims) == []


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(24, 32)), min_size=2, max_size=8))
def test_overlap_is_found_exactly_when_two_networks_overlap(pairs: list[tuple[int, int]]) -> None:
    networks = [
        ip_network((0x0A000000 + (address & ~(2 ** (32 - length) - 1)), length))
        for address, length in pairs
    ]
    expected = any(
        one.overlaps(other) for index, one in enumerate(networks) for other in networks[index + 1 :]
    )
    claims = [
        Claim(f"P{index}", str(network), "prefix network", str(network))
        for index, network in enumerate(networks)
    ]
    assert bool(overlaps(claims)) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("ipv6-prefix", "2001:db8::/64", {"gateway": "2001:db8::1", "ce": "2001:db8::2"}),
        ("loopback", "10.9.9.9/32", {"network": "10.9.9.9", "ce": "10.9.9.9"}),
        ("lan-prefix", "172.20.1.0/24", {"gateway": "172.20.1.1", "netmask": "255.255.255.0"}),
        ("ipv6-delegated", "2001:db8::/48", {"network": "2001:db8::", "length": 48}),
    ],
)
def test_each_kind_of_prefix_gives_templates_what_they_read(
    kind: str, text: str, expected: dict[str, object]
) -> None:
    assert expected.items() <= prefix_attributes(kind, ip_network(text)).items()


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"values": "2100-5000"}, "4095 is no vlan"),
        ({"values": "2110-2100"}, "empty or too long"),
        ({"values": [2100, "2100-2101"]}, "2100 is there twice"),
        ({"used": [{"value": 2500, "by": "x"}]}, "2500 is not in the pool"),
        ({"earmarks": [{"value": 1, "site": "S"}]}, "1 is not in the pool"),
        ({"used": [{"amount": 5, "by": "x"}]}, "more than the capacity"),
    ],
)
def test_values_that_make_no_sense_are_refused(fields: dict[str, object], text: str) -> None:
    with pytest.raises(ExpansionError, match=text):
        pools(**{**VLANS, **fields})


def test_a_prefix_too_small_for_gateway_and_router_is_refused() -> None:
    with pytest.raises(ExpansionError, match="/32 has no room"):
        pools(name="P", kind="ipv4-prefix", prefix="10.0.0.0/24", split=32)
    with pytest.raises(ExpansionError, match="/128 has no room"):
        pools(name="P", kind="ipv6-prefix", prefix="2001:db8::/120", split=128)
    with pytest.raises(ExpansionError, match="ipv4-prefix takes IPv4"):
        pools(name="P", kind="ipv4-prefix", prefix="2001:db8::/120", split=127)


def test_both_addresses_of_a_link_of_two_are_used() -> None:
    """RFC 3021 section 2.1 and RFC 6164 section 6: neither a network's nor a broadcast address."""
    (four,) = pools(name="P", kind="ipv4-prefix", prefix="198.51.100.0/29", split=31)
    assert four.resources[1].attributes == {
        "value": "198.51.100.2/31", "prefix": "198.51.100.2/31", "network": "198.51.100.2",
        "length": 31, "netmask": "255.255.255.254", "gateway": "198.51.100.2",
        "ce": "198.51.100.3",
    }  # fmt: skip
    (six,) = pools(name="P", kind="ipv6-prefix", prefix="2001:db8::/126", split=127)
    ends = [(row.attributes["gateway"], row.attributes["ce"]) for row in six.resources]
    assert ends == [("2001:db8::", "2001:db8::1"), ("2001:db8::2", "2001:db8::3")]


@given(st.integers(0, 2**32 - 1), st.integers(8, 31))
def test_the_ends_of_a_link_are_two_hosts_of_its_prefix(address: int, length: int) -> None:
    network = ip_network((address >> (32 - length) << (32 - length), length))
    given_ = prefix_attributes("ipv4-prefix", network)
    hosts = [str(network[n]) for n in range(4 if length < 31 else 2)]
    expected = hosts[1:3] if length < 31 else hosts
    assert [given_["gateway"], given_["ce"]] == expected


def test_an_absurd_split_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(ExpansionError, match="makes more than"):
        pools(name="P", kind="ipv6-prefix", prefix="2001:db8::/32", split=64)


MANY: dict[str, object] = {"a": "1-60000", "b": "1-60000", "c": "1-60000"}
TOO_MUCH: list[tuple[dict[str, object], str, str]] = [
    ({"for_each": MANY, "values": "1-60000", "name": "{a}{b}{c}"}, "for_each", "65536"),
    ({"for_each": {"a": "1-60000"}, "values": "1-60000", "name": "{a}"}, "for_each", "200000"),
    ({"values": "0-9999999999"}, "values", "65536"),
    ({"items": [{"value": "{a}{b}", "for_each": MANY}]}, "items.0.for_each", "65536"),
    ({"items": [{"value": "{a}", "for_each": {"a": "1-60000"}}] * 2}, "items", "65536"),
    (
        {"values": "1-60000", "item_attributes": {"x": "{a}" * 3000}, "for_each": {"a": "y" * 200}},
        "for_each",
        "100000000",
    ),
    ({"kind": "ipv6-prefix", "prefix": "::/0", "split": 128}, "split", "65536"),
    ({"kind": "ipv6-prefix", "prefix": ["2001:db8::/48"] * 9, "split": 64}, "split", "65536"),
    ({"values": 1, "used": [{"value": "1-60000", "by": "x"}] * 2}, "used", "65536"),
    ({"values": [1] * 65_537}, "values", "65536"),
    ({"values": [[]] * 200_000}, "values", "65536"),
    ({"items": [{}] * 200_000}, "items", "65536"),
    ({"values": 1, "attributes": {"x": "y" * 20_000}}, "attributes", "10000"),
    ({"values": 1, "attributes": {str(n): [1] for n in range(400)}}, "attributes", "200"),
]


@pytest.mark.parametrize(("fields", "field", "bound"), TOO_MUCH)
def test_a_small_text_that_stands_for_too_much_is_refused_before_memory_is_taken(
    fields: dict[str, object], field: str, bound: str
) -> None:
    content = {"pools": [{"name": "P", "kind": "own", **fields}]}
    tracemalloc.start()
    with pytest.raises(InventoryFileError) as caught:
        read_content(content, "body")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    (problem,) = caught.value.problems
    assert problem.field == field
    assert bound in problem.text
    assert most < 3_000_000


def test_a_whole_file_stands_for_a_bounded_number_of_entries() -> None:
    content = {"pools": [{"name": f"P{n}", "kind": "own", "values": "1-50000"} for n in range(9)]}
    with pytest.raises(InventoryFileError, match="entries in this file, more than 200000"):
        read_content(content, "body")
    with pytest.raises(InventoryFileError, match="more than 1000000 values"):
        read_content({"sites": [{}] * 1_000_001}, "body")


@given(
    st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(0, 9), st.integers(0, 9))),
    st.integers(0, 20),
)
def test_what_is_counted_before_is_what_is_made(
    ranges: dict[str, tuple[int, int]], width: int
) -> None:
    for_each = {name: f"{low}-{low + more}" for name, (low, more) in ranges.items()}
    name = "P " + " ".join(f"{{{key}}}" for key in for_each)
    entry = PoolEntry.model_validate(
        {"name": name, "kind": "own", "for_each": for_each, "values": f"1-{1 + width}",
         "item_attributes": {"text": "{a} {b}"}}
    )  # fmt: skip
    made = list(expand(entry))
    size = size_of(entry)
    assert size.rows == len(made) + sum(len(pool.resources) for pool in made)
    written = sum(
        len(row.value) + len(row.scope) + sum(len(str(value)) for value in row.attributes.values())
        for pool in made
        for row in pool.resources
    )
    assert size.characters >= written


def test_every_mistake_of_a_file_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(
        "sites:\n"
        "  - {key: S, name: Site, customer: C, timezone: Mars/Olympus}\n"
        "  - key: T\n"
        "    name: Other\n"
        "    customer: C\n"
        "    timezone: Australia\n"
        "    colour: red\n"
        "pools:\n"
        "  - name: V\n"
        "    kind: vlan\n"
        "    attributes: {l2_domain: D}\n"
        "    values: [100, 5000]\n"
        "    quarantine: soon\n"
        "  - {name: W, kind: vlan, attributes: {l2_domain: D}, values: 4095}\n"
        "colours: []\n"
    )
    with pytest.raises(InventoryFileError) as caught:
        read_file(path)
    told = [(each.line, each.pointer) for each in caught.value.problems]
    assert sorted(told) == [
        (2, "/sites/0/timezone"),
        (6, "/sites/1/timezone"),
        (7, "/sites/1/colour"),
        (13, "/pools/0/quarantine"),
        (14, "/pools/1/values"),
        (15, "/colours"),
    ]


@pytest.mark.parametrize("character", ["\u2028", "\u202e", "\x1b", "\ufffe"])
def test_a_name_with_a_character_that_no_device_may_be_sent_is_refused(character: str) -> None:
    site = {**SITE, "name": f"a{character}b"}
    with pytest.raises(InventoryFileError, match=rf"U\+{ord(character):04X}"):
        read_content({"sites": [site]}, "body")


@pytest.mark.parametrize(
    ("kind", "item", "text"),
    [
        ("vlan", {"value": "5000"}, "5000 is no vlan"),
        ("onu-id", {"value": "seven"}, "seven is no onu-id"),
        ("ipv4-prefix", {"value": "10.0.0.1/29"}, "has host bits set"),
        ("lan-prefix", {"value": "2001:db8::/64"}, "takes IPv4"),
        ("own", {"value": "{long}", "attributes": {"long": "x" * 300}}, "has 300 characters"),
    ],
)
def test_the_value_of_an_item_is_judged_as_any_other(
    kind: str, item: dict[str, object], text: str
) -> None:
    with pytest.raises(ExpansionError, match=text):
        pools(name="P", kind=kind, scope="here", items=[item])


def test_a_single_prefix_gives_what_one_of_a_block_gives() -> None:
    (pool,) = pools(
        name="P", kind="ipv4-prefix",
        items=[{"value": "10.0.0.0/30", "attributes": {"circuit": "C1"}, "earmark": "S"}],
    )  # fmt: skip
    (row,) = pool.resources
    assert (row.prefix, row.earmark) == ("10.0.0.0/30", "S")
    assert row.attributes["ce"] == "10.0.0.2"
    assert row.attributes["circuit"] == "C1"


@pytest.mark.parametrize(
    ("content", "entry", "field"),
    [
        ({"pools": [{**VLANS, "kindd": "x"}]}, "pools[0] 'V'", "kindd"),
        ({"pools": [{"name": "V", "kind": "vlan", "values": 1}]}, "pools[0] 'V'", ""),
        ({"pools": [{**VLANS, "quarantine": "soon"}]}, "pools[0] 'V'", "quarantine"),
        ({"pools": [{**VLANS, "capacity": "many"}]}, "pools[0] 'V'", "capacity"),
        ({"pools": [{**VLANS, "split": 29, "prefix": "10.0.0.1/24"}]}, "pools[0] 'V'", ""),
        ({"pools": [VLANS, VLANS]}, "pools[1] 'V'", "name"),
        ({"sites": [{**SITE, "timezone": "Mars/Olympus"}]}, "sites[0] 'S'", "timezone"),
        ({"sites": [{**SITE, "name": "a\nshutdown"}]}, "sites[0] 'S'", "name"),
        ({"sites": [{**SITE, "attributes": {"a": {"b": "x\r"}}}]}, "sites[0] 'S'", "attributes"),
        ({"sites": [SITE, SITE]}, "sites[1] 'S'", "key"),
        ({"devices": [{"name": "D", "role": "bng"}]}, "devices[0] 'D'", "profile"),
        ({"wrong": 1}, "wrong", ""),
    ],
)
def test_a_mistake_is_told_with_file_entry_field_and_fix(
    tmp_path: Path, content: dict[str, object], entry: str, field: str
) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(InventoryFileError) as caught:
        read_file(path)
    (problem,) = caught.value.problems
    assert problem.entry == entry
    assert problem.field == field
    assert problem.fix
    assert str(caught.value).startswith(f"{path}: line {problem.line}: {entry}")


@pytest.mark.parametrize("text", ["", "- a", "a: [", "\x00", "just text"])
def test_what_is_no_inventory_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(InventoryFileError):
        read_file(path)


def test_a_missing_file_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(InventoryFileError, match="cannot be read"):
        read_file(tmp_path / "nowhere.yaml")
