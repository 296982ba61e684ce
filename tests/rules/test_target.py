"""Where a rollback may lead, and what stands again at a site."""

from typing import Any

import pytest

from rom.model.change import Policy
from rom.model.errors import NotABoundary, OrderUnderWay, RollbackOpen, TargetGone, UnknownTarget
from rom.store import site_items
from rom.undo import standing
from rom.undo.target import Target, at_number, resolve
from tests.rules.plant import BNG, OLT, OTHER, SERVICE, SITE, Plant, add, delete, modify
from tests.rules.sites import entry


def target(plant: Plant, **asked: Any) -> Target:
    with plant.engine.connect() as connection:
        return resolve(connection, plant.vault, SITE, **asked)


def rate(found: Target) -> str:
    return found.wanted(OLT)["speed"].own[(*entry(SITE), "rate")]


def test_without_a_target_it_leads_to_nothing_and_takes_everything_back(plant: Plant) -> None:
    assert target(plant) == Target(SITE, 0, {}, ())
    plant.serve()
    found = target(plant)
    assert (found.number, found.orders, found.fragments) == (0, ("A",), {})
    assert target(plant, to=0) == found
    assert found.wanted("OLT-9") == {}


def test_to_a_number_is_what_was_wanted_then(plant: Plant) -> None:
    plant.serve()
    number = plant.number()
    plant.order("B", modify("speed", rate=300))
    found = target(plant, to=number)
    assert (found.site, found.number, found.orders) == (SITE, number, ("B",))
    assert found.fragments.keys() == {OLT, BNG}
    assert rate(found) == "100"
    assert rate(target(plant, to=plant.number())) == "300"
    with plant.engine.connect() as connection:
        assert at_number(connection, plant.vault, SITE, number).keys() == {OLT, BNG}
        assert at_number(connection, plant.vault, SITE, 0) == {}
        assert at_number(connection, plant.vault, OTHER, number) == {}


def test_before_an_order_is_its_first_place(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    plant.order("C", modify("speed", rate=400))
    found = target(plant, before="C")
    assert (rate(found), found.orders) == ("300", ("C",))
    assert target(plant, before="A").number < found.number
    assert target(plant, before="A").orders == ("A", "B", "C")
    assert not any(target(plant, before="A").fragments.values())


def test_before_an_order_that_sent_nothing_is_the_snapshot_before_it(plant: Plant) -> None:
    plant.serve()
    number = plant.number()
    plant.order("B", add("sla"))
    found = target(plant, before="B")
    assert (found.number, found.orders, rate(found)) == (number, ("B",), "100")


def test_what_is_no_snapshot_of_the_site_or_no_order_of_it_is_unknown(plant: Plant) -> None:
    plant.serve()
    elsewhere = plant.order("N", *SERVICE, site=OTHER)
    with pytest.raises(UnknownTarget, match=f"site S1 has no snapshot {elsewhere}"):
        target(plant, to=elsewhere)
    with pytest.raises(UnknownTarget, match="order N has changed nothing at site S1"):
        target(plant, before="N")


def test_a_number_within_an_order_is_refused_with_those_around_it(plant: Plant) -> None:
    plant.serve()
    number = plant.number()
    last = plant.order("B", modify("speed", rate=300))
    (inside,) = plant.rows(
        "SELECT min(id) FROM snapshot WHERE order_id = 'B' AND moment = 'after'"
    )[0]
    with pytest.raises(NotABoundary) as caught:
        target(plant, to=inside)
    assert caught.value.field == "to"
    (first,) = plant.rows("SELECT min(id) FROM snapshot WHERE order_id = 'B'")[0]
    around = f"this lies within order B; the nearest boundaries are {first} and {last}"
    assert around in str(caught.value)
    assert target(plant, to=first).orders == target(plant, to=number).orders == ("B",)


def test_a_number_within_a_rollback_is_refused(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    task = plant.roll_back(before="B")
    (inside,) = plant.rows(
        "SELECT min(id) FROM snapshot WHERE order_id IS NULL AND moment = 'after'"
    )[0]
    with pytest.raises(NotABoundary) as caught:
        target(plant, to=inside)
    assert f"rollback or cancellation {task['id']}" in str(caught.value)
    assert target(plant, to=plant.number()).orders == ()


def test_before_an_order_that_another_straddles_is_refused(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    plant.order("C", add("label", text="x"))
    plant.order("D", modify("speed", rate=400))
    plant.rows("UPDATE snapshot SET order_id = 'B' WHERE order_id = 'D'")
    with pytest.raises(NotABoundary, match="within order B") as caught:
        target(plant, before="C")
    assert caught.value.field == "before"


def test_what_was_taken_back_since_or_given_back_is_gone(plant: Plant) -> None:
    plant.serve()
    first = plant.number()
    shown = plant.order("B", modify("speed", rate=300))
    task = plant.roll_back(before="B")
    with pytest.raises(
        TargetGone, match=f"order B, which it shows, was taken back by {task['id']}"
    ):
        target(plant, to=shown)
    assert target(plant, to=first).orders == ()
    plant.order("C", delete("speed", rate=100))
    with pytest.raises(TargetGone, match="order C has deleted something since and given"):
        target(plant, to=first)
    assert target(plant).orders == ("A", "C"), "nothing needs nothing"


def test_a_task_is_refused_while_an_order_or_another_task_is_under_way(plant: Plant) -> None:
    plant.serve()
    plant.place("B", modify("speed", rate=300))
    with pytest.raises(OrderUnderWay, match="order B is still under way at site S1"):
        plant.ask_back()
    plant.rows("DELETE FROM order_item WHERE order_id = 'B'")
    plant.ask_back()
    with pytest.raises(RollbackOpen, match="site S1 has a rollback under way already"):
        plant.ask_back()


# What stands again


def again(plant: Plant, *names: str) -> set[str]:
    with plant.engine.connect() as connection:
        items = site_items.items_of_site(connection, SITE)
        taken = [item for item in items if item.order_id in names]
        found = standing.earlier_items(connection, SITE, taken)
    return {f"{item.order_id}/{item.key}" for item in found}


def test_the_latest_of_each_key_stands_again_and_adds_bring_nothing(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=200))
    plant.order("C", modify("speed", rate=300), add("label", text="x"))
    assert again(plant, "C") == {"B/speed"}
    assert again(plant, "B", "C") == {"A/speed"}
    assert again(plant, "A", "B", "C") == set()
    assert again(plant, "A") == set()
    assert again(plant) == set()
    # What is replaced is taken back without bringing anything back.
    assert again(plant, "B") == set()


def test_what_was_taken_back_before_does_not_stand_again(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=200))
    plant.roll_back(before="B")
    plant.order("C", modify("speed", rate=300))
    assert again(plant, "C") == {"A/speed"}


def test_what_a_stopped_rollback_has_not_taken_back_stands(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=200))
    plant.ask_back(before="B", policy=Policy.REFUSE)
    plant.by_hand(BNG, "policy", "by hand")
    while plant.turn()[0]:
        plant.write(BNG)
    plant.by_hand(BNG, "policy", "R200")
    with plant.engine.connect() as connection:
        assert standing.history_of(connection, SITE).standing_from((0, 0)) == ("A", "B")
    plant.order("C", modify("speed", rate=300))
    assert again(plant, "C") == {"B/speed"}


def cancelled(plant: Plant, order: str, *item_ids: str) -> None:
    plant.rows(
        "INSERT INTO cancel_task (id, order_id, item_ids, document, state, sites, created_at, "
        "effective_at, finished_at) VALUES ('CO-' || :o, :o, :i, '{}', 'done', "
        "'{\"S1\": {}}', clock_timestamp(), clock_timestamp(), clock_timestamp())",
        o=order, i=list(item_ids) or None,
    )  # fmt: skip


def test_what_a_cancellation_has_taken_back_does_not_stand_again(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=200))
    cancelled(plant, "B", "other")
    plant.order("C", modify("speed", rate=300))
    assert again(plant, "C") == {"B/speed"}
    plant.rows("UPDATE cancel_task SET item_ids = '{speed}'")
    assert again(plant, "C") == {"A/speed"}
    cancelled(plant, "A", "line")
    assert again(plant, "C") == {"A/speed"}


def test_a_cancellation_takes_an_order_back_once_nothing_of_it_is_left(plant: Plant) -> None:
    plant.serve()
    plant.order("B", add("label", text="x"), add("sla"))

    def stand() -> tuple[str, ...]:
        with plant.engine.connect() as connection:
            return standing.history_of(connection, SITE).standing_from((0, 0))

    cancelled(plant, "B", "label")
    assert stand() == ("A", "B")
    plant.rows("UPDATE cancel_task SET item_ids = '{label, sla}'")
    assert stand() == ("A",)
    plant.rows("UPDATE cancel_task SET item_ids = NULL")
    assert stand() == ("A",)


def test_a_cancellation_under_way_goes_on_to_the_end_of_time(plant: Plant) -> None:
    plant.serve()
    cancelled(plant, "A")
    plant.rows("UPDATE cancel_task SET finished_at = NULL, state = 'inProgress'")
    with plant.engine.connect() as connection:
        (way,) = standing.history_of(connection, SITE).ways_back
    assert way.id == "CO-A"
    assert way.ended.year == 9999
    assert way.ended > way.began
