"""Whatever is reserved and released in whatever order, the books balance."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.holding import release, sweep_quarantine
from inventory.model import BundleRequest, ResourceExhausted, ResourceRequest
from inventory.queries import pool_status, site_allocations
from inventory.reservation import reserve, reserve_many
from tests.stocks import GROUND_POOL

Content = dict[str, object]
Load = Callable[[Content], object]
START = datetime(2026, 11, 21, tzinfo=UTC)
SITES = [f"S{number:03}" for number in range(6)]
STOCK = 4
CAPACITY = 10

REQUESTS = {
    "vlan": lambda _: ResourceRequest(name="vlan", kind="vlan"),
    "thing": lambda _: ResourceRequest(name="thing", kind="thing"),
    "speed": lambda amount: ResourceRequest(name="speed", kind="speed", amount=amount),
}
wanted = st.tuples(
    st.sampled_from(SITES),
    st.sets(st.sampled_from(sorted(REQUESTS)), min_size=1),
    st.integers(1, 6),
)
steps = st.one_of(
    st.tuples(st.just("reserve"), st.lists(wanted, min_size=1, max_size=3)),
    st.tuples(
        st.just("release"),
        st.tuples(st.sampled_from(SITES), st.sets(st.sampled_from(sorted(REQUESTS)))),
    ),
    st.tuples(st.just("wait"), st.integers(1, 30)),
)


@pytest.fixture
def stocked(engine: sa.Engine, load: Load, two_hundred_sites: Content) -> sa.Engine:
    pools = [
        {
            "name": "V", "kind": "vlan", "attributes": {"l2_domain": "D"},
            "values": f"1-{STOCK}",
        },
        {"name": "T", "kind": "thing", "values": f"1-{STOCK}"},
        {"name": "S", "kind": "speed", "mode": "quantity", "capacity": CAPACITY},
    ]  # fmt: skip
    load({**two_hundred_sites, "pools": pools})
    return engine


class Books:
    """An independent account of who holds what; knows nothing of SQL."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], int] = {}
        self.resting: list[datetime] = []

    def free(self) -> dict[str, int]:
        taken = {kind: sum(name == kind for _, name in self.held) for kind in ("vlan", "thing")}
        speed = sum(value for (_, name), value in self.held.items() if name == "speed")
        return {
            "V": STOCK - taken["vlan"] - len(self.resting),
            "T": STOCK - taken["thing"],
            "S": CAPACITY - speed,
        }

    def fits(self, site: str, kinds: set[str], amount: int) -> bool:
        need = {kind for kind in kinds if (site, kind) not in self.held}
        room = self.free()
        return (
            ("vlan" not in need or room["V"] > 0)
            and ("thing" not in need or room["T"] > 0)
            and ("speed" not in need or room["S"] >= amount)
        )

    def enter(self, site: str, kinds: set[str], amount: int) -> None:
        for kind in kinds:
            self.held.setdefault((site, kind), amount)

    def leave(self, site: str, kinds: set[str], now: datetime) -> None:
        for kind in kinds:
            if self.held.pop((site, kind), None) is not None and kind == "vlan":
                self.resting.append(now + timedelta(hours=24))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plan=st.lists(steps, max_size=12))
def test_the_books_balance_after_any_interleaving(
    stocked: sa.Engine, plan: list[tuple[str, object]]
) -> None:
    books, now = Books(), START
    with stocked.connect() as connection:
        for action, detail in plan:
            if action == "reserve":
                _reserve(connection, books, detail)  # type: ignore[arg-type] - by the strategy
            elif action == "release":
                site, kinds = detail  # type: ignore[misc] - by the strategy
                release(connection, site, now=now, names=kinds)
                books.leave(site, kinds, now)
            else:
                now += timedelta(hours=detail)  # type: ignore[arg-type] - by the strategy
                due = [until for until in books.resting if until <= now]
                assert sweep_quarantine(connection, now) == len(due)
                books.resting = [until for until in books.resting if until > now]
            found = {each.name: each.free for each in pool_status(connection)}
            assert {name: found[name] for name in found if name != GROUND_POOL} == books.free()
        _check_holdings(connection, books)
        connection.rollback()  # the next example starts from the full stock


def _reserve(
    connection: sa.Connection, books: Books, batch: list[tuple[str, set[str], int]]
) -> None:
    batch = list({site: (site, kinds, amount) for site, kinds, amount in batch}.values())
    bundles = [
        BundleRequest(
            site=site, order_id="o", requests=tuple(REQUESTS[kind](amount) for kind in kinds)
        )
        for site, kinds, amount in batch
    ]
    if len(bundles) == 1:
        try:
            results = (reserve(connection, bundles[0]),)
        except ResourceExhausted as error:
            results = (error,)  # type: ignore[assignment] - a result of either kind
    else:
        results = reserve_many(connection, bundles)  # type: ignore[assignment] - as above
    for (site, kinds, amount), result in zip(batch, results, strict=True):
        fits = books.fits(site, kinds, amount)
        assert isinstance(result, ResourceExhausted) != fits
        if fits:
            books.enter(site, kinds, amount)


def _check_holdings(connection: sa.Connection, books: Books) -> None:
    values: dict[str, list[object]] = {"vlan": [], "thing": []}
    for site in SITES:
        held = site_allocations(connection, site)
        assert set(held) == {name for owner, name in books.held if owner == site}
        for name, attributes in held.items():
            if name == "speed":
                assert attributes["value"] == books.held[site, name]
            else:
                values[name].append(attributes["value"])
    for given_out in values.values():
        assert len(given_out) == len(set(given_out))
