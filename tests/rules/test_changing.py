"""Modify and delete: which devices are asked, what is reserved, and what is given back when."""

from typing import Any

import pytest

from inventory.model import ResourceExhausted
from rom.fulfilment import changing
from rom.model.change import ChangeKind
from rom.model.order import Item
from rom.model.order_states import ItemState, Step
from rom.model.ticket import TicketState
from rom.store import tickets
from tests.rules.plant import BNG, CE, OLT, OTHER, SITE, Plant, add, delete, modify
from tests.rules.sites import entry


def asked(plant: Plant, name: str) -> dict[str, tuple[str, str | None]]:
    return {each.device: (each.kind.value, each.item_id) for each in plant.changes_of(name)}


def item(plant: Plant, name: str, key: str) -> Item:
    return plant.items(name)[key]


# Modify


def test_a_modify_asks_the_devices_whose_part_differs(plant: Plant) -> None:
    plant.order("A", add("line"), add("speed", rate=100), add("label", text="x"))
    plant.place("B", modify("speed", rate=300))
    assert plant.advance() == {OLT, BNG}
    assert asked(plant, "B") == {OLT: ("modify", "speed"), BNG: ("modify", "speed")}
    plant.go()
    plant.prove()
    plant.place("C", modify("label", text="y"))
    assert plant.advance() == {BNG}
    assert asked(plant, "C") == {BNG: ("modify", "label")}
    plant.write(BNG)
    assert plant.on(BNG) == {"tag": "T1", "policy": "R300", "label": "y"}


def test_a_modify_to_what_there_is_asks_nobody(plant: Plant) -> None:
    plant.serve()
    plant.place("B", modify("speed", rate=100))
    assert plant.advance() == set()
    assert asked(plant, "B") == {}
    assert item(plant, "B", "speed").step is Step.VERIFYING


def test_a_modify_renders_anew_what_shows_its_value_elsewhere(plant: Plant) -> None:
    """Whatever item it belongs to: the intent is the whole site's."""
    plant.serve()
    plant.rows(
        "UPDATE resource SET attributes = attributes || '{\"value\": \"T9\"}' WHERE value = 'T1'"
    )
    plant.order("B", modify("speed", rate=300))
    assert plant.on(OLT) == {"tag": "T9", "rate": "300"}
    assert plant.on(BNG) == {"tag": "T9", "policy": "R300"}
    assert plant.intent(OLT).keys() == {"line", "speed"}


def test_a_modify_keeps_what_else_the_site_wants_on_the_device(plant: Plant) -> None:
    plant.serve()
    with plant.engine.begin() as connection:
        kept = plant.intent(OLT)
        extra = type(kept["line"])({(*entry(SITE), "extra"): "1"})
        plant.ask(connection, OLT, {**kept, "extra": extra})
    plant.write(OLT)
    plant.order("B", modify("speed", rate=300))
    assert plant.on(OLT) == {"tag": "T1", "rate": "300", "extra": "1"}
    assert plant.rows("SELECT role FROM site_intent WHERE device = :d", d=OLT) == [("access",)]


def test_a_platform_without_the_fragment_has_no_part_in_a_modify(plant: Plant) -> None:
    plant.order("A", add("line"), add("label", text="x"))
    plant.order("B", modify("label", text="y"))
    assert plant.on(OLT) == {"tag": "T1"}
    assert plant.intent(OLT).keys() == {"line"}


def test_a_new_device_of_a_modify_gets_its_part(plant: Plant) -> None:
    plant.order("A", add("line"), add("label", text="x"))
    plant.rows("DELETE FROM site_intent WHERE device = :d", d=OLT)
    plant.place("B", modify("label", text="x"))
    assert plant.advance() == {OLT}
    assert plant.intent(OLT).keys() == {"line"}


# Amounts


def test_more_is_reserved_before_anything_is_sent(plant: Plant) -> None:
    plant.serve()
    plant.place("B", modify("speed", rate=300))
    plant.advance()
    assert plant.held()["rate"] == ("300", "in-use")


def test_less_is_given_back_only_when_the_change_is_proven(plant: Plant) -> None:
    plant.order("A", add("line"), add("speed", rate=300))
    plant.place("B", modify("speed", rate=100))
    plant.go()
    assert plant.on(OLT)["rate"] == "100"
    assert plant.held()["rate"][0] == "300"
    plant.prove()
    assert plant.held()["rate"][0] == "100"
    assert plant.in_force() == {"A/line", "B/speed"}


def grow(plant: Plant, rate: int) -> None:
    plant.place(f"G{rate}", modify("speed", rate=rate))
    with plant.engine.begin() as connection:
        view = plant.view(connection)
        changing.grow(connection, view, item(plant, f"G{rate}", "speed"))


@pytest.mark.parametrize(("rate", "held"), [(99, "100"), (100, "100"), (101, "101")])
def test_growing_takes_more_and_never_less(plant: Plant, rate: int, held: str) -> None:
    plant.serve()
    grow(plant, rate)
    assert plant.held()["rate"][0] == held


def test_growing_into_what_others_have_is_refused(plant: Plant) -> None:
    plant.serve()
    plant.order("N", add("line"), add("speed", rate=800), site=OTHER)
    grow(plant, 200)
    with pytest.raises(ResourceExhausted):
        grow(plant, 201)
    assert plant.held()["rate"][0] == "200"


def test_an_add_that_finds_a_share_left_behind_takes_what_it_needs_more(plant: Plant) -> None:
    plant.serve()
    task_id = plant.ask_back()
    plant.unreachable.add(OLT)
    plant.finish(task_id)
    assert plant.held() == {"rate": ("100", "in-use")}, "the OLT may still give it"
    plant.place("B", add("line"), add("speed", rate=300))
    plant.advance()
    assert plant.held()["rate"][0] == "300"


def test_without_room_a_modify_is_held_and_no_device_is_asked(plant: Plant) -> None:
    plant.serve()
    plant.place("B", modify("speed", rate=2000))
    assert plant.advance() == set()
    held = item(plant, "B", "speed")
    assert (held.state, held.reason) == (ItemState.HELD, "RESOURCE_EXHAUSTED")
    assert plant.held()["rate"][0] == "100"


# Delete


def test_a_delete_takes_its_share_out_and_asks_who_held_any_of_it(plant: Plant) -> None:
    plant.order("A", add("line"), add("speed", rate=100), add("label", text="x"))
    plant.place("B", delete("label"))
    assert plant.advance() == {BNG}
    assert asked(plant, "B") == {BNG: ("delete", "label")}
    plant.write(BNG)
    plant.advance()
    assert plant.states("B") == {"label": "completed"}, "absent is all the proof there can be"
    assert plant.on(BNG) == {"tag": "T1", "policy": "R100"}
    assert plant.intent(BNG).keys() == {"line", "speed"}
    assert plant.in_force() == {"A/line", "A/speed"}
    assert {each.kind for each in plant.changes_of("B")} == {ChangeKind.DELETE}


def test_a_delete_gives_back_what_its_item_had_and_nothing_else(plant: Plant) -> None:
    plant.serve()
    plant.order("N", add("line"), add("speed", rate=10), site=OTHER)
    plant.order("B", delete("speed", rate=100))
    assert plant.held() == {"bearer": ("L1", "in-use"), "tag": ("T1", "in-use")}
    plant.order("C", delete("line"))
    assert plant.held() == {}
    assert plant.rests("L1") == "quarantined"
    assert plant.held(OTHER).keys() == {"bearer", "tag", "rate"}
    assert plant.in_force() == set()
    assert plant.rows("SELECT DISTINCT site FROM site_intent") == [(OTHER,)]
    assert plant.rests_for("L1") == "an hour"


@pytest.mark.usefixtures("abroad")
def test_what_a_delete_gives_back_rests_as_long_wherever_the_gateway_runs(plant: Plant) -> None:
    plant.serve()
    plant.order("B", delete("speed", rate=100))
    plant.order("C", delete("line"))
    assert plant.rests_for("L1") == "an hour"


def test_a_delete_waits_for_what_needs_its_item(plant: Plant) -> None:
    plant.serve()
    plant.place("B", delete("line"))
    assert plant.advance() == set()
    assert item(plant, "B", "line").step is Step.RESERVED
    assert plant.on(OLT) == {"tag": "T1", "rate": "100"}


def test_who_is_held_for_want_of_resources_is_tried_when_something_is_given_back(
    plant: Plant,
) -> None:
    plant.order("A", add("line"), add("speed", rate=900))
    plant.place("N", add("line"), add("speed", rate=500), site=OTHER)
    plant.advance(OTHER)
    plant.rows("UPDATE order_item SET due_at = now() + interval '1h' WHERE order_id = 'N'")
    plant.order("B", delete("speed", rate=900))
    (due,) = plant.rows("SELECT bool_and(due_at <= now()) FROM order_item WHERE order_id = 'N'")
    assert due == (True,)


@pytest.fixture
def routed(plant: Plant) -> Plant:
    plant.serve()
    plant.order("R", add("router"))
    with plant.engine.begin() as connection:
        tickets.stage(
            connection, serial=CE, site=SITE, token=CE, order_id="R", item_id="router",
            profile="plain-ce", configuration="", exec_lines=(),
        )  # fmt: skip
    return plant


def ticket(plant: Plant) -> TicketState | None:
    with plant.engine.connect() as connection:
        return tickets.state_of(connection, CE)


def test_a_router_is_let_go_without_being_asked(routed: Plant) -> None:
    routed.place("B", delete("router"))
    assert routed.advance() == set()
    assert ticket(routed) is None
    assert asked(routed, "B") == {}
    assert routed.on(CE) == {"router": CE}
    assert routed.rows("SELECT 1 FROM net_effect WHERE device = :d", d=CE) == []
    assert routed.states("B") == {"router": "completed"}
    assert "ce" not in routed.held()


def test_behind_a_router_that_is_let_go_the_others_are_asked(routed: Plant) -> None:
    with routed.engine.begin() as connection:
        mine = routed.intent(CE)["router"]
        routed.ask(connection, OLT, {**routed.intent(OLT), "router": mine})
    routed.write(OLT)
    assert routed.on(OLT)["router"] == CE
    routed.place("B", delete("router"))
    assert routed.advance() == {OLT}
    routed.write(OLT)
    assert routed.on(OLT) == {"tag": "T1", "rate": "100"}


def test_a_router_that_keeps_another_items_part_is_asked(routed: Plant) -> None:
    with routed.engine.begin() as connection:
        mine = routed.intent(CE)["router"]
        wanted: dict[str, Any] = {"router": mine, "other": type(mine)({(*entry(SITE), "o"): "1"})}
        routed.ask(connection, CE, wanted)
    routed.write(CE)
    routed.place("B", delete("router"))
    assert routed.advance() == {CE}
    assert ticket(routed) is TicketState.STAGED
    routed.write(CE)
    assert routed.on(CE) == {"o": "1"}
