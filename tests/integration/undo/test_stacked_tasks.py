"""Two sites on the same devices, one above the other, and either of them taken back by a task."""

from typing import Any

import pytest

from tests.integration.undo.network import LEAF, Network
from tests.laws.devices import baseline, merged_into, oracle, same, tree
from tests.laws.sites import DEVICES, OLT, Wish, key

pytestmark = pytest.mark.timeout(240)
A, B = 0, 1
ONE, TWO = "written by A", "written by B"
ORIGINAL = tree(OLT, baseline(OLT))[LEAF]


def expect(network: Network, surviving: dict[int, Wish], note: str | None) -> None:
    """Each device holds the baseline and what the surviving sites say, nothing else."""
    for device in DEVICES:
        expected = oracle(device, surviving)
        if note is not None and device == OLT:
            expected = merged_into(device, expected, {LEAF: note})
        same(device, network.devices[device].running, expected)


def ended_well(task: dict[str, Any]) -> None:
    assert (task["state"], task["result"]["verdict"]) == ("done", "VERIFIED"), task["result"]
    assert not [each for each in task["result"]["devices"] if each["kept"] or each["orphans"]]


def of_device(document: Any, device: str) -> Any:
    (found,) = [each for each in document["devices"] if each["device"] == device]
    return found


def below_b(network: Network) -> Any:
    """What B's write of the leaf would restore."""
    (row,) = network.rows(
        "SELECT before FROM net_effect WHERE site = :s AND path = :p", s=key(B), p=list(LEAF)
    )
    return row.before


def test_the_older_of_two_sites_goes_and_nothing_of_the_younger_changes(network: Network) -> None:
    original = network.running()
    wish = Wish(500)
    network.bring(A, wish, ONE)
    network.bring(B, wish, TWO)
    expect(network, {A: wish, B: wish}, TWO)
    assert below_b(network) == ONE
    effects = network.has(B)

    task = network.roll_back(A)
    ended_well(task)
    (later,) = of_device(task["preview"], OLT)["later"]
    assert later["site"] == key(B)
    expect(network, {B: wish}, TWO)
    assert network.has(A) == {device: set() for device in DEVICES}
    assert network.has(B) == effects
    assert below_b(network) == ORIGINAL

    ended_well(network.roll_back(B))
    expect(network, {}, None)
    assert network.running() == original
    assert network.rows("SELECT 1 FROM net_effect UNION ALL SELECT 1 FROM shared_object") == []
    assert network.rows("SELECT 1 FROM site_intent") == []


def test_the_younger_goes_first_and_the_older_has_its_own_again(network: Network) -> None:
    original = network.running()
    wish = Wish(800)
    network.bring(A, wish, ONE)
    network.bring(B, wish, TWO)
    ended_well(network.roll_back(B))
    expect(network, {A: wish}, ONE)
    ended_well(network.roll_back(A))
    assert network.running() == original
    assert network.rows("SELECT 1 FROM net_effect UNION ALL SELECT 1 FROM shared_object") == []


def test_a_site_goes_back_below_a_later_writer_to_one_of_its_snapshots(network: Network) -> None:
    """Back to a rate of its own: the leaf that B has written above stays B's all the same."""
    original = network.running()
    network.bring(A, Wish(500))
    number = network.snapshot(A)
    network.bring(A, Wish(800), ONE)
    network.bring(B, Wish(500), TWO)
    ended_well(network.roll_back(A, to=number))
    expect(network, {A: Wish(500), B: Wish(500)}, TWO)
    ended_well(network.roll_back(B))
    expect(network, {A: Wish(500)}, None)
    ended_well(network.roll_back(A))
    assert network.running() == original
