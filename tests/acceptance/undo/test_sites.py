"""Whole sites: nothing of them stays, they may be ordered again, and four of them go at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.noc import FIRST, PILOT, SECOND, SYDNEY, Noc, brisbane, faster, without
from tests.acceptance.stage import Stage
from tests.acceptance.undo.test_orders import ended_well, same
from tests.faults.network import order

pytestmark = [pytest.mark.timeout(240)]
UNMANAGED = ("SLA-Monitoring", "CE-Router")
Whole = dict[str, str]


def test_nothing_of_a_site_stays_in_force_after_all_of_it_was_taken_back(
    noc: Noc, stage: Stage
) -> None:
    stage.serves(SECOND)
    silent = noc.done(faster(SECOND, "500M"))
    task = noc.rolled_back(SECOND)
    ended_well(task)
    assert task["target"]["orders"] == [noc.orders[SECOND], silent]
    left = noc.gateway.rows("SELECT 1 FROM order_item WHERE site = :s AND in_force", s=SECOND)
    assert left == []
    gone = noc.whole()
    noc.end_quarantine()
    noc.orders[SECOND] = noc.done(without(brisbane(SECOND), *UNMANAGED))  # nothing is in the way
    ended_well(noc.rolled_back(SECOND))
    same(noc.whole(), gone)


def test_four_sites_at_once_leave_every_device_as_it_was(noc: Noc, stage: Stage) -> None:
    documents = {
        FIRST: brisbane(FIRST),
        SECOND: brisbane(SECOND),
        PILOT: order("so-pilot-melbourne"),
        SYDNEY: order("so-wave1-sydney-2"),
    }
    for site, document in documents.items():
        stage.takes_back(site)
        noc.end_quarantine()
        noc.done(without(document, *UNMANAGED))
    with ThreadPoolExecutor(len(documents)) as pool:
        tasks = list(pool.map(noc.rolled_back, documents))
    for task in tasks:
        ended_well(task)
    now = noc.whole()
    same({name: now[name] for name in stage.before}, stage.before)
    assert noc.gateway.rows("SELECT 1 FROM net_effect UNION ALL SELECT 1 FROM shared_object") == []
    assert [site for site in documents if noc.held(site)] == []
