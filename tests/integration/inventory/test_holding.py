"""Release, quarantine and sweep."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from inventory.holding import limit_quarantine, release, sweep_quarantine
from inventory.listing import list_resources
from inventory.model import Allocation, BundleRequest, ResourceExhausted, ResourceRequest
from inventory.queries import pool_status, site_allocations
from inventory.records import ResourceFilter
from inventory.reservation import reserve
from tests.stocks import GROUND_POOL

Content = dict[str, object]
Load = Callable[[Content], object]
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

POOLS: list[Content] = [
    {"name": "V", "kind": "vlan", "attributes": {"l2_domain": "D"}, "values": 100},
    {"name": "P", "kind": "ipv4-prefix", "prefix": "10.0.0.0/29"},
    {"name": "B", "kind": "sap-bandwidth", "mode": "quantity", "capacity": "1G"},
    {"name": "C", "kind": "cpe", "quarantine": "2d", "items": [{"value": "one"}]},
    {"name": "T", "kind": "thing", "values": "a"},
    {"name": "S", "kind": "pon-port", "items": [{"value": "port"}]},
]
KINDS = {
    "vlan": None, "ipv4-prefix": None, "sap-bandwidth": 10**9, "cpe": None, "thing": None,
    "pon-port": None,
}  # fmt: skip


@pytest.fixture
def stocked(load: Load, two_hundred_sites: Content) -> None:
    load({**two_hundred_sites, "pools": POOLS})


def take(
    connection: sa.Connection, site: str, *kinds: str, order: str = "o"
) -> tuple[Allocation, ...]:
    requests = tuple(
        ResourceRequest(name=kind, kind=kind, amount=KINDS[kind]) for kind in kinds or KINDS
    )
    return reserve(connection, BundleRequest(site=site, order_id=order, requests=requests))


def free(connection: sa.Connection) -> dict[str, int | None]:
    return {
        status.name: status.free for status in pool_status(connection) if status.name != GROUND_POOL
    }


def test_released_values_rest_as_long_as_their_pool_says(
    connection: sa.Connection, stocked: None
) -> None:
    take(connection, "S000")
    assert free(connection) == {"V": 0, "P": 0, "B": 0, "C": 0, "T": 0, "S": 1}
    assert set(release(connection, "S000", now=NOW)) == set(KINDS)
    assert site_allocations(connection, "S000") == {}
    assert free(connection) == {"V": 0, "P": 0, "B": 10**9, "C": 0, "T": 1, "S": 1}
    with pytest.raises(ResourceExhausted):
        take(connection, "S001", "vlan")
    for passed, freed in (
        (timedelta(hours=23), 0),
        (timedelta(hours=24), 1),
        (timedelta(days=2), 1),
        (timedelta(days=29), 0),
        (timedelta(days=30), 1),
    ):
        assert sweep_quarantine(connection, NOW + passed) == freed
    (again,) = take(connection, "S001", "vlan")
    assert again.attributes == {"value": 100}


def test_release_may_be_narrowed_to_names_or_to_an_order(
    connection: sa.Connection, stocked: None
) -> None:
    take(connection, "S000", "vlan", "cpe", order="first")
    take(connection, "S000", "thing", "ipv4-prefix", order="second")
    assert release(connection, "S000", now=NOW, names=["cpe", "nothing"]) == ("cpe",)
    assert release(connection, "S000", now=NOW, order_id="second") == ("ipv4-prefix", "thing")
    assert release(connection, "S000", now=NOW, names=[]) == ()
    assert set(site_allocations(connection, "S000")) == {"vlan"}
    assert release(connection, "S000", now=NOW, order_id="second") == ()


def test_what_could_not_be_proven_clean_rests_until_it_is(
    connection: sa.Connection, stocked: None
) -> None:
    (held,) = take(connection, "S000", "vlan")
    release(connection, "S000", now=NOW, indefinitely=True)
    assert sweep_quarantine(connection, NOW + timedelta(days=9999)) == 0
    limit_quarantine(connection, [held.resource_id], NOW)
    assert sweep_quarantine(connection, NOW + timedelta(days=9999)) == 1
    take(connection, "S001", "vlan")


def test_what_is_clean_at_last_rests_as_long_as_its_pool_says(
    connection: sa.Connection, stocked: None
) -> None:
    (endless,) = take(connection, "S000", "vlan")
    release(connection, "S000", now=NOW, indefinitely=True)
    (other,) = take(connection, "S000", "cpe")
    ids = [endless.resource_id, other.resource_id]
    assert limit_quarantine(connection, ids, NOW) == (endless.resource_id,)
    assert limit_quarantine(connection, ids, NOW) == ()
    assert sweep_quarantine(connection, NOW + timedelta(hours=23)) == 0
    assert sweep_quarantine(connection, NOW + timedelta(days=2)) == 1


def test_a_shared_port_stays_with_the_other_site(connection: sa.Connection, stocked: None) -> None:
    take(connection, "S000", "pon-port")
    take(connection, "S001", "pon-port")
    release(connection, "S000", now=NOW)
    (row,) = list_resources(connection, ResourceFilter(kind="pon-port")).rows
    assert row.state == "reserved"
    assert [holder.site for holder in row.holders] == ["S001"]
