"""A modify that a device refuses goes back on those that have taken it, and is held."""

from typing import Any

import pytest

from adapters.errors import CommitRefused
from rom.model.change import ChangeState
from rom.model.order_states import ItemState, Step
from rom.undo.way_back import GIVE_UP_AFTER
from tests.rules.plant import BNG, OLT, SERVICE, SITE, Plant, add, delete, modify
from tests.rules.sites import entry

FULL = CommitRefused("no room")


@pytest.fixture
def refused(plant: Plant) -> Plant:
    """A modify that the OLT has taken and the BNG has not."""
    plant.serve()
    plant.place("B", modify("speed", rate=300))
    assert plant.advance() == {OLT, BNG}
    plant.write(OLT)
    plant.devices[BNG].refusal = lambda _: FULL
    plant.write(BNG)
    assert plant.on(OLT)["rate"] == "300"
    return plant


def step_of(plant: Plant, name: str = "B", key: str = "speed") -> tuple[ItemState, Step]:
    item = plant.items(name)[key]
    return item.state, item.step


def test_what_other_devices_have_taken_goes_back_and_the_item_is_held(refused: Plant) -> None:
    assert refused.advance() == {OLT}
    assert step_of(refused) == (ItemState.IN_PROGRESS, Step.BACKING_OUT)
    assert refused.items("B")["speed"].reason == "DEVICE_REFUSED"
    assert refused.notes("B") == [
        "DEVICE_REFUSED: BNG-1: no room; what other devices have taken of it goes back"
    ]
    assert refused.advance() == set(), "the OLT has not been written yet"
    refused.go()
    refused.write(OLT)
    refused.go()
    assert refused.on(OLT)["rate"] == "100"
    assert step_of(refused) == (ItemState.HELD, Step.ASSESSING)
    assert refused.items("B")["speed"].reason == "DEVICE_REFUSED"
    assert refused.notes("B")[1:] == ["DEVICE_REFUSED: BNG-1: no room; OLT-1 back as before"]
    assert refused.held()["rate"] == ("100", "in-use")
    assert refused.in_force() == {"A/line", "A/speed"}
    assert refused.changes_of("B") == []
    ((kind, result, evidence),) = refused.rows(
        "SELECT kind, result, evidence FROM verdict WHERE order_id = 'B' AND item_id = 'speed'"
    )
    assert (kind, result) == ("rollback", "VERIFIED")
    assert evidence["refused"] == "BNG-1: no room"
    assert [each["device"] for each in evidence["devices"]] == [OLT]


def test_the_trail_says_that_the_gateway_has_done_it_and_why(refused: Plant) -> None:
    refused.advance()
    ((kind, actor, actor_kind, sites, order, reason),) = refused.rows(
        "SELECT kind, actor, actor_kind, sites, order_id, reason FROM trail_entry "
        "ORDER BY place DESC LIMIT 1"
    )
    assert (kind, actor, actor_kind) == ("order.changeBackedOut", "gateway", "gateway")
    assert (sites, order, reason) == ([SITE], "B", "DEVICE_REFUSED: BNG-1: no room")


def test_it_may_be_tried_anew_and_then_asks_for_everything(refused: Plant) -> None:
    settle(refused)
    refused.devices[BNG].refusal = lambda _: None
    item = refused.items("B")["speed"]
    with refused.engine.begin() as connection:
        refused.transitions.move(connection, item, ItemState.IN_PROGRESS)
    refused.go()
    assert step_of(refused) == (ItemState.IN_PROGRESS, Step.VERIFYING)
    assert refused.prove()
    assert refused.running_rates() == {OLT: "300", BNG: "R300"}
    assert refused.held()["rate"] == ("300", "in-use")
    assert refused.in_force() == {"A/line", "B/speed"}


def settle(plant: Plant) -> None:
    """Go on until nothing moves any more."""
    for _ in range(10):
        plant.go()
        for device in (OLT, BNG):
            plant.write(device)


def test_nothing_else_of_the_site_goes_out_meanwhile(refused: Plant) -> None:
    refused.advance()
    refused.place("C", add("label", text="x"))
    assert refused.advance() == set()
    assert step_of(refused, "C", "label") == (ItemState.ACKNOWLEDGED, Step.ASSESSING)
    refused.devices[BNG].refusal = lambda _: None
    settle(refused)
    assert step_of(refused, "C", "label")[1] is Step.VERIFYING


def test_an_add_that_is_refused_stays_where_it_is(plant: Plant) -> None:
    plant.devices[BNG].refusal = lambda _: FULL
    plant.place("A", *SERVICE)
    settle(plant)
    assert {step_of(plant, "A", key) for key in ("line", "speed")} == {
        (ItemState.HELD, Step.QUEUED)
    }
    assert plant.on(OLT) == {"tag": "T1", "rate": "100"}


def test_a_delete_that_is_refused_stays_where_it_is(plant: Plant) -> None:
    plant.serve()
    plant.devices[BNG].refusal = lambda _: FULL
    plant.place("B", delete("speed"))
    settle(plant)
    assert step_of(plant) == (ItemState.HELD, Step.QUEUED)
    assert "rate" not in plant.on(OLT)


def test_people_decide_where_somebody_else_has_changed_the_site_since(refused: Plant) -> None:
    """A rollback of another kind, a repair or another order: what was before is not wanted now."""
    with refused.engine.begin() as connection:
        line = {"line": refused.intent(OLT)["line"]}
        refused.ask(connection, OLT, line)
    refused.write(OLT)
    settle(refused)
    assert step_of(refused) == (ItemState.HELD, Step.QUEUED)
    assert "rate" not in refused.on(OLT)
    assert len(refused.notes("B")) == 1


def test_modifies_of_two_orders_at_once_are_left_to_people(plant: Plant) -> None:
    plant.order("A", *SERVICE, add("label", text="x"))
    plant.place("B", modify("speed", rate=300))
    plant.place("C", modify("label", text="y"))
    plant.devices[BNG].refusal = lambda _: FULL
    settle(plant)
    assert step_of(plant) == (ItemState.HELD, Step.QUEUED)
    assert step_of(plant, "C", "label") == (ItemState.HELD, Step.QUEUED)


def test_a_withdrawn_change_is_no_refusal(plant: Plant) -> None:
    plant.serve()
    plant.place("B", modify("speed", rate=300))
    plant.advance()
    plant.write(OLT)
    plant.rows(
        "UPDATE change SET state = 'refused', reason = 'CANCELLED' "
        "WHERE order_id = 'B' AND device = :d", d=BNG,
    )  # fmt: skip
    with plant.engine.begin() as connection:
        view = plant.view(connection)
        assert plant.back_out.advance(connection, view, set[str]().add) is None
    assert step_of(plant) == (ItemState.IN_PROGRESS, Step.QUEUED)


def test_all_modifies_of_the_order_go_back_together(plant: Plant) -> None:
    """The label is on its device already; it shares the BNG with the rate that is refused."""
    plant.order("A", *SERVICE, add("label", text="x"))
    before = plant.running()
    plant.place("B", modify("label", text="y"), modify("speed", rate=300), add("sla"))
    plant.advance()
    plant.write(BNG)
    plant.devices[OLT].refusal = lambda _: FULL
    plant.write(OLT)
    settle(plant)
    assert plant.running() == before
    for key in ("label", "speed"):
        assert step_of(plant, key=key) == (ItemState.HELD, Step.ASSESSING)
        assert plant.items("B")[key].reason == "DEVICE_REFUSED"
    assert step_of(plant, key="sla")[1] is not Step.ASSESSING, "an add is none of it"
    assert plant.in_force() == {"A/line", "A/speed", "A/label"}
    assert len(plant.rows("SELECT 1 FROM verdict WHERE order_id = 'B'")) == 2


def test_where_no_other_device_has_taken_anything_that_is_said(plant: Plant) -> None:
    plant.order("A", *SERVICE, add("label", text="x"))
    plant.place("B", modify("label", text="y"))
    plant.advance()
    plant.devices[BNG].refusal = lambda _: FULL
    plant.write(BNG)
    settle(plant)
    assert step_of(plant, key="label") == (ItemState.HELD, Step.ASSESSING)
    assert plant.notes("B")[-1] == (
        "DEVICE_REFUSED: BNG-1: no room; no other device had taken anything of it"
    )
    ((result,),) = plant.rows("SELECT result FROM verdict WHERE order_id = 'B'")
    assert result == "VERIFIED"


def test_what_a_device_may_still_have_stays_counted_and_is_told(refused: Plant) -> None:
    refused.advance()
    refused.unreachable.add(OLT)
    for _ in range(GIVE_UP_AFTER):
        refused.write(OLT)
    refused.go()
    assert step_of(refused) == (ItemState.HELD, Step.ASSESSING)
    assert refused.notes("B")[-1] == (
        "DEVICE_REFUSED: BNG-1: no room; OLT-1 may still have it (DEVICE_UNREACHABLE)"
    )
    assert refused.held()["rate"] == ("300", "in-use")
    ((result,),) = refused.rows("SELECT result FROM verdict WHERE order_id = 'B'")
    assert result == "INDETERMINATE"


def test_the_reason_of_the_refusal_stays_the_items(plant: Plant) -> None:
    plant.serve()
    plant.place("B", modify("speed", rate=300))
    plant.advance()
    plant.write(OLT)
    plant.devices[BNG].ignores = {(*entry(SITE), "policy")}
    plant.write(BNG)
    plant.devices[BNG].ignores = ()
    settle(plant)
    assert step_of(plant) == (ItemState.HELD, Step.ASSESSING)
    assert plant.items("B")["speed"].reason == "READ_BACK_MISMATCH"
    assert plant.notes("B")[-1].startswith("READ_BACK_MISMATCH: BNG-1: device did not take: ")


def test_what_each_of_the_other_devices_holds_now_is_told(refused: Plant) -> None:
    refused.advance()
    refused.write(OLT)
    refused.rows(
        "INSERT INTO change (device, site, kind, order_id, task_id, state, reason, error) "
        "SELECT x.device, site, kind, order_id, task_id, x.state, x.reason, 'no' FROM change, "
        "(VALUES ('OLT-2', 'done', NULL), ('OLT-3', 'refused', 'DEVICE_LOCKED'), "
        "('OLT-4', 'refused', 'DEVICE_REFUSED')) AS x (device, state, reason) "
        "WHERE task_id IS NOT NULL"
    )
    refused.advance()
    assert refused.notes("B")[-1] == (
        "DEVICE_REFUSED: BNG-1: no room; OLT-1, OLT-2 back as before; "
        "OLT-3 may still have it (DEVICE_LOCKED); OLT-4 may still have it (DEVICE_REFUSED)"
    )


def test_what_the_change_had_on_standby_is_in_use_again_and_nothing_else(refused: Plant) -> None:
    """The bearer stands by for somebody else's change, which people have yet to decide on."""
    refused.rows("UPDATE reservation SET state = 'standby' WHERE name IN ('bearer', 'rate')")
    settle(refused)
    assert step_of(refused) == (ItemState.HELD, Step.ASSESSING)
    assert refused.held() == {
        "bearer": ("L1", "standby"), "tag": ("T1", "in-use"), "rate": ("100", "in-use"),
    }  # fmt: skip


def test_a_second_back_out_is_one_of_its_own(refused: Plant) -> None:
    settle(refused)
    item = refused.items("B")["speed"]
    with refused.engine.begin() as connection:
        refused.transitions.move(connection, item, ItemState.IN_PROGRESS)
    assert refused.advance() == {OLT, BNG}
    refused.write(OLT)
    assert refused.on(OLT)["rate"] == "300"
    refused.write(BNG)
    settle(refused)
    assert refused.on(OLT)["rate"] == "100"
    assert step_of(refused) == (ItemState.HELD, Step.ASSESSING)
    assert len(refused.rows("SELECT 1 FROM verdict WHERE order_id = 'B'")) == 2
    tasks = refused.rows("SELECT task_id FROM change WHERE kind = 'rollback' AND site = :s", s=SITE)
    assert len({task for (task,) in tasks}) == 2
    states: set[Any] = {row[0] for row in refused.rows("SELECT state FROM change")}
    assert states == {ChangeState.DONE}


def test_while_it_goes_back_a_verifying_modify_of_the_order_goes_too(plant: Plant) -> None:
    """The label's modify renders the whole site, so the rate's has nothing left to ask for."""
    plant.order("A", *SERVICE, add("label", text="x"))
    plant.place("B", modify("label", text="y"), modify("speed", rate=300))
    plant.advance()
    plant.write(BNG)
    plant.advance()
    assert step_of(plant)[1] is Step.VERIFYING
    plant.devices[OLT].refusal = lambda _: FULL
    plant.write(OLT)
    settle(plant)
    assert plant.on(BNG) == {"tag": "T1", "policy": "R100", "label": "x"}
    for key in ("label", "speed"):
        assert step_of(plant, key=key) == (ItemState.HELD, Step.ASSESSING)
