"""Bundles: all or nothing, the same again, references, shared ports, quantities."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from inventory.holding import adjust, mark, release
from inventory.model import (
    BundleRequest,
    ReservationConflictError,
    ResourceExhausted,
    ResourceRequest,
    UnknownEntryError,
)
from inventory.queries import site_allocations
from inventory.reservation import reserve, reserve_many
from inventory.tables import reservation, resource

Content = dict[str, object]
Load = Callable[[Content], object]


def bundle(site: str, *requests: ResourceRequest) -> BundleRequest:
    return BundleRequest(site=site, order_id=f"order-{site}", requests=requests)


def want(name: str, kind: str, amount: int | None = None, **match: str) -> ResourceRequest:
    return ResourceRequest(name=name, kind=kind, match=match, amount=amount)


def pon(ports: int, budget: str = "1.1G", onu_ids: str = "0-3") -> list[dict[str, object]]:
    return [
        {
            "name": "PON ports",
            "kind": "pon-port",
            "attributes": {"area": "A"},
            "items": [
                {
                    "for_each": {"port": f"1-{ports}"},
                    "value": "port {port}",
                    "attributes": {"device": "OLT", "port": "1/{port}", "l2_domain": "BNG 1"},
                }
            ],
        },
        {
            "name": "ONU ids {port}",
            "kind": "onu-id",
            "for_each": {"port": f"1-{ports}"},
            "attributes": {"device": "OLT", "port": "1/{port}"},
            "values": onu_ids,
        },
        {
            "name": "upstream {port}",
            "kind": "access-bandwidth",
            "mode": "quantity",
            "for_each": {"port": f"1-{ports}"},
            "attributes": {"device": "OLT", "port": "1/{port}"},
            "capacity": budget,
        },
    ]


GPON = (
    want("bearer", "pon-port", area="A"),
    want("onu_id", "onu-id", device="@bearer.device", port="@bearer.port"),
    want("access_bandwidth", "access-bandwidth", 500_000_000, device="OLT", port="@bearer.port"),
)
VLANS: dict[str, object] = {
    "name": "VLANs",
    "kind": "vlan",
    "attributes": {"l2_domain": "BNG 1"},
    "values": "100-102",
}


def rows(connection: sa.Connection) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(reservation)).scalar_one()


def test_an_exhausted_pool_is_named_with_wanted_and_free_and_nothing_is_written(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    stock = {"name": "Stock", "kind": "cpe", "items": [{"value": "one"}]}
    load({**two_hundred_sites, "pools": [VLANS, stock]})
    first = bundle("S000", want("ce", "cpe"), want("vlan", "vlan"))
    reserve(connection, first)
    with pytest.raises(ResourceExhausted) as caught:
        reserve(connection, bundle("S001", want("vlan", "vlan"), want("ce", "cpe")))
    (shortage,) = caught.value.shortages
    assert shortage.model_dump() == {"name": "ce", "pool": "Stock", "wanted": 1, "free": 0}
    assert "Stock" in str(caught.value)
    assert site_allocations(connection, "S001") == {}
    free = sa.select(sa.func.count()).where(resource.c.state == "available")
    assert connection.execute(free).scalar_one() == 2


def test_two_values_of_one_pool_report_both_as_wanted_when_one_is_left(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": [{**VLANS, "values": 100}]})
    with pytest.raises(ResourceExhausted) as caught:
        reserve(connection, bundle("S000", want("inner", "vlan"), want("outer", "vlan")))
    (shortage,) = caught.value.shortages
    assert (shortage.name, shortage.wanted, shortage.free) == ("outer", 2, 1)


def test_a_pool_that_does_not_exist_is_described_by_what_was_asked(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": pon(1)})
    with pytest.raises(ResourceExhausted, match="none of kind pon-port for area Z"):
        reserve(connection, bundle("S000", want("bearer", "pon-port", area="Z"), *GPON[1:]))


def test_reserving_again_returns_what_is_held_and_writes_nothing(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": [*pon(2), VLANS]})
    first = reserve(connection, bundle("S000", *GPON))
    assert reserve(connection, bundle("S000", *GPON)) == first
    assert rows(connection) == 3


def test_a_reference_may_lead_to_what_the_site_holds_already(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": [*pon(2), VLANS]})
    reserve(connection, bundle("S000", GPON[0]))
    (vlan,) = reserve(
        connection, bundle("S000", want("vlan", "vlan", l2_domain="@bearer.l2_domain"))
    )
    assert vlan.attributes == {"value": 100}
    with pytest.raises(ValueError, match="neither in the bundle nor held"):
        reserve(connection, bundle("S000", want("more", "vlan", l2_domain="@nothing.here")))


def test_circular_references_are_refused(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load(two_hundred_sites)
    circle = (want("a", "vlan", x="@b.x"), want("b", "vlan", x="@a.x"))
    with pytest.raises(ValueError, match="circle"):
        reserve(connection, bundle("S000", *circle))


def test_sites_share_a_port_until_its_bandwidth_is_used_and_then_take_the_next(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": pon(2)})
    for number in range(4):
        reserve(connection, bundle(f"S{number:03}", *GPON))
    ports = [site_allocations(connection, f"S{n:03}")["bearer"]["value"] for n in range(4)]
    assert ports == ["port 1", "port 1", "port 2", "port 2"]
    with pytest.raises(ResourceExhausted) as caught:
        reserve(connection, bundle("S004", *GPON))
    (shortage,) = caught.value.shortages
    assert (shortage.name, shortage.wanted) == ("access_bandwidth", 500_000_000)
    assert shortage.free == 100_000_000
    assert shortage.pool.startswith("upstream ")


def test_a_port_without_onu_ids_is_passed_over(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": pon(2, budget="10G", onu_ids="0")})
    first, second = reserve_many(connection, [bundle("S000", *GPON), bundle("S001", *GPON)])
    assert not isinstance(first, ResourceExhausted)
    assert not isinstance(second, ResourceExhausted)
    assert [first[0].attributes["value"], second[0].attributes["value"]] == ["port 1", "port 2"]


def test_the_shortage_is_that_of_the_port_that_came_closest(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    pools = pon(2, budget="1G", onu_ids="0-1")
    pools[1]["used"] = [{"value": "0-1", "by": "others"}]
    spare = {**pools[1], "name": "more ids", "for_each": {}, "values": "2-3", "used": []}
    spare["attributes"] = {"device": "OLT", "port": "1/2"}
    load({**two_hundred_sites, "pools": [*pools, spare]})
    reserve(connection, bundle("S000", *GPON))
    reserve(connection, bundle("S001", *GPON))
    with pytest.raises(ResourceExhausted) as caught:
        reserve(connection, bundle("S002", *GPON))
    assert {shortage.name for shortage in caught.value.shortages} == {"onu_id"}


def test_in_a_batch_each_bundle_stands_by_itself(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    stock = {"name": "Stock", "kind": "cpe", "items": [{"value": "one"}, {"value": "two"}]}
    load({**two_hundred_sites, "pools": [VLANS, stock]})
    both = (want("vlan", "vlan"), want("ce", "cpe"))
    results = reserve_many(connection, [bundle(f"S00{n}", *both) for n in range(4)])
    assert [isinstance(result, ResourceExhausted) for result in results] == [
        False, False, True, True,
    ]  # fmt: skip
    assert rows(connection) == 4
    (left,) = reserve(connection, bundle("S009", want("vlan", "vlan")))
    assert left.attributes["value"] == 102


def test_an_earmark_is_kept_for_its_site_and_served_first(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": [{**VLANS, "earmarks": [{"value": 101, "site": "S005"}]}]})
    got = [
        reserve(connection, bundle(site, want("vlan", "vlan")))[0].attributes["value"]
        for site in ("S000", "S001")
    ]
    assert got == [100, 102]
    with pytest.raises(ResourceExhausted):
        reserve(connection, bundle("S002", want("vlan", "vlan")))
    (mine,) = reserve(connection, bundle("S005", want("vlan", "vlan")))
    assert mine.attributes["value"] == 101


def test_a_speed_change_needs_only_the_difference(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": pon(1, budget="1G")})
    reserve(connection, bundle("S000", *GPON))
    adjust(connection, "S000", "access_bandwidth", 900_000_000)
    with pytest.raises(ResourceExhausted) as caught:
        adjust(connection, "S000", "access_bandwidth", 1_100_000_000)
    (shortage,) = caught.value.shortages
    assert (shortage.wanted, shortage.free) == (200_000_000, 100_000_000)
    adjust(connection, "S000", "access_bandwidth", 400_000_000)
    reserve(connection, bundle("S001", *GPON))
    assert site_allocations(connection, "S000")["access_bandwidth"] == {"value": 400_000_000}
    with pytest.raises(UnknownEntryError):
        adjust(connection, "S000", "bearer", 1)


def test_a_name_held_by_another_kind_is_a_conflict(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": [*pon(1), VLANS]})
    reserve(connection, bundle("S000", GPON[0]))
    with pytest.raises(ReservationConflictError, match="pon-port"):
        reserve(connection, bundle("S000", want("bearer", "vlan")))


def test_an_unknown_site_is_refused(connection: sa.Connection, load: Load) -> None:
    load({"pools": [VLANS]})
    with pytest.raises(UnknownEntryError, match="NOWHERE"):
        reserve(connection, bundle("NOWHERE", want("vlan", "vlan")))


def test_marking_changes_only_what_the_site_holds(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": [*pon(1), VLANS]})
    reserve(connection, bundle("S000", *GPON))
    mark(connection, "S000", ["bearer", "onu_id"], "in-use")
    mark(connection, "S000", ["bearer", "onu_id"], "in-use")
    states = dict(connection.execute(sa.select(reservation.c.name, reservation.c.state)).all())
    assert states == {"bearer": "in-use", "onu_id": "in-use", "access_bandwidth": "reserved"}
    with pytest.raises(UnknownEntryError, match="vlan"):
        mark(connection, "S000", ["bearer", "vlan"], "standby")
    with pytest.raises(ValueError, match="sold"):
        mark(connection, "S000", ["bearer"], "sold")


def test_a_name_made_by_a_pattern_comes_back_to_its_site_only(
    connection: sa.Connection, load: Load, two_hundred_sites: Content
) -> None:
    names = {"name": "Names", "kind": "probe", "mode": "pattern", "pattern": "Probe-{site}"}
    load({**two_hundred_sites, "pools": [names]})
    (first,) = reserve(connection, bundle("S000", want("probe", "probe")))
    release(connection, "S000", now=datetime.now(UTC))
    (again,) = reserve(connection, bundle("S000", want("probe", "probe")))
    (other,) = reserve(connection, bundle("S001", want("probe", "probe")))
    assert first == again
    assert other.attributes == {"value": "Probe-S001"}


def test_a_transaction_that_would_not_see_what_others_took_is_refused(
    engine: sa.Engine, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": [VLANS]})
    with (
        engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection,
        pytest.raises(ValueError, match="READ COMMITTED"),
    ):
        reserve(connection, bundle("S000", want("vlan", "vlan")))
