"""Loading against a database: all or nothing, and what is held stays."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.holding import release
from inventory.model import BundleRequest, ResourceRequest
from inventory.problems import InventoryFileError
from inventory.queries import (
    endpoint_data,
    has_inventory,
    is_device,
    network_parameters,
    pool_status,
    site_exists,
    site_record,
)
from inventory.records import PoolStatus
from inventory.reservation import reserve
from inventory.tables import metadata
from inventory.writing import LoadReport
from tests.stocks import GROUND, GROUND_POOL

Content = dict[str, Any]
Load = Callable[[Content], LoadReport]
SNMP = {"user": "nmsuser", "trap_target": "192.0.2.90"}


def vlans(name: str = "V", domain: str = "D", values: object = "100-109") -> Content:
    return {"name": name, "kind": "vlan", "attributes": {"l2_domain": domain}, "values": values}


def take(connection: sa.Connection, kind: str, amount: int | None = None) -> None:
    request = ResourceRequest(name=kind, kind=kind, amount=amount)
    reserve(connection, BundleRequest(site="S000", order_id="o", requests=(request,)))
    connection.commit()


def status(connection: sa.Connection) -> dict[str, PoolStatus]:
    found = {each.name: each for each in pool_status(connection) if each.name != GROUND_POOL}
    connection.rollback()
    return found


def is_empty(connection: sa.Connection) -> bool:
    """Tell whether there is nothing besides the ground that every test stands on."""
    ground = {"device": len(GROUND["devices"]), "network_parameters": 1, "pool": 1, "resource": 3}
    return {
        table.name: count
        for table in metadata.sorted_tables
        if (count := connection.scalar(sa.select(sa.func.count()).select_from(table)))
    } == ground


@pytest.mark.parametrize(
    "pools",
    [
        [vlans(), vlans("W", values="105-120")],
        [
            {"name": "A", "kind": "ipv4-prefix", "prefix": "10.0.0.0/24", "split": 29},
            {"name": "B", "kind": "lan-prefix", "prefix": "10.0.0.128/25"},
        ],
        [
            {"name": "A", "kind": "ipv6-prefix", "prefix": "2001:db8::/56", "split": 64},
            {"name": "B", "kind": "ipv6-delegated", "prefix": "2001:db8::/48"},
        ],
        [
            {"name": n, "kind": "cpe", "items": [{"value": n, "attributes": {"serial": "FDO1"}}]}
            for n in ("A", "B")
        ],
    ],
    ids=["vlans", "prefixes of two kinds", "one prefix inside another", "serial"],
)
def test_overlapping_pools_are_refused_and_nothing_is_written(
    connection: sa.Connection,
    load: Load,
    two_hundred_sites: Content,
    pools: list[Content],
) -> None:
    with pytest.raises(InventoryFileError, match="overlaps with pool") as caught:
        load({**two_hundred_sites, "pools": pools})
    (problem,) = caught.value.problems
    assert problem.entry == f"pool {sorted(pool['name'] for pool in pools)[0]!r}"
    assert is_empty(connection)


def test_a_second_file_may_not_overlap_with_the_first(
    connection: sa.Connection, load: Load
) -> None:
    load({"pools": [vlans()]})
    with pytest.raises(InventoryFileError, match=r"overlaps with pool 'W'.*105"):
        load({"pools": [vlans("W", values="105-120")]})
    assert set(status(connection)) == {"V"}


def test_the_same_range_in_another_domain_or_vrf_is_no_overlap(load: Load) -> None:
    lan = {"kind": "lan-prefix", "prefix": "172.20.1.0/24"}
    load(
        {
            "pools": [
                vlans(),
                vlans("W", domain="E"),
                {**lan, "name": "one", "scope": "VPN-1"},
                {**lan, "name": "two", "scope": "VPN-2"},
            ]
        }
    )


def test_the_database_itself_refuses_an_overlapping_prefix(
    connection: sa.Connection, load: Load
) -> None:
    load({"pools": [{"name": "A", "kind": "ipv4-prefix", "prefix": "10.0.0.0/24", "split": 29}]})
    with pytest.raises(sa.exc.IntegrityError, match="ex_resource_scope_prefix"):
        connection.execute(
            sa.text(
                "INSERT INTO resource (pool_id, scope, value, prefix, ordinal) "
                "SELECT pool_id, scope, '10.0.0.0/25', '10.0.0.0/25', 99 FROM resource "
                "WHERE prefix IS NOT NULL LIMIT 1"
            )
        )


def test_a_grown_pool_gives_its_new_values_and_a_shrunk_one_loses_free_ones(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": [vlans()]})
    assert load({"pools": [vlans(values="98-109")]}).created == 2
    assert load({"pools": [vlans(values="100-104")]}).removed == 7
    assert status(connection)["V"].free == 5


def test_a_value_may_move_to_another_pool_while_nobody_holds_it(
    connection: sa.Connection, load: Load
) -> None:
    load({"pools": [vlans(values="100-104"), vlans("A", values="105-109")]})
    load({"pools": [vlans(values="100-102"), vlans("A", values="103-109")]})
    assert (status(connection)["V"].free, status(connection)["A"].free) == (3, 7)


def test_growing_before_a_held_value_is_fine_but_removing_or_marking_it_is_refused(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": [vlans()]})
    take(connection, "vlan")
    load({"pools": [vlans(values="90-109")]})
    with pytest.raises(InventoryFileError, match="values 100: cannot be removed: a site holds it"):
        load({"pools": [vlans(values="101-109")]})
    marked = {**vlans(values="90-109"), "used": [{"value": 100, "by": "others"}]}
    with pytest.raises(InventoryFileError, match="cannot be changed"):
        load({"pools": [marked]})
    with pytest.raises(InventoryFileError, match="attributes: cannot change while sites hold"):
        load({"pools": [vlans(values="90-109", domain="E")]})
    release(connection, "S000", now=datetime.now(UTC))
    connection.commit()
    with pytest.raises(InventoryFileError, match="it is in quarantine"):
        load({"pools": [vlans(values="101-109")]})
    assert status(connection)["V"].capacity == 20


def test_a_shared_port_that_sites_hold_is_kept_too(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    ports: Content = {"name": "P", "kind": "pon-port", "items": [{"value": "one"}]}
    load({**two_hundred_sites, "pools": [ports]})
    take(connection, "pon-port")
    with pytest.raises(InventoryFileError, match="values one: cannot be removed"):
        load({"pools": [{**ports, "items": [{"value": "two"}]}]})
    with pytest.raises(InventoryFileError, match="values one: cannot be changed"):
        load({"pools": [{**ports, "item_attributes": {"port": "1/9"}}]})


def test_a_capacity_below_what_sites_hold_is_refused(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    budget = {"name": "B", "kind": "sap-bandwidth", "mode": "quantity", "capacity": "1G"}
    load({**two_hundred_sites, "pools": [budget]})
    take(connection, "sap-bandwidth", 600_000_000)
    with pytest.raises(InventoryFileError, match="capacity: is less than the 600000000"):
        load({"pools": [{**budget, "capacity": "500M"}]})
    load({"pools": [{**budget, "capacity": "700M"}]})
    assert status(connection)["B"].free == 100_000_000


def test_one_wrong_entry_keeps_the_right_ones_out(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    orphan = deepcopy(two_hundred_sites)
    orphan["sites"][3]["customer"] = "C9"
    with pytest.raises(InventoryFileError, match=r"sites\[3\] 'S003', customer: 'C9'"):
        load({**orphan, "pools": [vlans()]})
    assert is_empty(connection)
    bng = {"name": "BNG", "role": "bng", "profile": "sros-bng", "partners": {"probe": "NONE"}}
    with pytest.raises(InventoryFileError, match=r"devices\[0\] 'BNG', partners.probe: 'NONE'"):
        load({**two_hundred_sites, "devices": [bng]})
    assert is_empty(connection)


def test_an_endpoint_stays_when_the_file_does_not_speak_of_it(
    connection: sa.Connection, load: Load
) -> None:
    device: Content = {"name": "D", "role": "access", "profile": "bbf-olt"}
    endpoint = {"host": "127.0.0.1", "port": 830, "username": "netops", "secret_name": "device/D"}
    load({"devices": [{**device, "endpoint": endpoint}]})
    load({"devices": [{**device, "attributes": {"rack": 7}}]})
    found = endpoint_data(connection, "D")
    assert (found.host, found.port, found.secret_name) == ("127.0.0.1", 830, "device/D")


def test_a_changed_site_is_updated_in_place(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load(two_hundred_sites)
    renamed = deepcopy(two_hundred_sites)
    renamed["sites"][0]["name"] = "New name"
    report = load(renamed)
    assert (report.created, report.changed, report.removed) == (0, 1, 0)
    assert site_record(connection, "S000").name == "New name"


def test_the_database_tells_what_it_has(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    assert not has_inventory(connection)
    load({**two_hundred_sites, "pools": [vlans()]})
    assert has_inventory(connection)
    assert site_exists(connection, "S000")
    assert not site_exists(connection, "NOWHERE")
    assert not is_device(connection, "S000")


def test_what_a_file_does_not_say_of_the_network_stays(
    connection: sa.Connection, load: Load
) -> None:
    load({"network": {"ntp": "192.0.2.1", "syslog": "192.0.2.2", "snmp": SNMP, "own": {"a": 1}}})
    report = load({"network": {"ntp": "192.0.2.9", "own": {"b": 2}}})
    assert report == LoadReport(changed=1)
    found = network_parameters(connection)
    assert (found["ntp"], found["syslog"], found["snmp"]) == ("192.0.2.9", "192.0.2.2", SNMP)
    assert found["own"] == {"a": 1, "b": 2}
    load({"network": {"cpe_profiles": {"FRR": {"ce": "frr-ce"}}, "syslog": None}})
    connection.rollback()
    found = network_parameters(connection)
    assert set(found["cpe_profiles"]) == {"ISR", "FRR"}
    assert "syslog" not in found
