"""Five hundred times kill -9 while people order, change, cancel and take back.

``ROM_SOAK_KILLS`` and ``ROM_SOAK_SEED`` choose another number and another story. The figures are
printed in the end.
"""

import json
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from time import monotonic
from typing import Any

import pytest

from tests.acceptance.noc import Noc
from tests.faults.network import until
from tests.soak.kills.pair import LEASE_SECONDS, Pair, Replica, two_gateways
from tests.soak.kills.traffic import Book, Site, wishes

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

KILLS = int(os.environ.get("ROM_SOAK_KILLS", "500"))
SEED = int(os.environ.get("ROM_SOAK_SEED", "1"))
STOPS = 0.04
"""Share of the blows that stop a gateway for longer than its lease instead of killing it."""
LEFT = (
    "SELECT 'order ' || id AS what FROM resource_order WHERE state NOT IN "
    "('completed', 'cancelled', 'failed', 'partial', 'rejected')"
    " UNION ALL SELECT 'change ' || id FROM change WHERE finished_at IS NULL"
    " UNION ALL SELECT 'transaction ' || id FROM device_txn"
    " WHERE state NOT IN ('committed', 'reverted')"
    " UNION ALL SELECT 'rollback ' || id FROM rollback_task"
    " WHERE state NOT IN ('done', 'terminatedWithError')"
    " UNION ALL SELECT 'cancellation ' || id FROM cancel_task"
    " WHERE state NOT IN ('done', 'terminatedWithError')"
    " UNION ALL SELECT 'lease of ' || device FROM device_lease WHERE until > now()"
)


class Killer:
    """Strikes one gateway or the other, at any moment of its life."""

    def __init__(self, pair: Pair, random: Random) -> None:
        self._pair = pair
        self._random = random
        self._clock = threading.Event()
        self.kills = self.stops = self.in_start = 0

    def strike(self) -> None:
        """Wait a while, then kill a gateway and start it again, or stop it for a while."""
        replica = self._random.choice(self._pair.replicas)
        if self._random.random() < 0.7:
            until(replica.takes_orders, "the gateway takes orders", 120)
        self._clock.wait(self._random.uniform(0, 2))
        if self._random.random() < STOPS and replica.takes_orders():
            self._stop(replica)
            return
        self.in_start += not replica.takes_orders()
        replica.kill()
        self.kills += 1
        replica.begin()

    def _stop(self, replica: Replica) -> None:
        replica.signal(signal.SIGSTOP)
        self._clock.wait(LEASE_SECONDS + self._random.uniform(1, 4))
        replica.signal(signal.SIGCONT)
        self.stops += 1


@contextmanager
def traffic(sites: list[Site], book: Book) -> Iterator[None]:
    """Let every site live until the block ends, and its last order too."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(sites)) as pool:
        lives = [pool.submit(site.live, stop) for site in sites]
        try:
            yield
        finally:
            stop.set()
    for life in lives:
        life.result()
    if book.stuck:
        pytest.fail("\n".join(book.stuck))


def test_after_five_hundred_kills_nothing_is_lost_doubled_or_stuck(capsys: Any) -> None:
    random = Random(SEED)
    book, begun = Book(), monotonic()
    with two_gateways() as pair:
        first, second = pair.replicas
        until(first.takes_orders, "the first gateway takes orders", 120)
        second.begin()
        noc = Noc(first)
        before = noc.whole()
        sites = [
            Site(pair, name, wish, book, Random(random.random())) for name, wish in wishes().items()
        ]
        killer = Killer(pair, random)
        with traffic(sites, book):
            while killer.kills < KILLS and not book.stuck:
                killer.strike()
        seconds = monotonic() - begun
        for replica in pair.replicas:
            until(replica.takes_orders, "both gateways take orders", 120)
        nothing_is_lost_or_doubled(noc, book)
        for site in sites:
            site.comes()
        nothing_is_left(noc)
        assert not differing(noc)
        for site in sites:
            site.goes()
        nothing_is_left(noc)
        now = noc.whole()
        assert {name: now[name] for name in before} == before
        figures(capsys, killer, book, seconds)


def nothing_is_lost_or_doubled(noc: Noc, book: Book) -> None:
    kept = {row.id for row in noc.gateway.rows("SELECT id FROM resource_order")}
    assert kept == set(book.orders.values())
    assert len(kept) == len(book.orders)
    doubled = noc.gateway.rows(
        "SELECT site, specification FROM order_item WHERE in_force AND action = 'add' "
        "AND state = 'completed' GROUP BY site, specification HAVING count(*) > 1"
    )
    assert not doubled


def differing(noc: Noc) -> list[Any]:
    """Return what ``rom device check --all`` says of devices that are not as they should be."""
    report = json.loads(noc.rom("device", "check", "--all", "--json").stdout)
    assert report["sites"]
    return [
        {"site": site["site"], **device}
        for site in report["sites"]
        for device in site["devices"]
        if device["result"] != "clean"
    ]


def nothing_is_left(noc: Noc) -> None:
    until(
        lambda: not noc.gateway.rows(LEFT),
        lambda: f"under way still: {noc.gateway.rows(LEFT)}",
        240,
    )


def figures(capsys: Any, killer: Killer, book: Book, seconds: float) -> None:
    lines = [
        f"\nseed {SEED}: {killer.kills} kills, {killer.in_start} of them during a start,",
        f"{killer.stops} stops longer than the lease, in {seconds:.0f} s",
        *(f"{number:8} {what}" for what, number in sorted(book.counts.items())),
    ]
    with capsys.disabled():
        print("\n".join(lines))  # noqa: T201 - a long run reports
