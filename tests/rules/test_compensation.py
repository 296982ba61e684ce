"""Taking an order's items back while it is under way: withdrawn, waited for, sent back."""

from collections.abc import Callable
from typing import Any

import pytest

from adapters.errors import CommitRefused
from rom.model.change import ChangeState, Policy
from rom.model.ticket import TicketState
from rom.store import changes, tickets
from rom.undo import compensation
from rom.undo.compensation import GivenBack
from rom.undo.way_back import GIVE_UP_AFTER, Progress
from tests.rules.plant import BNG, CE, OLT, OTHER, SERVICE, SITE, Plant, add, delete, modify
from tests.rules.sites import entry

Step = Callable[..., Progress]


@pytest.fixture
def step(plant: Plant) -> Step:
    def taken(name: str = "A", **asked: Any) -> Progress:
        items = list(plant.items(name).values())
        with plant.engine.begin() as connection:
            return plant.compensation.step(connection, f"CO-{name}", SITE, items, **asked)

    return taken


def back(plant: Plant, step: Step, name: str = "A", **asked: Any) -> Progress:
    """Go all the way, with the writers."""
    for _ in range(20):
        progress = step(name, **asked)
        if progress.is_over:
            return progress
        for device in (OLT, BNG):
            plant.write(device)
    raise AssertionError


def give_back(plant: Plant, name: str = "A", *, unclean: bool = False) -> GivenBack:
    items = list(plant.items(name).values())
    with plant.engine.begin() as connection:
        return plant.compensation.give_back(connection, SITE, items, unclean=unclean)


def states(plant: Plant, name: str = "A") -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for change in plant.changes_of(name):
        found.setdefault(change.device, set()).add(change.state.value)
    return found


def test_what_has_not_left_is_withdrawn_and_no_device_is_asked(plant: Plant, step: Step) -> None:
    plant.place("A", *SERVICE)
    assert plant.advance() == {OLT, BNG}
    assert step().is_clean
    assert states(plant) == {OLT: {"refused"}, BNG: {"refused"}}
    assert {change.reason for change in plant.changes_of("A")} == {"CANCELLED"}
    assert plant.of_task("CO-A") == {}
    assert plant.intent(OLT) == plant.intent(BNG) == {}
    done = give_back(plant)
    assert done == GivenBack(released=("bearer", "rate", "tag"))
    assert plant.rests("L1") == "available", "no device was ever told of it"
    assert plant.held() == {}
    assert plant.in_force() == set()
    assert plant.rows("SELECT 1 FROM site_intent") == []


def test_what_a_writer_has_in_hand_is_waited_for(plant: Plant, step: Step) -> None:
    plant.place("A", *SERVICE)
    plant.advance()
    with plant.engine.begin() as connection:
        changes.claim(connection, OLT, "t", sites=1, live_sites=1)
    assert step() == Progress()
    assert states(plant) == {OLT: {"claimed"}, BNG: {"refused"}}
    assert plant.intent(OLT) != {}


def test_only_devices_that_have_got_something_are_asked(plant: Plant, step: Step) -> None:
    plant.place("A", *SERVICE)
    plant.advance()
    plant.write(OLT)
    assert step() == Progress(OLT)
    assert plant.of_task("CO-A").keys() == {OLT}
    assert plant.of_task("CO-A")[OLT].policy is Policy.APPLY
    assert plant.of_task("CO-A")[OLT].order_id is None
    assert back(plant, step).is_clean
    assert plant.on(OLT) == {}
    give_back(plant)
    assert plant.rests("L1") == "quarantined", "a device was told of it"


def test_a_device_with_a_transaction_under_way_may_have_got_something(
    plant: Plant, step: Step
) -> None:
    """Its change was put off, so nothing says it was taken; the ledger says it may have left."""
    plant.place("A", *SERVICE)
    plant.advance()
    plant.write(BNG)
    plant.rows("UPDATE change SET state = 'waiting' WHERE device = :d", d=BNG)
    assert step() == Progress(BNG)
    items = list(plant.items("A").values())
    with plant.engine.connect() as connection:
        assert compensation.was_sent(connection, BNG, SITE, items)
        assert not compensation.was_sent(connection, OLT, SITE, items)
        assert compensation.anything_sent(connection, SITE, items)
        assert not compensation.was_sent(connection, BNG, OTHER, items)
    assert back(plant, step).is_clean
    give_back(plant)
    assert plant.rests("L1") == "quarantined"


def test_a_change_that_is_done_without_a_transaction_was_taken(plant: Plant) -> None:
    """The device held it already: what is withdrawn of it has to be taken back all the same."""
    plant.serve()
    plant.place("B", modify("speed", rate=100), add("sla"))
    plant.go()
    items = list(plant.items("B").values())
    with plant.engine.connect() as connection:
        assert not compensation.anything_sent(connection, SITE, items)
    with plant.engine.begin() as connection:
        changes.request(
            connection, device=OLT, site=SITE, kind="modify", order_id="B", item_id="speed"
        )
    plant.write(OLT)
    with plant.engine.connect() as connection:
        assert compensation.was_sent(connection, OLT, SITE, items)
        assert not compensation.was_sent(connection, BNG, SITE, items)
        assert compensation.anything_sent(connection, SITE, items)


def test_a_modify_goes_back_to_what_was_before_the_order(plant: Plant, step: Step) -> None:
    plant.order("A", *SERVICE, add("label", text="x"))
    before = plant.running()
    plant.place("B", modify("speed", rate=300), delete("label"))
    plant.go()
    assert plant.on(BNG) == {"tag": "T1", "policy": "R300"}
    assert back(plant, step, "B").is_clean
    assert plant.running() == before
    assert plant.intent(BNG).keys() == {"line", "speed", "label"}


def test_an_add_taken_back_leaves_what_others_have_done(plant: Plant, step: Step) -> None:
    plant.serve()
    plant.place("B", add("label", text="x"))
    plant.go()
    plant.by_hand(BNG, "description", "by hand")
    assert back(plant, step, "B").is_clean
    assert plant.on(BNG) == {"tag": "T1", "policy": "R100", "description": "by hand"}
    assert plant.written[-1] == BNG
    assert OLT not in plant.of_task("CO-B")


def test_a_device_that_does_not_let_it_in_is_waited_for_until_people_give_it_up(
    plant: Plant, step: Step
) -> None:
    plant.place("A", *SERVICE)
    plant.go()
    step()
    plant.unreachable.add(BNG)
    for _ in range(GIVE_UP_AFTER):
        plant.write(BNG)
    over = back(plant, step)
    assert over.stuck.keys() == {BNG}
    assert plant.of_task("CO-A")[BNG].state is ChangeState.WAITING
    assert back(plant, step, given_up=[BNG]).is_clean
    done = give_back(plant, unclean=True)
    assert done.released == ("bearer", "tag")
    assert len(done.resting) == 2
    assert plant.rests("L1") == plant.rests("T1") == "without end"
    assert plant.held() == {"rate": ("100", "standby")}


def test_the_router_of_a_withdrawn_item_is_refused(plant: Plant, step: Step) -> None:
    plant.place("A", *SERVICE, add("router"))
    plant.advance()
    for order, serial in (("A", CE), ("other", "FDO2")):
        with plant.engine.begin() as connection:
            tickets.stage(
                connection, serial=serial, site=SITE, token=serial, order_id=order,
                item_id="router", profile="plain-ce", configuration="", exec_lines=(),
            )  # fmt: skip
    step()
    with plant.engine.connect() as connection:
        assert tickets.state_of(connection, CE) is None
        assert tickets.state_of(connection, "FDO2") is TicketState.STAGED


def test_what_an_order_has_replaced_stands_again_once_it_is_given_back(
    plant: Plant, step: Step
) -> None:
    plant.serve()
    plant.place("B", modify("speed", rate=300))
    plant.go()
    assert plant.held()["rate"][0] == "300"
    back(plant, step, "B")
    assert give_back(plant, "B") == GivenBack()
    assert plant.held()["rate"][0] == "100"
    assert plant.in_force() == {"A/line", "A/speed"}
    assert not plant.items("B")["speed"].in_force


def test_a_share_stays_counted_where_a_device_may_still_give_it(plant: Plant, step: Step) -> None:
    plant.serve()
    plant.place("B", modify("speed", rate=300))
    plant.go()
    back(plant, step, "B")
    assert give_back(plant, "B", unclean=True) == GivenBack()
    assert plant.held()["rate"][0] == "300"


# Backing out


def out(plant: Plant, name: str = "B") -> Progress:
    items = list(plant.items(name).values())
    with plant.engine.begin() as connection:
        return plant.compensation.back_out(connection, "BO", SITE, items)


def under_way(plant: Plant) -> None:
    """Two orders before, and a modify that has reached both devices."""
    plant.serve()
    plant.order("A2", modify("speed", rate=200))
    plant.place("B", modify("speed", rate=300))
    plant.go()


def test_a_failed_change_goes_back_to_just_before_it(plant: Plant) -> None:
    under_way(plant)
    assert out(plant) == Progress(BNG)
    change = plant.of_task("BO")[BNG]
    assert (change.order_id, change.item_id) == ("B", None)
    plant.write(BNG)
    assert plant.on(BNG)["policy"] == "R200"
    out(plant)
    plant.write(OLT)
    assert out(plant).is_clean
    assert plant.on(OLT)["rate"] == "200"
    assert plant.intent(OLT)["speed"].own[(*entry(SITE), "rate")] == "200"


def test_a_failed_change_does_not_wait_for_a_device(plant: Plant) -> None:
    under_way(plant)
    out(plant)
    plant.unreachable.add(BNG)
    for _ in range(GIVE_UP_AFTER):
        plant.write(BNG)
    assert out(plant) == Progress(OLT)
    assert plant.of_task("BO")[BNG].state is ChangeState.REFUSED


def test_the_place_before_a_change_is_its_own_first_snapshot(plant: Plant) -> None:
    plant.serve()
    number = plant.number()
    plant.place("B", modify("speed", rate=300))
    items = list(plant.items("B").values())
    with plant.engine.connect() as connection:
        assert compensation.sent_with(connection, items) == set()
        assert compensation.before_change(connection, items) > 10**9, "nothing was sent"
    plant.go()
    with plant.engine.connect() as connection:
        transactions = {change.transaction for change in plant.changes_of("B")}
        assert compensation.sent_with(connection, items) == transactions
        (first,) = plant.rows("SELECT min(id) FROM snapshot WHERE order_id = 'B'")[0]
        assert number <= compensation.before_change(connection, items) < first


def test_a_device_that_has_refused_is_not_asked_when_the_others_go_back(plant: Plant) -> None:
    plant.serve()
    plant.devices[BNG].refusal = lambda _: CommitRefused("full")
    plant.place("B", modify("speed", rate=300))
    assert plant.advance() == {OLT, BNG}
    for device in (OLT, BNG):
        plant.write(device)
    assert out(plant) == Progress(OLT)
    plant.write(OLT)
    assert out(plant).is_clean
    assert plant.of_task("BO").keys() == {OLT}
    assert plant.on(OLT)["rate"] == "100"


@pytest.mark.parametrize(("left", "then"), [(("label",), "without end"), ((), "available")])
def test_what_came_with_a_failed_change_rests_while_a_device_may_have_it(
    plant: Plant, left: tuple[str, ...], then: str
) -> None:
    plant.order("A", *SERVICE, add("label", text="x"))
    plant.place("B", modify("label", text="marked"))
    plant.advance()
    assert plant.held()["mark"] == ("T2", "reserved")
    items = list(plant.items("B").values())
    with plant.engine.begin() as connection:
        plant.compensation.settle_back_out(connection, SITE, items, left=left)
    assert plant.rests("T2") == then
    assert "mark" not in plant.held()


def test_shares_are_again_as_before_and_the_items_may_be_tried_anew(plant: Plant) -> None:
    under_way(plant)
    items = list(plant.items("B").values())
    with plant.engine.begin() as connection:
        plant.compensation.settle_back_out(connection, SITE, items, left={"speed"})
    assert plant.held()["rate"][0] == "300", "a device may still give it"
    with plant.engine.begin() as connection:
        plant.compensation.settle_back_out(connection, SITE, items, left=())
    assert plant.held()["rate"][0] == "200"
    assert plant.items("B")["speed"].in_force
    assert plant.in_force() == {"A/line", "A2/speed"}
