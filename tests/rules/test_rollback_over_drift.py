"""What a rollback does about what others have changed, and about devices it does not reach."""

from typing import Any

import pytest

from adapters.errors import AuthenticationFailed, CommitRefused
from device_profiles.fragment import Fragment
from device_profiles.tree import PRESENT
from rom.model.change import Policy
from rom.undo import results
from rom.undo.way_back import GIVE_UP_AFTER
from tests.rules.device import FakeDevice
from tests.rules.plant import (
    BNG,
    OLT,
    SERVED,
    SERVICE,
    SITE,
    TEMPLATE,
    Plant,
    add,
    delete,
    modify,
)
from tests.rules.sites import entry
from tests.rules.test_rollback import told, verdicts


def drifted(plant: Plant, device: str, **asked: Any) -> dict[str, Any]:
    """A rollback to before the modify, during which somebody types something in."""
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    task_id = plant.ask_back(before="B", **asked)
    plant.by_hand(device, {BNG: "policy", OLT: "rate"}[device], "by hand")
    return plant.finish(task_id)


def test_refuse_that_stops_at_the_first_device_has_changed_nothing(plant: Plant) -> None:
    task = drifted(plant, BNG)
    assert task["state"] == "terminatedWithError"
    result = task["result"]
    assert result["nothingChanged"] is True
    assert (result["verdict"], result["quarantine"]) == ("FAILED", "by pool")
    assert result["released"] == []
    assert told(task, "reason") == {BNG: "DRIFT"}
    assert told(task, "state") == {BNG: "refused"}
    assert "by hand" in told(task, "error")[BNG]
    assert verdicts(plant, task) == {BNG: "FAILED"}
    assert plant.on(OLT)["rate"] == "300"
    assert plant.in_force() == {"A/line", "B/speed"}
    assert plant.held()["rate"] == ("300", "in-use")
    assert plant.intent(BNG)["speed"].own[(*entry(SITE), "policy")] == "R300"
    assert plant.intent(OLT)["speed"].own[(*entry(SITE), "rate")] == "300"
    assert plant.notes("B") == []


def test_a_larger_share_that_was_reserved_for_it_is_given_back_when_nothing_changed(
    plant: Plant,
) -> None:
    plant.order("A", add("line"), add("speed", rate=300))
    plant.order("B", modify("speed", rate=100))
    task_id = plant.ask_back(before="B")
    plant.by_hand(BNG, "policy", "by hand")
    assert plant.finish(task_id)["result"]["nothingChanged"] is True
    assert plant.held()["rate"] == ("100", "in-use")


def test_a_site_that_a_stop_has_left_as_it_was_can_go_back_afterwards(plant: Plant) -> None:
    drifted(plant, BNG)
    plant.by_hand(BNG, "policy", "R300")
    task = plant.roll_back(before="B")
    assert (task["state"], task["result"]["verdict"]) == ("done", "VERIFIED")
    assert plant.in_force() == {"A/line", "A/speed"}


def test_refuse_that_stops_at_a_later_device_leaves_the_rest_and_says_so(plant: Plant) -> None:
    task = drifted(plant, OLT)
    assert task["state"] == "terminatedWithError"
    result = task["result"]
    assert "nothingChanged" not in result
    assert told(task, "verdict") == {BNG: "VERIFIED", OLT: "FAILED"} == verdicts(plant, task)
    assert (result["verdict"], result["quarantine"]) == ("FAILED", "until cleaned")
    assert plant.on(BNG)["policy"] == "R100"
    assert plant.on(OLT)["rate"] == "by hand"
    assert plant.held()["rate"][0] == "300", "the OLT may still give it"
    assert plant.in_force() == {"A/line", "A/speed"}
    assert plant.intent(OLT)["speed"].own[(*entry(SITE), "rate")] == "100"


def test_devices_behind_a_stop_are_not_asked_and_should_hold_the_target(plant: Plant) -> None:
    plant.serve()
    plant.rows(
        "INSERT INTO site_intent (device, site, role, version, fragments) "
        "SELECT 'OLT-0', site, 'logistics', 1, fragments FROM site_intent WHERE device = :d",
        d=OLT,
    )
    task_id = plant.ask_back()
    plant.by_hand(OLT, "rate", "by hand")
    task = plant.finish(task_id)
    assert task["state"] == "terminatedWithError"
    assert told(task, "state") == {BNG: "done", OLT: "refused", "OLT-0": "notAsked"}
    assert told(task, "error")["OLT-0"] == "not asked: stopped at OLT-1"
    assert told(task, "verdict")["OLT-0"] == "INDETERMINATE"
    assert verdicts(plant, task).keys() == {BNG, OLT}
    assert plant.intent("OLT-0") == {}, "an audit tells of what is left there"
    assert plant.held() == {"rate": ("100", "in-use")}, "the OLT may still give it"
    assert task["result"]["quarantine"] == "until cleaned"


def test_keep_leaves_what_somebody_else_has_done_and_counts_what_it_left(plant: Plant) -> None:
    task = drifted(plant, OLT, policy=Policy.KEEP)
    assert task["state"] == "done"
    assert told(task, "verdict") == {BNG: "VERIFIED", OLT: "KEPT"}
    kept = told(task, "kept")
    assert kept[BNG] == []
    assert "/sites/site[name='S1']/rate" in kept[OLT]
    assert (task["result"]["verdict"], task["result"]["quarantine"]) == ("KEPT", "until cleaned")
    assert plant.on(OLT)["rate"] == "by hand"
    assert plant.on(BNG)["policy"] == "R100"
    assert plant.held()["rate"][0] == "300"
    assert plant.in_force() == {"A/line", "A/speed"}


def test_what_the_first_device_keeps_counts_too(plant: Plant) -> None:
    task = drifted(plant, BNG, policy=Policy.KEEP)
    assert told(task, "verdict") == {BNG: "KEPT", OLT: "VERIFIED"}
    assert plant.held()["rate"][0] == "300"


def with_an_empty_place(plant: Plant) -> None:
    """A second access node, on which the site was to have something and never has."""
    plant.devices["OLT-0"] = FakeDevice()
    plant.rows(
        "INSERT INTO device SELECT (jsonb_populate_record(device, '{\"name\": \"OLT-0\"}')).* "
        "FROM device WHERE name = :d", d=OLT,
    )  # fmt: skip
    plant.rows(
        "INSERT INTO site_intent (device, site, role, version, fragments) "
        "VALUES ('OLT-0', :s, 'access', 1, '[]')", s=SITE,
    )  # fmt: skip


def test_what_the_first_device_keeps_counts_though_a_later_one_never_had_anything(
    plant: Plant,
) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    with_an_empty_place(plant)
    task_id = plant.ask_back(before="B", policy=Policy.KEEP)
    plant.by_hand(BNG, "policy", "by hand")
    plant.failure["OLT-0"] = AuthenticationFailed("no", device="OLT-0")
    task = plant.finish(task_id)
    assert told(task, "verdict") == {BNG: "KEPT", "OLT-0": "INDETERMINATE", OLT: "VERIFIED"}
    assert plant.held()["rate"][0] == "300"


def test_a_share_stays_counted_while_a_device_behind_a_stop_may_give_it(plant: Plant) -> None:
    """The stop is at an access node that has nothing of the rate; the one behind it has."""
    plant.serve()
    with_an_empty_place(plant)
    extra = (*entry(SITE), "extra")
    with plant.engine.begin() as connection:
        plant.ask(connection, "OLT-0", {"extra": Fragment({entry(SITE): PRESENT, extra: "1"})})
    plant.write("OLT-0")
    plant.order("B", modify("speed", rate=300))
    task_id = plant.ask_back(before="B")
    plant.by_hand("OLT-0", "extra", "by hand")
    task = plant.finish(task_id)
    assert told(task, "state") == {BNG: "done", "OLT-0": "refused", OLT: "notAsked"}
    assert plant.held()["rate"][0] == "300"


def test_a_stop_behind_devices_with_nothing_to_send_has_changed_nothing(plant: Plant) -> None:
    plant.serve()
    with_an_empty_place(plant)
    plant.order("B", modify("speed", rate=300))
    wanted = {device: plant.intent(device) for device in plant.devices}
    task_id = plant.ask_back(before="B")
    # Somebody has put the BNG back by hand already, and the OLT to something else.
    plant.devices[BNG].running = dict(SERVED[BNG])
    plant.by_hand(OLT, "rate", "by hand")
    task = plant.finish(task_id)
    assert told(task, "edits") == {BNG: 0, "OLT-0": 0, OLT: 0}
    assert task["result"].get("nothingChanged") is True
    assert {device: plant.intent(device) for device in plant.devices} == wanted
    assert plant.in_force() == {"A/line", "B/speed"}


def test_force_goes_on_regardless(plant: Plant) -> None:
    task = drifted(plant, OLT, policy=Policy.FORCE)
    assert (task["state"], task["result"]["verdict"]) == ("done", "VERIFIED")
    assert plant.on(OLT)["rate"] == "100"
    assert plant.held()["rate"][0] == "100"


def test_what_keep_leaves_of_a_whole_site_rests_without_end(plant: Plant) -> None:
    plant.serve()
    task_id = plant.ask_back(policy=Policy.KEEP)
    plant.by_hand(OLT, "foreign", "1")
    task = plant.finish(task_id)
    assert told(task, "verdict") == {BNG: "VERIFIED", OLT: "KEPT"}
    assert plant.on(OLT) == {"foreign": "1", "tag": "T1", "rate": "100"}
    assert plant.rests("L1") == plant.rests("T1") == "without end"
    assert plant.held() == {"rate": ("100", "in-use")}, "the OLT may still give it"
    assert plant.in_force() == set()


# What cannot be reached or will not


def test_a_device_that_is_gone_leaves_the_task_with_an_error_and_its_things_without_end(
    plant: Plant,
) -> None:
    plant.serve()
    task_id = plant.ask_back()
    plant.unreachable.add(OLT)
    task = plant.finish(task_id)
    assert task["state"] == "terminatedWithError"
    assert told(task, "verdict") == {BNG: "VERIFIED", OLT: "INDETERMINATE"}
    assert told(task, "reason") == {BNG: None, OLT: "DEVICE_UNREACHABLE"}
    assert told(task, "evidence")[OLT]["attempts"] == GIVE_UP_AFTER
    assert told(task, "evidence")[BNG]["site"].keys() == {"before", "after"}
    result = task["result"]
    assert (result["verdict"], result["quarantine"]) == ("INDETERMINATE", "until cleaned")
    assert {each["name"] for each in result["released"]} == {"bearer", "tag"}
    assert plant.rests("L1") == plant.rests("T1") == "without end"
    assert plant.held() == {"rate": ("100", "in-use")}
    assert plant.intent(OLT) == {}
    assert plant.rows("SELECT device FROM site_intent") == [(OLT,)]
    # A later one that finds all of it clean lets it rest as its pool says.
    plant.unreachable.clear()
    again = plant.roll_back()
    assert (again["state"], again["result"]["verdict"]) == ("done", "VERIFIED")
    assert plant.rests("L1") == "quarantined"
    assert plant.rests("T1") == "available"
    assert plant.held() == {}
    assert plant.rows("SELECT device FROM site_intent") == []


def test_what_rests_without_end_goes_on_resting_while_something_is_left(plant: Plant) -> None:
    plant.serve()
    plant.unreachable.add(OLT)
    for _ in range(2):
        plant.roll_back()
        assert plant.rests("L1") == "without end"


def test_a_share_stays_counted_while_a_device_may_give_it_and_no_other_does(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    plant.order("C", add("label", text="x"))
    task_id = plant.ask_back(before="C")
    plant.devices[BNG].refusal = lambda _: CommitRefused("in use")
    task = plant.finish(task_id)
    assert told(task, "verdict") == {BNG: "FAILED", OLT: "VERIFIED"}
    assert plant.held()["rate"][0] == "300"
    plant.devices[BNG].refusal = lambda _: None
    task_id = plant.ask_back(before="B")
    plant.failure[OLT] = AuthenticationFailed("no", device=OLT)
    plant.finish(task_id)
    assert plant.held()["rate"][0] == "300"


def test_before_a_delete_of_what_needs_no_resource_it_comes_back(plant: Plant) -> None:
    plant.order("A", *SERVICE, add("label", text="x"))
    number = plant.number()
    plant.order("B", delete("label"))
    assert "label" not in plant.on(BNG)
    with pytest.raises(Exception, match="order B has deleted something since"):
        plant.roll_back(to=number)


# What is left on a device


def test_a_template_that_somebody_else_refers_to_stays_and_is_told(plant: Plant) -> None:
    plant.serve()
    plant.devices[BNG].refers[TEMPLATE] = {("sites", "site[name='foreign']", "policy"): "R100"}
    task = plant.roll_back(policy=Policy.KEEP)
    assert told(task, "orphans") == {BNG: ["/templates/template[name='R100']"], OLT: []}
    assert TEMPLATE in plant.devices[BNG].running


def test_what_is_left_are_paths_the_target_has_not_and_what_was_kept(plant: Plant) -> None:
    plant.serve()
    task_id = plant.ask_back()
    plant.turn()
    change = plant.of_task(task_id)[BNG]
    with plant.engine.connect() as connection:
        line = plant.intent(OLT)["line"]
        left = results.left(connection, {"line": line}, change)
        assert left == {(*entry(SITE), "policy")}
        everything = results.left(connection, {}, change)
    assert everything == {entry(SITE), (*entry(SITE), "policy"), (*entry(SITE), "tag")}
