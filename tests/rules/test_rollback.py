"""A rollback's task: what it comes to, what is kept, what rests, and which orders stand again."""

from typing import Any

import pytest
import sqlalchemy as sa

from rom.events.resources import ResourceEvents
from rom.store import rollbacks
from rom.undo.rollback import RollbackRunner
from tests.rules.conftest import engine_at
from tests.rules.plant import (
    BNG,
    CE,
    OLT,
    OTHER,
    SERVICE,
    SITE,
    Plant,
    add,
    modify,
)


def told(task: dict[str, Any], name: str) -> dict[str, Any]:
    """What is told of each device."""
    return {each["device"]: each[name] for each in task["result"]["devices"]}


def verdicts(plant: Plant, task: dict[str, Any]) -> dict[str, str]:
    rows = plant.rows(
        "SELECT item_id, result, kind, site FROM verdict WHERE order_id = :t", t=task["id"]
    )
    assert {row[2:] for row in rows} <= {("rollback", SITE)}
    return {row[0]: row[1] for row in rows}


def events(plant: Plant, task_id: str) -> list[tuple[str, str]]:
    return [
        (event["eventType"], event["event"]["siteRollback"]["state"])
        for (event,) in plant.rows(
            "SELECT payload FROM event_outbox WHERE payload->'event'->'siteRollback'->>'id' = :t "
            "ORDER BY sequence", t=task_id,
        )
    ]  # fmt: skip


# Whole


@pytest.mark.usefixtures("abroad")
def test_what_it_gives_back_rests_as_long_wherever_the_gateway_runs(plant: Plant) -> None:
    plant.serve()
    plant.roll_back()
    assert plant.rests_for("L1") == "an hour"


@pytest.mark.usefixtures("abroad")
def test_what_has_rested_without_end_rests_as_long_wherever_the_gateway_runs(
    plant: Plant,
) -> None:
    plant.serve()
    plant.unreachable.add(OLT)
    plant.roll_back()
    assert plant.rests("L1") == "without end"
    plant.unreachable.clear()
    plant.roll_back()
    assert plant.rests_for("L1") == "an hour"


def test_before_everything_there_is_nothing_and_all_is_given_back(plant: Plant) -> None:
    plant.serve()
    task_id = plant.ask_back(reason="moved", ticket="INC-1")
    assert plant.turn() == (True, [BNG])
    assert plant.turn() == (True, [])
    assert plant.rows("SELECT state FROM rollback_task") == [("inProgress",)]
    task = plant.finish(task_id)
    assert task["state"] == "done"
    assert plant.written[-2:] == [BNG, OLT]
    assert plant.running() == {name: {} for name in plant.devices}
    assert told(task, "device") == {BNG: BNG, OLT: OLT}
    assert told(task, "verdict") == {BNG: "VERIFIED", OLT: "VERIFIED"} == verdicts(plant, task)
    assert told(task, "edits") == {BNG: 5, OLT: 3}
    sent = plant.rows("SELECT device, id FROM device_txn ORDER BY started_at DESC LIMIT 2")
    assert told(task, "transaction") == dict(sent)
    result = task["result"]
    assert (result["verdict"], result["quarantine"]) == ("VERIFIED", "by pool")
    assert "nothingChanged" not in result
    released = {each["name"]: (each["pool"], each["value"]) for each in result["released"]}
    assert released == {
        "bearer": ("Lines", "L1"), "tag": ("Tags", "T1"), "rate": ("Rates", "100")
    }  # fmt: skip
    assert plant.held() == {}
    assert plant.rests("L1") == "quarantined", "as its pool says"
    assert plant.rests("T1") == "available"
    assert plant.in_force() == set()
    assert plant.intent(OLT) == plant.intent(BNG) == {}
    assert plant.rows("SELECT 1 FROM site_intent") == []
    assert plant.notes("A") == [f"ROLLED_BACK: by {task_id}, moved, ticket INC-1"] * 2
    noted = plant.rows("SELECT item_id FROM item_note WHERE order_id = 'A' ORDER BY item_id")
    assert noted == [("line",), ("speed",)]
    assert plant.turn() == (False, []), "it is over"


def test_without_reason_or_ticket_the_note_has_none(plant: Plant) -> None:
    plant.order("A", add("sla"))
    task = plant.roll_back()
    assert task["state"] == "done"
    assert plant.notes("A") == [f"ROLLED_BACK: by {task['id']}"]
    assert plant.in_force() == set()


def test_two_never_take_a_rollback_further_at_once(plant: Plant) -> None:
    plant.serve()
    plant.ask_back()
    plant.turn()
    url = plant.engine.url.render_as_string(hide_password=False)
    impatient = sa.create_engine(url, connect_args={"options": "-c lock_timeout=100"})
    other = RollbackRunner(impatient, plant.directory, plant.vault, plant.give_back)
    with plant.engine.begin() as connection:
        rollbacks.open_of_site(connection, SITE, lock=True)
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            other.advance(SITE, set[str]().add)
    impatient.dispose()


def test_its_states_are_told(plant: Plant) -> None:
    plant.serve()
    task = plant.roll_back()
    assert events(plant, task["id"]) == [
        ("SiteRollbackCreateEvent", "acknowledged"),
        ("SiteRollbackStateChangeEvent", "inProgress"),
        ("SiteRollbackStateChangeEvent", "done"),
    ]


def test_before_a_modify_the_earlier_item_stands_again_with_its_share(plant: Plant) -> None:
    plant.serve()
    before = plant.running()
    plant.order("B", modify("speed", rate=300))
    assert plant.held()["rate"] == ("300", "in-use")
    task = plant.roll_back(before="B")
    assert (task["state"], task["result"]["verdict"]) == ("done", "VERIFIED")
    assert plant.running() == before
    assert plant.in_force() == {"A/line", "A/speed"}
    assert plant.held() == {
        "bearer": ("L1", "in-use"), "tag": ("T1", "in-use"), "rate": ("100", "in-use"),
    }  # fmt: skip
    assert task["result"]["released"] == []
    assert plant.notes("A") == []
    assert len(plant.notes("B")) == 1


def test_of_several_modifies_only_those_from_the_target_on_are_taken_back(plant: Plant) -> None:
    plant.serve()
    number = plant.order("B", modify("speed", rate=200))
    before = plant.running()
    plant.order("C", modify("speed", rate=300))
    plant.order("D", add("label", text="x"))
    task = plant.roll_back(to=number)
    assert task["target"] == {"number": number, "orders": ["C", "D"]}
    assert plant.running() == before
    assert plant.in_force() == {"A/line", "B/speed"}
    assert plant.held()["rate"][0] == "200"


def test_only_what_was_in_force_is_noted_as_taken_back(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=200))
    plant.roll_back()
    noted = plant.rows("SELECT order_id, item_id FROM item_note ORDER BY order_id")
    assert noted == [("A", "line"), ("B", "speed")]


def test_what_it_releases_is_told_among_its_own_events(plant: Plant) -> None:
    plant.serve()
    observed = engine_at(plant.engine.url.render_as_string(hide_password=False))
    ResourceEvents("http://rom").observe(observed)
    plant.runner = RollbackRunner(observed, plant.directory, plant.vault, plant.give_back)
    task = plant.roll_back()
    observed.dispose()
    told_by = plant.rows(
        "SELECT DISTINCT payload->>'correlationId' FROM event_outbox "
        "WHERE payload->>'domain' = 'resourceInventory'"
    )
    assert told_by == [(task["id"],)]


def test_an_order_that_sends_nothing_is_taken_back_too(plant: Plant) -> None:
    plant.serve()
    number = plant.number()
    plant.order("B", add("sla", loss=2))
    task = plant.roll_back(to=number)
    assert task["target"]["orders"] == ["B"]
    assert told(task, "edits") == {BNG: 0, OLT: 0}
    assert told(task, "verdict") == {BNG: "VERIFIED", OLT: "VERIFIED"}
    assert plant.in_force() == {"A/line", "A/speed"}


def test_the_neighbour_keeps_what_is_its_and_what_both_share(plant: Plant) -> None:
    plant.order("N", *SERVICE, site=OTHER)
    before, held = plant.running(), plant.held(OTHER)
    plant.order("A", *SERVICE)
    plant.roll_back()
    assert plant.running() == before
    assert plant.held(OTHER) == held
    assert plant.in_force(OTHER) == {"N/line", "N/speed"}


def test_a_router_keeps_what_it_has_and_its_item_is_taken_back(plant: Plant) -> None:
    plant.order("A", *SERVICE, add("router"))
    task = plant.roll_back()
    assert task["state"] == "done"
    assert CE not in told(task, "device")
    assert plant.on(CE) == {"router": CE}
    assert plant.in_force() == set()
    assert plant.held() == {}


def test_more_is_reserved_when_it_is_asked_for(plant: Plant) -> None:
    plant.order("A", add("line"), add("speed", rate=300))
    plant.order("B", modify("speed", rate=100))
    plant.ask_back(before="B")
    assert plant.held()["rate"][0] == "300", "before anything is sent, as nobody else may take it"


# What somebody else has done
