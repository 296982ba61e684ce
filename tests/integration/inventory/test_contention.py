"""Fifty reservers at a time: nothing is booked twice, nobody waits in a circle."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
import sqlalchemy as sa

from inventory.holding import release
from inventory.model import BundleRequest, ResourceExhausted, ResourceRequest
from inventory.reservation import reserve, reserve_many
from inventory.tables import reservation

Content = dict[str, object]
Load = Callable[[Content], object]
WRITERS = 50


def run(engine: sa.Engine, work: Callable[[sa.Connection, int], object]) -> list[object]:
    """Run ``work`` in fifty threads that start together, each in a transaction of its own."""
    together = Barrier(WRITERS)

    def one(number: int) -> object:
        with engine.connect() as connection:
            connection.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
            together.wait()
            try:
                result = work(connection, number)
            except ResourceExhausted as shortage:
                connection.rollback()
                return shortage
            connection.commit()
            return result

    with ThreadPoolExecutor(WRITERS) as pool:
        started = time.perf_counter()
        results = list(pool.map(one, range(WRITERS)))
    print(f"{WRITERS} reservers: {time.perf_counter() - started:.2f} s")  # noqa: T201 - measured
    return results


def test_fifty_reservers_on_one_pool_never_get_the_same_value(
    engine: sa.Engine, load: Load, two_hundred_sites: Content
) -> None:
    vlans = {
        "name": "V", "kind": "vlan", "attributes": {"l2_domain": "D"}, "values": "1-150",
    }  # fmt: skip
    load({**two_hundred_sites, "pools": [vlans]})

    def four_sites(connection: sa.Connection, number: int) -> list[int]:
        got = []
        for site in range(number * 4, number * 4 + 4):
            request = ResourceRequest(name="vlan", kind="vlan", match={"l2_domain": "D"})
            wanted = BundleRequest(site=f"S{site:03}", order_id="o", requests=(request,))
            try:
                got.append(reserve(connection, wanted)[0].attributes["value"])
            except ResourceExhausted:
                connection.rollback()
            else:
                connection.commit()
        return got

    values = [value for result in run(engine, four_sites) for value in result]
    assert len(values) == 150
    assert set(values) == set(range(1, 151))


@pytest.mark.parametrize("first", [0, 1])
def test_bundles_under_contention_are_whole_or_absent(
    engine: sa.Engine, load: Load, two_hundred_sites: Content, first: int
) -> None:
    kinds = ("alpha", "beta", "gamma")
    pools = [
        {"name": kind.title(), "kind": kind, "values": f"1-{size}"}
        for kind, size in zip(kinds, (60, 30, 45), strict=True)
    ]
    load({**two_hundred_sites, "pools": pools})

    def whole(connection: sa.Connection, number: int) -> object:
        order = kinds if number % 2 == first else kinds[::-1]
        requests = tuple(ResourceRequest(name=kind, kind=kind) for kind in order)
        site = f"S{number:03}"
        return reserve(connection, BundleRequest(site=site, order_id="o", requests=requests))

    results = run(engine, whole)
    short = [result for result in results if isinstance(result, ResourceExhausted)]
    assert len(short) == 20
    assert {each.shortages[0].pool for each in short} == {"Beta"}
    with engine.connect() as connection:
        held = Counter(connection.scalars(sa.select(reservation.c.site)))
    assert len(held) == 30
    assert set(held.values()) == {3}


def test_batches_in_opposite_orders_with_releases_between_do_not_deadlock(
    engine: sa.Engine, load: Load, two_hundred_sites: Content
) -> None:
    pools = [
        {"name": "Things", "kind": "thing", "values": "1-120"},
        {"name": "Speed", "kind": "speed", "mode": "quantity", "capacity": 100},
    ]
    load({**two_hundred_sites, "pools": pools})
    requests = (
        ResourceRequest(name="thing", kind="thing"),
        ResourceRequest(name="speed", kind="speed", amount=1),
    )

    def batch(connection: sa.Connection, number: int) -> int:
        sites = [f"S{(number * 4 + place) % 200:03}" for place in range(8)]
        bundles = [
            BundleRequest(site=site, order_id="o", requests=requests)
            for site in (sites if number % 2 else sites[::-1])
        ]
        done = reserve_many(connection, bundles)
        connection.commit()
        if number % 5 == 0:
            release(connection, sites[0], now=datetime.now(UTC))
        return sum(not isinstance(each, ResourceExhausted) for each in done)

    run(engine, batch)
    with engine.connect() as connection:
        holdings = connection.execute(
            sa.select(reservation.c.site, sa.func.count(), sa.func.sum(reservation.c.amount))
            .group_by(reservation.c.site)
        ).all()  # fmt: skip
    assert 0 < len(holdings) <= 100
    assert {(count, amount) for _, count, amount in holdings} == {(2, 1)}


def test_one_site_reserved_by_fifty_workers_at_once_is_reserved_once(
    engine: sa.Engine, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": [{"name": "Things", "kind": "thing", "values": "1-99"}]})
    request = ResourceRequest(name="thing", kind="thing")
    wanted = BundleRequest(site="S000", order_id="o", requests=(request,))
    results = run(engine, lambda connection, _: reserve(connection, wanted))
    assert len({str(result) for result in results}) == 1


def test_a_batch_of_fifty_sites_is_much_cheaper_than_fifty_transactions(
    engine: sa.Engine, load: Load, two_hundred_sites: Content
) -> None:
    load({**two_hundred_sites, "pools": [{"name": "Things", "kind": "thing", "values": "1-200"}]})
    request = ResourceRequest(name="thing", kind="thing")
    bundles = [
        BundleRequest(site=f"S{n:03}", order_id="o", requests=(request,)) for n in range(100)
    ]
    with engine.connect() as connection:
        started = time.perf_counter()
        for bundle in bundles[:50]:
            reserve(connection, bundle)
            connection.commit()
        singly = time.perf_counter() - started
        started = time.perf_counter()
        reserve_many(connection, bundles[50:])
        connection.commit()
        together = time.perf_counter() - started
    print(f"50 sites singly {singly:.3f} s, together {together:.3f} s")  # noqa: T201 - measured
    assert together < singly / 2
