"""Inventory files without a database: what they stand for, and how mistakes are told."""

from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from inventory.expansion import ExpansionError, WantedPool, expand
from inventory.file_model import PoolEntry
from inventory.kinds import prefix_attributes
from inventory.load import read_file
from inventory.overlap import Claim, overlaps
from inventory.problems import InventoryFileError

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
    with pytest.raises(ExpansionError, match="no room for a gateway"):
        pools(name="P", kind="ipv4-prefix", prefix="10.0.0.0/24", split=31)


def test_an_absurd_split_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(ExpansionError, match="makes more than"):
        pools(name="P", kind="ipv6-prefix", prefix="2001:db8::/32", split=64)


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
    assert str(caught.value).startswith(f"{path}: {entry}")


@pytest.mark.parametrize("text", ["", "- a", "a: [", "\x00", "just text"])
def test_what_is_no_inventory_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(InventoryFileError):
        read_file(path)


def test_a_missing_file_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(InventoryFileError, match="cannot be read"):
        read_file(tmp_path / "nowhere.yaml")
