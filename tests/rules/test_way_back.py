"""The way back of a site: device by device in reverse, and what it does with those that stop it."""

from collections.abc import Callable
from typing import Any

import pytest

from adapters.errors import AuthenticationFailed, CommitRefused
from rom.devices.directory import NoDevice
from rom.model.change import ChangeKind, ChangeState, Policy
from rom.model.errors import UnknownSite
from rom.model.intent import Place
from rom.model.ticket import TicketState
from rom.store import changes, intents, tickets
from rom.undo.way_back import GIVE_UP_AFTER, Errand, Progress, WayBack, is_one_way, places
from tests.rules.plant import BNG, CE, OLT, OTHER, SITE, Plant, add

Step = Callable[..., Progress]


@pytest.fixture
def step(plant: Plant) -> Step:
    """Take one step back to nothing, or as the errand says."""
    plant.serve()

    def taken(**errand: Any) -> Progress:
        made = Errand(**{"task_id": "T", "site": SITE, "wanted": lambda *_: {}, **errand})
        with plant.engine.begin() as connection:
            return WayBack(plant.directory).step(connection, made)

    return taken


def test_devices_are_asked_one_after_the_other_in_reverse_order_of_activation(
    plant: Plant, step: Step
) -> None:
    assert step() == Progress(BNG)
    assert step() == Progress(), "the BNG has not been written yet"
    assert plant.of_task("T").keys() == {BNG}
    plant.write(BNG)
    assert plant.on(BNG) == {}
    assert plant.on(OLT) == {"tag": "T1", "rate": "100"}
    assert step() == Progress(OLT)
    plant.write(OLT)
    assert plant.running() == {name: {} for name in plant.devices}
    over = step()
    assert (over.is_over, over.is_clean, over.wake, over.stopped_at) == (True, True, None, None)
    assert plant.of_task("T").keys() == {BNG, OLT}


def test_a_change_says_what_it_is_for(plant: Plant, step: Step) -> None:
    step(policy=Policy.KEEP, order_id="O")
    change = plant.of_task("T")[BNG]
    assert (change.kind, change.policy, change.site) == (ChangeKind.ROLLBACK, Policy.KEEP, SITE)
    assert (change.order_id, change.item_id) == ("O", None)
    step(task_id="U")
    assert plant.of_task("U")[BNG].policy is Policy.APPLY


def test_an_errand_leads_to_what_it_wants_from_what_there_is(plant: Plant, step: Step) -> None:
    seen: list[Any] = []

    def without_rate(device: str, now: Any) -> Any:
        seen.append((device, set(now)))
        return {"line": now["line"]}

    step(wanted=without_rate)
    plant.write(BNG)
    assert plant.on(BNG) == {"tag": "T1"}
    assert plant.intent(BNG).keys() == {"line"}
    assert plant.intent(OLT).keys() == {"line", "speed"}
    step(wanted=without_rate)
    plant.write(OLT)
    assert plant.on(OLT) == {"tag": "T1"}
    assert seen == [(BNG, {"line", "speed"}), (OLT, {"line", "speed"})]


def test_of_a_device_it_does_not_concern_only_the_intent_is_written(
    plant: Plant, step: Step
) -> None:
    assert step(concerns=lambda device: device == OLT) == Progress(OLT)
    assert plant.intent(BNG) == {}
    assert plant.of_task("T").keys() == {OLT}
    assert plant.on(BNG) == {"tag": "T1", "policy": "R100"}


def test_another_sites_changes_of_the_same_task_are_not_this_ones(plant: Plant, step: Step) -> None:
    with plant.engine.begin() as connection:
        changes.request(
            connection, device=BNG, site=OTHER, kind=ChangeKind.ROLLBACK, task_id="T"
        )  # fmt: skip
    assert step() == Progress(BNG)


def test_what_was_refused_is_stuck_and_the_others_go_on(plant: Plant, step: Step) -> None:
    step()
    plant.devices[BNG].refusal = lambda _: CommitRefused("in use")
    plant.write(BNG)
    assert step() == Progress(OLT)
    plant.write(OLT)
    over = step()
    assert over.stuck == {BNG: "DEVICE_REFUSED: in use"}
    assert over.is_over
    assert not over.is_clean
    assert step(given_up=[BNG]).is_clean
    assert not step(given_up=[OLT]).is_clean


def conflict(plant: Plant, device: str) -> None:
    plant.by_hand(device, "tag", "by hand")
    plant.write(device)


def test_refuse_stops_at_a_conflict_before_the_next_device(plant: Plant, step: Step) -> None:
    step(policy=Policy.REFUSE)
    conflict(plant, BNG)
    over = step(policy=Policy.REFUSE)
    assert over.stopped_at == Place(BNG, "bng")
    assert over.is_over
    assert over.stuck.keys() == {BNG}
    assert over.stuck[BNG].startswith("DRIFT: ")
    assert plant.of_task("T").keys() == {BNG}
    assert step(policy=Policy.REFUSE, given_up=[BNG]) == Progress(OLT), "people have decided"


def test_refuse_goes_on_past_what_is_no_conflict(plant: Plant, step: Step) -> None:
    step(policy=Policy.REFUSE)
    plant.devices[BNG].refusal = lambda _: CommitRefused("in use")
    plant.write(BNG)
    assert step(policy=Policy.REFUSE) == Progress(OLT)


def tried(plant: Plant, times: int) -> None:
    plant.unreachable.add(BNG)
    for _ in range(times):
        plant.write(BNG)


@pytest.mark.parametrize("waits", [True, False])
def test_a_device_that_is_not_reached_is_tried_a_few_times(
    plant: Plant, step: Step, waits: Any
) -> None:
    step(waits=waits)
    tried(plant, GIVE_UP_AFTER - 1)
    assert step(waits=waits) == Progress()
    assert plant.of_task("T")[BNG].state is ChangeState.WAITING
    plant.write(BNG)
    assert step(waits=waits) == Progress(OLT)


def test_who_does_not_wait_for_people_refuses_what_cannot_be_reached(
    plant: Plant, step: Step
) -> None:
    step(waits=False)
    tried(plant, GIVE_UP_AFTER)
    step(waits=False)
    change = plant.of_task("T")[BNG]
    assert (change.state, change.reason) == (ChangeState.REFUSED, "DEVICE_UNREACHABLE")
    assert step(waits=False) == Progress()
    plant.write(OLT)
    over = step(waits=False)
    assert over.stuck == {BNG: "DEVICE_UNREACHABLE: no route"}
    assert over.is_over


def test_a_change_put_off_without_a_reason_counts_as_unreachable(plant: Plant, step: Step) -> None:
    step(waits=False)
    plant.rows("UPDATE change SET attempts = 9, reason = NULL WHERE task_id = 'T'")
    step(waits=False)
    assert plant.of_task("T")[BNG].reason == "DEVICE_UNREACHABLE"


def test_who_waits_for_people_leaves_the_change_to_wait(plant: Plant, step: Step) -> None:
    step()
    tried(plant, GIVE_UP_AFTER)
    step()
    plant.write(OLT)
    over = step()
    assert over.is_over
    assert over.stuck == {BNG: "DEVICE_UNREACHABLE: no route"}
    assert plant.of_task("T")[BNG].state is ChangeState.WAITING
    plant.unreachable.clear()
    plant.write(BNG)
    assert step().is_clean


def test_what_a_writer_has_in_hand_is_not_given_up(plant: Plant, step: Step) -> None:
    step(waits=False)
    plant.rows("UPDATE change SET attempts = 9 WHERE task_id = 'T'")
    with plant.engine.begin() as writer:
        changes.claim(writer, BNG, "t", sites=1, live_sites=1)
        assert step(waits=False) == Progress(), "its row is locked by who claims it"
    assert plant.of_task("T")[BNG].state is ChangeState.CLAIMED
    assert step(waits=False) == Progress()
    assert plant.of_task("T").keys() == {BNG}


def test_credentials_that_are_refused_are_not_tried_again(plant: Plant, step: Step) -> None:
    step()
    plant.failure[BNG] = AuthenticationFailed("no", device=BNG)
    plant.write(BNG)
    assert step() == Progress(OLT)
    assert plant.of_task("T")[BNG].reason == "AUTHENTICATION_FAILED"


# Routers from which nothing is taken back


@pytest.fixture
def routed(plant: Plant) -> Plant:
    """A site whose router stays as it is, with a ticket."""
    plant.serve()
    plant.order("R", add("router"))
    with plant.engine.begin() as connection:
        for serial, site in ((CE, SITE), ("FDO2", OTHER)):
            tickets.stage(
                connection, serial=serial, site=site, token=serial, order_id="R", item_id="router",
                profile="plain-ce", configuration="", exec_lines=(),
            )  # fmt: skip
    return plant


def state_of(plant: Plant, serial: str) -> TicketState | None:
    with plant.engine.connect() as connection:
        return tickets.state_of(connection, serial)


def back(plant: Plant, wanted: Any) -> Progress:
    with plant.engine.begin() as connection:
        return WayBack(plant.directory).step(connection, Errand("T", SITE, wanted))


def test_a_one_way_device_is_not_asked_and_its_ticket_is_torn_up(routed: Plant) -> None:
    assert back(routed, lambda *_: {}) == Progress(BNG), "the router is the first in reverse"
    assert routed.on(CE) == {"router": CE}
    assert state_of(routed, CE) is None
    assert state_of(routed, "FDO2") is TicketState.STAGED
    assert routed.rows("SELECT 1 FROM net_effect WHERE device = :d", d=CE) == []
    assert routed.intent(CE) == {}
    assert routed.of_task("T").keys() == {BNG}


def test_a_one_way_device_that_keeps_something_is_asked(routed: Plant) -> None:
    assert back(routed, lambda _, now: now) == Progress(CE)
    assert state_of(routed, CE) is TicketState.STAGED
    assert routed.rows("SELECT 1 FROM net_effect WHERE device = :d", d=CE) != []


def test_a_device_is_one_way_by_its_platform(routed: Plant) -> None:
    with routed.engine.connect() as connection:
        assert is_one_way(connection, routed.directory, SITE, CE)
        assert not is_one_way(connection, routed.directory, SITE, BNG)
        # Of one that inventory does not know any more nothing is known, so it is asked.
        assert not is_one_way(connection, routed.directory, OTHER, CE)
        with pytest.raises(NoDevice):
            routed.directory.profile_name(connection, CE, OTHER)


# Places


def test_a_site_without_anything_has_no_places_and_an_unknown_one_is_refused(
    plant: Plant,
) -> None:
    with plant.engine.connect() as connection:
        assert places(connection, SITE) == []
        with pytest.raises(UnknownSite, match="nowhere"):
            places(connection, "nowhere")


def test_places_go_in_reverse_by_role_and_by_name_within_one(plant: Plant) -> None:
    with plant.engine.begin() as connection:
        for device, role in (("b", "bng"), ("a", "bng"), ("z", "access"), ("x", "firewall")):
            intents.keep(connection, device=device, site="gone", role=role, fragments={})
        found = places(connection, "gone")
    assert found == [
        Place("x", "firewall"), Place("a", "bng"), Place("b", "bng"), Place("z", "access"),
    ]  # fmt: skip


def test_a_device_with_something_left_is_a_place_without_an_intent(plant: Plant) -> None:
    plant.serve()
    plant.rows("DELETE FROM site_intent WHERE device = :d", d=BNG)
    with plant.engine.connect() as connection:
        assert places(connection, SITE) == [Place(BNG, "bng"), Place(OLT, "access")]
    plant.rows("UPDATE site_intent SET role = 'ce' WHERE device = :d", d=OLT)
    with plant.engine.connect() as connection:
        assert places(connection, SITE) == [Place(OLT, "ce"), Place(BNG, "bng")], "the intent says"
