"""Reserving for several sites at once: what one cannot have, another may."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
import yaml

from inventory import queries
from inventory.load import load_file
from inventory.model import (
    Allocation,
    BundleRequest,
    ReservationConflictError,
    ResourceExhausted,
    ResourceRequest,
    UnknownEntryError,
)
from inventory.reservation import reserve, reserve_many
from inventory.tables import reservation, resource
from tests.stocks import GROUND, completed

Content = dict[str, object]
Load = Callable[..., None]
VLANS: Content = {
    "name": "VLANs", "kind": "vlan", "attributes": {"l2_domain": "BNG 1"}, "values": "100-102",
}  # fmt: skip
ROUTERS: Content = {"name": "Stock", "kind": "cpe", "items": [{"value": "one"}, {"value": "two"}]}
RATE: Content = {
    "name": "uplink", "kind": "sap-bandwidth", "mode": "quantity", "capacity": 1000,
}  # fmt: skip
PROBES: Content = {
    "name": "Probes", "kind": "probe", "mode": "pattern", "pattern": "Probe-{site}",
}  # fmt: skip
BOTH = (("vlan", "vlan"), ("ce", "cpe"))


@pytest.fixture
def load(engine: sa.Engine, tmp_path: Path) -> Load:
    def loaded(*pools: Content) -> None:
        file = tmp_path / "inventory.yaml"
        customer = {"id": "C1", "name": "One", "number": 1, "vpn": "V", "autonomous_system": 65001}
        sites = [
            {"key": f"S{n}", "name": f"Site {n}", "customer": "C1", "timezone": "UTC"}
            for n in range(6)
        ]
        content = {"customers": [customer], "sites": sites, "pools": list(pools)}
        for each in (GROUND, completed(content)):
            file.write_text(yaml.safe_dump(each))
            with engine.begin() as connection:
                load_file(connection, file)

    return loaded


@pytest.fixture
def connection(engine: sa.Engine) -> object:
    with engine.connect() as connection:
        yield connection


def bundle(site: str, *requests: tuple[str, str], amount: int | None = None) -> BundleRequest:
    return BundleRequest(
        site=site,
        order_id=f"RO-{site}",
        requests=tuple(
            ResourceRequest(name=name, kind=kind, amount=amount) for name, kind in requests
        ),
        items={name: f"ROI-{name}" for name, _ in requests},
    )


def values(result: tuple[Allocation, ...] | ResourceExhausted) -> list[object]:
    assert not isinstance(result, ResourceExhausted)
    return [allocation.attributes["value"] for allocation in result]


def test_a_short_bundle_uses_up_nothing_that_a_fitting_one_needs(
    connection: sa.Connection, load: Load
) -> None:
    load({**VLANS, "values": "100-101"}, {**ROUTERS, "items": [{"value": "one"}]}, RATE)
    short = bundle("S1", ("vlan", "vlan"), ("ce", "cpe"))
    results = reserve_many(
        connection, [bundle("S0", ("ce", "cpe")), short, bundle("S2", ("a", "vlan"), ("b", "vlan"))]
    )
    assert values(results[0]) == ["one"]
    assert isinstance(results[1], ResourceExhausted)
    assert [shortage.name for shortage in results[1].shortages] == ["ce"]
    assert values(results[2]) == [100, 101]
    assert queries.site_allocations(connection, "S1") == {}


def test_an_amount_that_did_not_fit_is_left_for_the_next(
    connection: sa.Connection, load: Load
) -> None:
    load(RATE)
    rate = ("rate", "sap-bandwidth")
    asked = [("S0", 600), ("S1", 600), ("S2", 400), ("S3", 1)]
    results = reserve_many(connection, [bundle(s, rate, amount=amount) for s, amount in asked])
    fits = [not isinstance(result, ResourceExhausted) for result in results]
    assert fits == [True, False, True, False]
    short = results[1]
    assert isinstance(short, ResourceExhausted)
    assert [(s.wanted, s.free) for s in short.shortages] == [(600, 400)]


def test_every_shortage_of_a_bundle_is_told(connection: sa.Connection, load: Load) -> None:
    load({**VLANS, "values": 100}, {**ROUTERS, "items": [{"value": "one"}]})
    reserve(connection, bundle("S0", *BOTH))
    with pytest.raises(ResourceExhausted) as caught:
        reserve(connection, bundle("S1", *BOTH))
    assert {shortage.name for shortage in caught.value.shortages} == {"vlan", "ce"}


def test_a_bundle_may_want_what_a_site_holds_in_part_already(
    connection: sa.Connection, load: Load
) -> None:
    load(VLANS, ROUTERS)
    (first,) = reserve(connection, bundle("S0", ("vlan", "vlan")))
    held, new = reserve(connection, bundle("S0", *BOTH))
    assert held == first
    assert new == Allocation(
        resource_id=new.resource_id,
        name="ce",
        kind="cpe",
        pool="Stock",
        attributes={"value": "one", "model": "ISR", "serial": "one"},
    )
    assert UUID(new.resource_id)


def test_results_are_in_the_order_of_the_bundles_and_of_what_they_ask(
    connection: sa.Connection, load: Load
) -> None:
    load(VLANS, ROUTERS)
    one, two = reserve_many(
        connection,
        [bundle("S3", ("ce", "cpe"), ("vlan", "vlan")), bundle("S1", ("vlan", "vlan"))],
    )
    assert [(a.name, a.kind, a.pool) for a in one if isinstance(a, Allocation)] == [
        ("ce", "cpe", "Stock"),
        ("vlan", "vlan", "VLANs"),
    ]
    assert values(one) == ["one", 100]
    assert values(two) == [101]


def rows(connection: sa.Connection) -> dict[str, sa.Row[tuple[object, ...]]]:
    return {row.name: row for row in connection.execute(sa.select(reservation))}


def test_what_is_reserved_is_written_with_order_item_and_thing(
    connection: sa.Connection, load: Load
) -> None:
    load(VLANS, ROUTERS, RATE, PROBES)
    bundled = BundleRequest(
        site="S0",
        order_id="RO-1",
        requests=(
            ResourceRequest(name="vlan", kind="vlan"),
            ResourceRequest(name="rate", kind="sap-bandwidth", amount=300),
            ResourceRequest(name="probe", kind="probe"),
        ),
        items={"vlan": "ROI-002", "rate": "ROI-004"},
    )
    vlan, rate, probe = reserve(connection, bundled)
    written = rows(connection)
    assert {name: (r.site, r.order_id, r.item_id, r.state) for name, r in written.items()} == {
        "vlan": ("S0", "RO-1", "ROI-002", "reserved"),
        "rate": ("S0", "RO-1", "ROI-004", "reserved"),
        "probe": ("S0", "RO-1", None, "reserved"),
    }
    assert {name: (r.exclusive, r.amount) for name, r in written.items()} == {
        "vlan": (True, None),
        "rate": (False, 300),
        "probe": (True, None),
    }
    assert written["rate"].resource_id is None
    assert str(written["rate"].id) == rate.resource_id
    assert rate.attributes == {"value": 300}
    assert str(written["vlan"].resource_id) == vlan.resource_id
    made = connection.execute(
        sa.select(resource).where(resource.c.id == UUID(probe.resource_id))
    ).one()
    assert (made.value, made.state, made.scope) == ("Probe-S0", "allocated", "probe in Probes")
    assert made.attributes == {"value": "Probe-S0"}
    taken = connection.execute(
        sa.select(resource.c.state, resource.c.quarantine_until).where(
            resource.c.id == UUID(vlan.resource_id)
        )
    ).one()
    assert tuple(taken) == ("allocated", None)


def test_a_port_that_sites_share_stays_available(connection: sa.Connection, load: Load) -> None:
    load({"name": "PON", "kind": "pon-port", "items": [{"value": "port 1"}]})
    one, two = reserve_many(connection, [bundle(s, ("bearer", "pon-port")) for s in ("S0", "S1")])
    assert values(one) == values(two) == ["port 1"]
    assert {row.exclusive for row in rows(connection).values()} == {False}
    shared = sa.select(resource.c.state).where(resource.c.value == "port 1")
    assert connection.scalars(shared).all() == ["available"]


def test_an_amount_held_is_told_as_its_value_and_keeps_its_id(
    connection: sa.Connection, load: Load
) -> None:
    load(RATE)
    wanted = bundle("S0", ("rate", "sap-bandwidth"), amount=300)
    first = reserve(connection, wanted)
    assert reserve(connection, wanted) == first
    more = bundle("S0", ("rate", "sap-bandwidth"), amount=900)
    assert reserve(connection, more) == first, "more is asked for by adjusting"


def test_a_site_may_be_in_a_batch_once(connection: sa.Connection, load: Load) -> None:
    load(VLANS)
    twice = [bundle("S0", ("vlan", "vlan")), bundle("S0", ("other", "vlan"))]
    with pytest.raises(ValueError, match=r"^each site may be in a batch once$"):
        reserve_many(connection, twice)


def test_an_empty_batch_reserves_nothing(connection: sa.Connection, load: Load) -> None:
    load(VLANS)
    assert reserve_many(connection, []) == ()


def test_a_site_nobody_knows_is_named(connection: sa.Connection, load: Load) -> None:
    load(VLANS)
    strange = [bundle(site, ("vlan", "vlan")) for site in ("S1", "Z", "Y")]
    with pytest.raises(UnknownEntryError, match=r"^site Y is not in the inventory$"):
        reserve_many(connection, strange)
    assert rows(connection) == {}


def test_a_name_that_is_held_as_another_kind_is_a_conflict(
    connection: sa.Connection, load: Load
) -> None:
    load(VLANS, ROUTERS)
    reserve(connection, bundle("S0", ("it", "vlan")))
    words = r"^S0 holds a vlan as 'it', not a cpe; release it first$"
    with pytest.raises(ReservationConflictError, match=words):
        reserve(connection, bundle("S0", ("it", "cpe")))
    (other,) = reserve(connection, bundle("S1", ("it", "cpe")))
    assert other.kind == "cpe"


def test_a_transaction_of_another_isolation_is_refused(engine: sa.Engine, load: Load) -> None:
    load(VLANS)
    with (
        engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection,
        pytest.raises(
            ValueError, match=r"^inventory is changed in READ COMMITTED transactions only$"
        ),
    ):
        reserve(connection, bundle("S0", ("vlan", "vlan")))


def test_two_that_lock_the_same_sites_wait_for_each_other(engine: sa.Engine, load: Load) -> None:
    load(VLANS)
    with engine.begin() as first, engine.begin() as second:
        reserve(first, bundle("S0", ("vlan", "vlan")))
        second.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            reserve(second, bundle("S0", ("other", "vlan")))


def test_whoever_refers_to_a_site_need_not_wait_for_who_reserves(
    engine: sa.Engine, load: Load
) -> None:
    load(VLANS)
    with engine.begin() as first, engine.begin() as second:
        reserve(first, bundle("S0", ("vlan", "vlan")))
        second.execute(sa.text("SET LOCAL lock_timeout = '50ms'"))
        second.execute(sa.text("SELECT 1 FROM site WHERE key = 'S0' FOR KEY SHARE"))


def test_what_a_site_holds_already_is_no_part_of_what_it_is_short_of(
    connection: sa.Connection, load: Load
) -> None:
    load({**VLANS, "values": "100"})
    reserve(connection, bundle("S0", ("inner", "vlan")))
    with pytest.raises(ResourceExhausted) as caught:
        reserve(connection, bundle("S0", ("inner", "vlan"), ("outer", "vlan")))
    (shortage,) = caught.value.shortages
    assert (shortage.name, shortage.wanted, shortage.free) == ("outer", 1, 0)


def test_an_amount_held_is_not_counted_twice(connection: sa.Connection, load: Load) -> None:
    load(RATE)
    reserve(connection, bundle("S0", ("rate", "sap-bandwidth"), amount=600))
    (more,) = reserve(connection, bundle("S0", ("more", "sap-bandwidth"), amount=400))
    assert more.attributes == {"value": 400}


def test_things_are_not_given_by_amount(load: Load, connection: sa.Connection) -> None:
    load(VLANS)
    with pytest.raises(ResourceExhausted, match="wanted 2, free 0"):
        reserve(connection, bundle("S0", ("vlan", "vlan"), amount=2))
