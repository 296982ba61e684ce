"""What a site gives back, what it keeps, and how long things rest."""

from collections.abc import Iterable
from typing import Any

import pytest

from inventory.model import ResourceExhausted
from rom.model.order import Item
from rom.undo.give_back import Held, end_of_waiting
from tests.rules.plant import OTHER, SITE, Plant, add, delete, modify


def items(plant: Plant, *names: str) -> list[Item]:
    return [item for name in names for item in plant.items(name).values()]


def settle(plant: Plant, taken: Iterable[Item], names: Iterable[str], **how: Any) -> list[Held]:
    with plant.engine.begin() as connection:
        return plant.give_back.settle(connection, SITE, list(taken), names=set(names), **how)


def would_go(plant: Plant, *names: str) -> set[str]:
    with plant.engine.connect() as connection:
        return {
            each.name for each in plant.give_back.would_go(connection, SITE, items(plant, *names))
        }


ALL = {"bearer", "tag", "rate"}


def test_what_nothing_needs_any_more_would_go(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    plant.order("C", add("router"))
    assert would_go(plant, "A", "B", "C") == ALL | {"ce"}
    assert would_go(plant, "C") == {"ce"}
    assert would_go(plant, "B") == set(), "the earlier item needs the rate"
    assert would_go(plant, "A") == {"bearer", "tag"}, "the later one does too"
    assert would_go(plant) == set()
    with plant.engine.connect() as connection:
        gone = plant.give_back.would_go(connection, SITE, items(plant, "A", "B"))
    found = {each.name: each for each in gone}
    assert (found["bearer"].pool, found["bearer"].value, found["bearer"].amount) == (
        "Lines", "L1", None,
    )  # fmt: skip
    assert (found["rate"].pool, found["rate"].value, found["rate"].amount) == ("Rates", "300", 300)
    assert found["bearer"].resource == str(
        plant.rows("SELECT id FROM resource WHERE value = 'L1'")[0][0]
    )


def test_items_name_what_they_reserve_and_deletes_nothing(plant: Plant) -> None:
    plant.place("A", add("line"), modify("speed", rate=1), delete("router"))
    found = plant.items("A")
    assert plant.give_back.names([found["line"]]) == {"bearer", "tag"}
    assert plant.give_back.names(found.values()) == ALL
    assert plant.give_back.names([found["router"]]) == set()


def test_what_is_about_to_be_needed_stays(plant: Plant) -> None:
    """An order under way has reserved: taking another back does not take that from it."""
    plant.serve()
    plant.place("B", modify("speed", rate=300))
    assert would_go(plant, "A") == ALL, "nothing is reserved for it yet"
    plant.advance()
    assert would_go(plant, "A") == {"bearer", "tag"}


def test_only_what_is_named_and_not_needed_goes_and_the_items_are_retired(plant: Plant) -> None:
    plant.serve()
    gone = settle(plant, items(plant, "A"), {"tag", "other"})
    assert [(each.name, each.value) for each in gone] == [("tag", "T1")]
    assert plant.held().keys() == {"bearer", "rate"}
    assert plant.in_force() == set()
    assert plant.rests("T1") == "available"


@pytest.mark.parametrize(
    ("how", "rests"),
    [
        ({}, "quarantined"),
        ({"unused": True}, "available"),
        ({"unclean": True}, "without end"),
        ({"unclean": True, "unused": True}, "without end"),
    ],
)
def test_things_rest_as_their_pool_says_or_not_at_all_or_without_end(
    plant: Plant, how: dict[str, bool], rests: str
) -> None:
    plant.serve()
    settle(plant, items(plant, "A"), ALL, **how)
    assert plant.rests("L1") == rests
    assert plant.held() == {}


def test_shares_of_keys_that_are_left_stay_counted_and_things_go(plant: Plant) -> None:
    plant.serve()
    gone = settle(plant, items(plant, "A"), ALL, left={"speed", "line"}, unclean=True)
    assert {each.name for each in gone} == {"bearer", "tag"}
    assert plant.held() == {"rate": ("100", "in-use")}


def test_a_share_of_another_key_is_given_back(plant: Plant) -> None:
    plant.serve()
    settle(plant, items(plant, "A"), ALL, left={"line"})
    assert plant.held() == {}


def test_a_modify_taken_back_leaves_what_the_earlier_item_needs(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    assert settle(plant, items(plant, "B"), {"rate"}) == []
    assert plant.held()["rate"] == ("100", "in-use")
    assert plant.in_force() == {"A/line", "A/speed"}


def test_a_modify_taken_back_stays_counted_where_it_is_left(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    settle(plant, items(plant, "B"), {"rate"}, left={"speed"})
    assert plant.held()["rate"][0] == "300"
    assert plant.in_force() == {"A/line", "A/speed"}


def test_of_two_items_with_one_name_the_larger_counts(plant: Plant) -> None:
    """A modify under way to less: until it is proven, the more may still be given."""
    plant.order("A", add("line"), add("speed", rate=300))
    plant.place("B", modify("speed", rate=100))
    plant.go()
    settle(plant, (), ())
    assert plant.held()["rate"][0] == "300"


def test_releasing_leaves_the_items_as_they_are(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    with plant.engine.begin() as connection:
        plant.give_back.release(connection, SITE, items(plant, "B"), names={"rate"})
    assert plant.held()["rate"][0] == "100"
    assert plant.in_force() == {"A/line", "B/speed"}


def test_a_share_that_is_as_needed_is_not_written_again(plant: Plant) -> None:
    plant.serve()
    before = plant.rows("SELECT xmin::text FROM reservation WHERE name = 'rate'")
    settle(plant, (), ())
    assert plant.rows("SELECT xmin::text FROM reservation WHERE name = 'rate'") == before


# Before a task


def reserve(plant: Plant, *names: str) -> None:
    with plant.engine.begin() as connection:
        plant.give_back.reserve(connection, SITE, items(plant, *names))


def test_what_earlier_items_need_more_of_is_held_beforehand(plant: Plant) -> None:
    plant.order("A", add("line"), add("speed", rate=300))
    plant.order("B", modify("speed", rate=100))
    reserve(plant, "B")
    assert plant.held()["rate"][0] == "300"


def test_what_they_need_less_of_stays_as_it_is_until_the_end(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    reserve(plant, "B")
    assert plant.held()["rate"][0] == "300"
    reserve(plant, "A")
    assert plant.held()["rate"][0] == "300"


def test_what_is_not_held_any_more_is_not_reserved(plant: Plant) -> None:
    plant.serve()
    plant.order("B", modify("speed", rate=300))
    plant.rows("DELETE FROM reservation WHERE name = 'rate'")
    reserve(plant, "B")
    assert "rate" not in plant.held()


def test_without_room_for_more_nothing_is_written(plant: Plant) -> None:
    plant.order("A", add("line"), add("speed", rate=300))
    plant.order("B", modify("speed", rate=100))
    plant.order("N", add("line"), add("speed", rate=800), site=OTHER)
    with pytest.raises(ResourceExhausted):
        reserve(plant, "B")
    with pytest.raises(ResourceExhausted):
        plant.ask_back(before="B")
    assert plant.held()["rate"][0] == "100"
    assert plant.rows("SELECT 1 FROM rollback_task") == []


# The end of waiting


def test_what_a_rollback_or_a_cancellation_has_left_need_not_wait_once_the_site_is_clean(
    plant: Plant,
) -> None:
    plant.serve()
    things = plant.rows(
        "UPDATE resource SET state = 'quarantined' WHERE value IN ('L1', 'L2', 'T1', 'T2', 'T3') "
        "RETURNING value, id"
    )
    ids = {value: str(number) for value, number in things}
    plant.rows("DELETE FROM reservation")
    task_id = plant.ask_back()
    plant.rows(
        "UPDATE rollback_task SET state = 'terminatedWithError', finished_at = now(), "
        "result = jsonb_build_object('quarantine', 'until cleaned', 'released', "
        "jsonb_build_array(jsonb_build_object('resource', CAST(:r AS text)))) WHERE id = :t",
        t=task_id, r=ids["L1"],
    )  # fmt: skip
    plant.rows(
        "INSERT INTO cancel_task (id, order_id, document, state, sites) VALUES ('CO', 'A', '{}', "
        "'done', jsonb_build_object('S1', jsonb_build_object('resting', "
        "jsonb_build_array(CAST(:r AS text)))))",
        r=ids["T1"],
    )  # fmt: skip
    with plant.engine.begin() as connection:
        end_of_waiting(connection, OTHER)
    assert plant.rests("L1") == plant.rests("T1") == "without end"
    with plant.engine.begin() as connection:
        end_of_waiting(connection, SITE)
    assert plant.rests("L1") == "quarantined"
    assert plant.rests("T1") == "available"
    assert {plant.rests(value) for value in ("L2", "T2", "T3")} == {"without end"}
