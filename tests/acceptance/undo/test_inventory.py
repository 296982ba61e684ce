"""Inventory that changes under services: nothing unasked, and what is asked for everywhere."""

from pathlib import Path
from typing import Any

import pytest
import yaml

import inventory
from tests.acceptance.noc import FIRST, PILOT, SECOND, SYDNEY, Noc
from tests.acceptance.undo.test_orders import same
from tests.faults.network import until

pytestmark = [pytest.mark.timeout(240)]
OTHER_VPN = Path(inventory.__file__).parent / "examples" / "other-vpn.yaml"
AGENTS = "SELECT DISTINCT device FROM site_intent WHERE role = 'agent'"
UNSETTLED = "SELECT device, site FROM change WHERE finished_at IS NULL"
Whole = dict[str, str]


@pytest.fixture
def customer(noc: Noc) -> Any:
    known = noc.http.get("/rom/v1/inventory").json()
    site = next(each for each in known["sites"] if each["key"] == FIRST)
    return next(each for each in known["customers"] if each["id"] == site["customer"])


def settled(noc: Noc) -> None:
    until(lambda: not noc.gateway.rows(UNSETTLED), "every device has taken its part")


def test_another_vpn_is_on_every_device_when_it_is_asked_for_and_goes_back_the_same_way(
    noc: Noc, full: Whole, customer: Any, tmp_path: Path
) -> None:
    name = f"customers/{customer['id']}/vpn"
    load = ("inventory", "load", str(OTHER_VPN))

    refused = noc.rom(*load)
    assert refused.exit_code != 0
    assert f"--replace {name}" in refused.stderr

    shown = noc.rom(*load, "--replace", name, "--dry-run")
    assert shown.exit_code == 0, shown.output
    for site in (FIRST, SECOND, PILOT, SYDNEY):
        assert f"services of {site} are planned anew: " in shown.stdout
    assert "BNG-BNE-01" in shown.stdout
    assert noc.whole() == full

    done = noc.rom(*load, "--replace", name)
    assert done.exit_code == 0, done.output
    settled(noc)
    changed = noc.whole()
    assert "GLOBALTECH" in changed["BNG-BNE-01"]
    former = f"<service-name>{customer['vpn']}<"
    assert former in full["BNG-BNE-01"]
    assert not [device for device, text in changed.items() if former in text]
    checked = noc.rom("device", "check", "--all")
    assert checked.exit_code == 0, checked.output
    (entry,) = noc.rom_json("audit", "list", "--deed", "inventory.loaded", "--limit", "1")
    assert entry["details"]["replace"] == [name]
    assert set(entry["sites"]) == {FIRST, SECOND, PILOT, SYDNEY}

    answer = noc.start(FIRST, to=max(each["snapshot"] for each in before_planning(noc)))
    assert (answer.status_code, answer.json()["code"]) == (409, "targetGone")
    assert "planned anew" in answer.json()["reason"]

    file = tmp_path / "customer.yaml"
    file.write_text(yaml.safe_dump({"customers": [customer]}))
    back = noc.rom("inventory", "load", str(file), "--replace", name)
    assert back.exit_code == 0, back.output
    settled(noc)
    same(noc.whole(), full)


def before_planning(noc: Noc) -> list[Any]:
    found = noc.rom_json("site", "snapshots", FIRST)
    first = min(each["snapshot"] for each in found if each["moment"] == "planned")
    return [each for each in found if each["snapshot"] < first and each["boundary"]]


def test_every_device_of_the_network_is_found_usable_and_what_no_profile_drives_is_told(
    noc: Noc, full: Whole
) -> None:
    agents = {row.device for row in noc.gateway.rows(AGENTS)}
    assert agents
    names = {*full, *agents, "NMS-01", "LOG-01"}
    tested = {name: noc.rom_json("device", "test", name) for name in names}
    receiver = tested.pop("NMS-01")
    assert "nothing is written to a device of role nms" in receiver["steps"][0]["text"]
    assert [name for name, found in tested.items() if not found["usable"]] == []
