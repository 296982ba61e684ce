"""What a rollback has left to an operator by decision, and what a repair says of it first."""

from typing import Any

import pytest

from device_profiles.tree import Path, path_text
from rom.model.change import Policy
from tests.integration.undo.network import Network
from tests.laws.devices import oracle, same
from tests.laws.sites import BNG, DEVICES, Wish, fragments, key

pytestmark = pytest.mark.timeout(240)
SITE = 0
SLOW, FAST = Wish(500), Wish(800)


def described() -> Path:
    """The description of the site's interface on the BNG."""
    own = fragments(BNG, SITE, SLOW)["ROI-0"].own
    return next(path for path in own if path[-1] == "description" and "interface[" in path[-2])


def on(document: Any, device: str = BNG) -> Any:
    (found,) = [each for each in document["devices"] if each["device"] == device]
    return found


def edits(network: Network) -> dict[str, int]:
    return {name: device.counters.edits for name, device in network.devices.items()}


def gone_back_and_kept(network: Network) -> dict[str, Any]:
    """Back to the slow rate, with what somebody has typed into the interface kept."""
    network.bring(SITE, SLOW)
    number = network.snapshot(SITE)
    network.bring(SITE, FAST)
    network.by_hand(BNG, {described(): "Tuesday night"})
    return network.roll_back(SITE, to=number, policy=Policy.KEEP)


def test_what_was_kept_against_the_target_is_told_by_the_task(network: Network) -> None:
    task = gone_back_and_kept(network)
    kept = on(task["result"])["kept"]
    assert path_text(described()) in kept
    # The whole entry stays: the rate that the target would have in it is told as well.
    rates = [path for path in fragments(BNG, SITE, SLOW)["ROI-2"].own if path[-1] == "policy-name"]
    assert rates
    assert {path_text(path) for path in rates} <= set(kept)
    assert network.tree(BNG)[described()] == "Tuesday night"
    assert {network.tree(BNG)[path] for path in rates} == {"BW-800-800-GOLD-ENT"}
    assert task["result"]["quarantine"] == "until cleaned"


def test_a_repair_says_what_of_it_was_kept_by_decision_before_it_overwrites_it(
    network: Network,
) -> None:
    task = gone_back_and_kept(network)
    sent = edits(network)
    shown = network.audit.repairs(key(SITE)).on_the_wire()
    row = on(shown)
    assert {"path": path_text(described()), "task": task["id"]} in row["kept"]
    assert len(row["kept"]) == row["edits"]  # nothing else differs
    assert {each["path"] for each in row["kept"]} <= {each["path"] for each in row["differences"]}
    assert edits(network) == sent
    assert network.tree(BNG)[described()] == "Tuesday night"

    for device in DEVICES:
        network.ask(device, SITE, fragments(device, SITE, SLOW), "reconcile")
        network.write(device)
        same(device, network.devices[device].running, oracle(device, {SITE: SLOW}))
    network.by_hand(BNG, {described(): "Wednesday night"})
    again = on(network.audit.repairs(key(SITE)).on_the_wire())
    assert (again["edits"], again["kept"]) == (1, [])  # that is drift, decided by nobody


def test_what_a_site_has_left_behind_by_decision_is_told_before_a_repair_removes_it(
    network: Network,
) -> None:
    original = network.running()
    network.bring(SITE, SLOW)
    network.by_hand(BNG, {described(): "Tuesday night"})
    task = network.roll_back(SITE, policy=Policy.KEEP)
    # It was the last site in its customer's service: that stays, or the entry would go with it.
    assert network.tree(BNG)[described()] == "Tuesday night"
    left = on(task["result"])["kept"]
    assert path_text(described()) in left
    row = on(network.audit.repairs(key(SITE)).on_the_wire())
    told = {each["path"] for each in row["kept"]}
    assert told == {each["path"] for each in row["differences"]}
    assert {each["kind"] for each in row["differences"]} == {"left-over"}
    assert told == set(left)
    assert {each["task"] for each in row["kept"]} == {task["id"]}

    forced = network.roll_back(SITE, policy=Policy.FORCE, reason="the site was cancelled")
    assert (forced["state"], on(forced["result"])["kept"]) == ("done", [])
    assert network.running() == original
    assert network.rows("SELECT 1 FROM net_effect UNION ALL SELECT 1 FROM shared_object") == []
