"""Under ``refuse``, what somebody types after the preview stops the way back before the next."""

from typing import Any

import pytest

from device_profiles.tree import Path
from rom.model.change import Policy
from rom.undo import tasks
from rom.undo.tasks import Wanted
from tests.integration.undo.network import Network
from tests.laws.devices import oracle, same
from tests.laws.sites import BNG, DEVICES, OLT, Wish, fragments, key

pytestmark = pytest.mark.timeout(240)
SITE = 0
SLOW, FAST = Wish(500), Wish(800)


def described(device: str) -> Path:
    own = {path for part in fragments(device, SITE, SLOW).values() for path in part.own}
    return min(path for path in own if path[-1] == "description")


def begun(network: Network, number: int = 0) -> Wanted:
    """Start a rollback: the BNG's turn comes first, the OLT's second."""
    wanted = Wanted(key(SITE), to=number)
    shown = network.preview.of_site(wanted.site, to=number)
    tasks.create(network.engine, network.vault, network._give_back, wanted, shown)
    return wanted


def ended(network: Network) -> Any:
    while network._runner.advance(key(SITE), network.write):
        pass
    (row,) = network.rows("SELECT * FROM rollback_task ORDER BY created_at DESC LIMIT 1")
    return row


def edits(network: Network) -> dict[str, int]:
    return {name: device.counters.edits for name, device in network.devices.items()}


def test_drift_on_the_first_device_stops_before_the_next_and_nothing_has_changed(
    network: Network,
) -> None:
    network.bring(SITE, SLOW)
    number = network.snapshot(SITE)
    network.bring(SITE, FAST)
    before, sent = network.running(), edits(network)
    intents = network.rows("SELECT device, role, fragments FROM site_intent ORDER BY device")
    begun(network, number)
    network.by_hand(BNG, {described(BNG): "Tuesday night"})
    task = ended(network)
    assert task.state == "terminatedWithError"
    assert task.result["nothingChanged"] is True
    assert (task.result["verdict"], task.result["released"]) == ("FAILED", [])
    assert [each["device"] for each in task.result["devices"]] == [BNG]
    assert edits(network) == sent
    assert network.running()[OLT] == before[OLT]
    assert intents == network.rows(
        "SELECT device, role, fragments FROM site_intent ORDER BY device"
    )
    # The site goes on as it was: repaired, it has its rate, and it can go back afterwards.
    for device in DEVICES:
        network.ask(device, SITE, fragments(device, SITE, FAST), "reconcile")
        network.write(device)
        same(device, network.devices[device].running, oracle(device, {SITE: FAST}))
    done = network.roll_back(SITE, to=number)
    assert (done["state"], done["result"]["verdict"]) == ("done", "VERIFIED")


def test_drift_on_a_later_device_leaves_the_rest_to_the_next_rollback(network: Network) -> None:
    original = network.running()
    network.bring(SITE, SLOW)
    begun(network)
    network.by_hand(OLT, {described(OLT): "Tuesday night"})
    task = ended(network)
    assert task.state == "terminatedWithError"
    assert "nothingChanged" not in task.result
    found = {each["device"]: each["verdict"] for each in task.result["devices"]}
    assert found == {BNG: "VERIFIED", OLT: "FAILED"}
    assert task.result["quarantine"] == "until cleaned"
    assert network.running()[BNG] == original[BNG]
    report = network.audit.check([OLT])
    assert "left-over" in {
        row.kind for site in report.sites for device in site.devices for row in device.differences
    }
    forced = network.roll_back(SITE, policy=Policy.FORCE, reason="the site was cancelled")
    assert (forced["state"], forced["result"]["verdict"]) == ("done", "VERIFIED")
    assert network.running() == original
