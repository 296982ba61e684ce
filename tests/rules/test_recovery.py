"""What a crash has left open is decided by what the device shows, and by nothing else."""

from collections.abc import Callable
from typing import Any

import pytest

from device_profiles.fragment import Fragment
from rom.model.change import ChangeKind, Policy
from rom.model.effect import NetEffect
from rom.model.snapshot import Moment
from rom.store import snapshots, transactions
from tests.rules.conftest import DEVICE, Bench
from tests.rules.device import OF_ONE_SESSION, PLAIN, SAVED, WINDOW
from tests.rules.sites import GOLD, RATE, TEMPLATE, Died, own, site, speed


def dies() -> None:
    raise Died


def crash_before_sending(bench: Bench) -> None:
    """The transaction is planned, and nothing has left."""

    def refusal(batch: Any) -> Any:
        raise Died

    bench.device.refusal = refusal
    with pytest.raises(Died):
        bench.write()
    bench.device.refusal = lambda _: None
    assert bench.transactions[-1] == "planned"


def crash_after_commit(bench: Bench, meanwhile: Callable[[], None] = lambda: None) -> None:
    """The commit has left, and its answer has come to nobody."""

    def after() -> None:
        meanwhile()
        raise Died

    bench.device.after_commit = after
    with pytest.raises(Died):
        bench.write()
    bench.device.after_commit = lambda: None
    assert bench.transactions[-1] == "sent"
    bench.device.log.clear()
    bench.device.batches.clear()


def test_what_was_planned_only_has_not_left_whatever_the_device_shows(bench: Bench) -> None:
    number = bench.want("A", own("A"))
    crash_before_sending(bench)
    # Somebody has typed the very same meanwhile: it is theirs and not ours.
    bench.device.running = dict(own("A").own)
    bench.device.log.clear()
    assert bench.write() == {"A"}
    assert bench.transactions[0] == "reverted"
    assert not {"confirm", "cancel"} & set(bench.device.log)
    assert bench.ledger("A").net == {}
    assert (bench.change(number).state.value, bench.change(number).edits) == ("done", 0)
    bench.want("A", Fragment(), ChangeKind.DELETE)
    bench.write()
    assert bench.device.running == own("A").own


def test_what_was_planned_only_is_planned_again(bench: Bench) -> None:
    numbers = {name: bench.want(name, site(name)) for name in "AB"}
    crash_before_sending(bench)
    assert bench.write() == {"A", "B"}
    assert bench.transactions == ["reverted", "committed"]
    assert bench.states(numbers) == {"A": "done", "B": "done"}


def test_what_is_there_as_a_whole_is_confirmed_and_not_sent_again(bench: Bench) -> None:
    numbers = {name: bench.want(name, site(name), order=f"RO-{name}") for name in "AB"}
    crash_after_commit(bench)
    assert bench.write() == {"A", "B"}
    assert bench.device.log == ["read", "confirm", "read"], "what was read first still holds"
    assert (bench.device.window, bench.device.batches) == (None, [])
    assert bench.states(numbers) == {"A": "done", "B": "done"}
    assert bench.transactions == ["committed"]
    assert bench.rows("SELECT error FROM device_txn") == [("resolved by reading",)]
    assert {part[0] for part in bench.parts().values()} == {"recovered"}
    assert bench.ledger("A").net == {p: NetEffect(None, v, v) for p, v in own("A").own.items()}
    assert bench.ledger("A").shared[TEMPLATE].owners == {"A", "B"}
    assert bench.ledger("A").shared[TEMPLATE].created_by_rom
    with bench.engine.connect() as connection:
        found = snapshots.entries(connection, "A")
        assert [each.moment for each in found] == [Moment.BEFORE, Moment.AFTER]
        kept = snapshots.site_at(connection, bench.vault, "A", found[-1].number)[DEVICE]
    assert kept.tree == own("A").own
    assert kept.fragments == {"bearer": site("A")}
    assert bench.rows("SELECT DISTINCT order_id, role FROM snapshot WHERE site = 'A'") == [
        ("RO-A", "access")
    ]


def test_what_a_site_has_made_is_ours_whichever_of_its_users_is_settled_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "AB":
        bench.want(name, site(name))
    crash_after_commit(bench)
    # A database returns rows in any order.
    parts = transactions.parts
    monkeypatch.setattr(transactions, "parts", lambda *asked: parts(*asked)[::-1])
    bench.write()
    monkeypatch.undo()
    assert bench.ledger("A").shared[TEMPLATE].created_by_rom
    for name in "AB":
        bench.want(name, Fragment(), ChangeKind.DELETE)
    bench.write()
    assert bench.device.running == {}


def test_what_a_site_had_and_keeps_is_in_the_picture_of_it(bench: Bench) -> None:
    leaf = ("uplink", "description")
    bench.want("A", Fragment({**own("A").own, leaf: "by A"}))
    bench.write()
    bench.device.running[leaf] = "by hand"
    bench.want("A", own("A", "800"), policy=Policy.KEEP)
    crash_after_commit(bench)
    bench.write()
    assert bench.device.running[leaf] == "by hand"
    with bench.engine.connect() as connection:
        last = snapshots.entries(connection, "A")[-1]
        assert last.moment is Moment.AFTER
        kept = snapshots.site_at(connection, bench.vault, "A", last.number)[DEVICE]
    assert kept.tree == {**own("A", "800").own, leaf: "by hand"}


def test_a_site_that_the_device_has_refused_does_not_take_the_others_back(bench: Bench) -> None:
    numbers = {name: bench.want(name, own(name)) for name in "AB"}
    bench.device.refused_sites = {"B"}
    crash_after_commit(bench)
    bench.device.refused_sites = ()
    bench.write()
    assert bench.device.log[:2] == ["read", "confirm"]
    assert bench.states(numbers) == {"A": "done", "B": "done"}
    assert bench.device.batches == [["B"]]
    assert bench.transactions == ["committed", "committed"]


def test_where_a_site_is_there_by_half_all_of_it_is_taken_back_and_goes_anew(
    bench: Bench,
) -> None:
    numbers = {name: bench.want(name, own(name)) for name in "AB"}
    bench.device.ignores = {speed("B")}
    crash_after_commit(bench)
    bench.device.ignores = ()
    bench.write()
    assert bench.device.log[:3] == ["read", "cancel", "read"]
    assert bench.transactions == ["reverted", "committed"]
    assert bench.device.batches == [["A", "B"]]
    assert bench.states(numbers) == {"A": "done", "B": "done"}
    assert bench.device.running == {**own("A").own, **own("B").own}


def test_a_window_that_has_closed_meanwhile_leaves_nothing_of_it_in_the_ledger(
    bench: Bench,
) -> None:
    number = bench.want("A", site("A"))
    crash_after_commit(bench)
    bench.device.running, bench.device.window = {}, None
    bench.device.refused_sites = {"A"}
    bench.write()
    assert bench.transactions == ["reverted", "reverted"]
    assert bench.change(number).state.value == "refused"
    assert bench.ledger("A", TEMPLATE).net == {}
    assert bench.ledger("A", TEMPLATE).shared == {}
    with bench.engine.connect() as connection:
        moments = [each.moment for each in snapshots.entries(connection, "A")]
    assert Moment.AFTER not in moments


def test_what_another_has_made_permanent_is_kept_though_no_window_is_open(bench: Bench) -> None:
    number = bench.want("A", own("A"))
    crash_after_commit(bench)
    bench.device.window = None
    bench.write()
    assert bench.device.log[:3] == ["read", "confirm", "read"]
    assert bench.transactions == ["committed"]
    assert bench.change(number).state.value == "done"
    assert bench.device.batches == []


def test_a_window_that_closes_while_one_looks_leaves_what_the_device_then_shows(
    bench: Bench,
) -> None:
    number = bench.want("A", own("A"))
    crash_after_commit(bench)
    confirm = bench.device.confirm

    def too_late(transaction: str) -> None:
        if bench.transactions == ["sent"]:
            bench.device.running, bench.device.window = {}, None
        confirm(transaction)

    bench.device.confirm = too_late  # type: ignore[method-assign]
    bench.write()
    assert bench.transactions == ["reverted", "committed"]
    assert bench.device.running == own("A").own
    assert bench.change(number).state.value == "done"


def test_where_only_the_dead_session_could_confirm_it_is_made_sure_that_nothing_is_armed(
    bench: Bench,
) -> None:
    bench.device.capabilities = OF_ONE_SESSION
    number = bench.want("A", own("A"))
    crash_after_commit(bench)
    bench.write()
    assert bench.device.log[:3] == ["read", "cancel", "read"]
    assert bench.device.batches == [["A"]]
    assert bench.transactions == ["reverted", "committed"]
    assert bench.change(number).state.value == "done"


def without(bench: Bench, *paths: Any) -> Callable[[], None]:
    def lose() -> None:
        for path in paths:
            del bench.device.running[path]

    return lose


def test_on_a_device_without_a_window_what_came_by_half_is_ours_and_can_be_removed(
    bench: Bench,
) -> None:
    bench.device.capabilities = PLAIN
    bench.want("A", site("A"))
    crash_after_commit(bench, without(bench, speed("A")))
    # Nobody wants it any more before the writer is back.
    bench.want("A", Fragment(), ChangeKind.DELETE)
    bench.write()
    assert bench.device.running == {}
    assert not {"confirm", "cancel"} & set(bench.device.log)
    assert bench.ledger("A", TEMPLATE).net == {}


def test_a_shared_object_that_came_without_its_root_is_not_ours(bench: Bench) -> None:
    bench.device.capabilities = PLAIN
    bench.want("A", site("A"))
    crash_after_commit(bench, without(bench, TEMPLATE, RATE))
    bench.device.refused_sites = {"A"}
    bench.write()
    assert bench.ledger("A", TEMPLATE).shared == {}
    assert bench.ledger("A").net.keys() == own("A").own.keys()


def test_an_object_of_others_is_not_claimed_by_who_came_by_half(bench: Bench) -> None:
    bench.device.capabilities = PLAIN
    bench.device.running = dict(GOLD)
    bench.want("A", site("A"))
    crash_after_commit(bench, without(bench, speed("A")))
    bench.device.refused_sites = {"A"}
    bench.write()
    assert bench.ledger("A", TEMPLATE).shared == {}


def test_what_was_to_be_released_is_owned_until_the_rest_has_arrived(bench: Bench) -> None:
    bench.device.capabilities = PLAIN
    for name in "AB":
        bench.want(name, site(name))
    bench.write()
    bench.want("A", Fragment(), ChangeKind.DELETE)
    crash_after_commit(bench, lambda: bench.device.running.update({speed("A"): "500"}))
    bench.device.refused_sites = {"A"}
    bench.write()
    assert bench.ledger("A").shared[TEMPLATE].owners == {"A", "B"}


def test_what_was_released_as_a_whole_is_owned_no_more(bench: Bench) -> None:
    for name in "AB":
        bench.want(name, site(name))
    bench.write()
    bench.want("A", Fragment(), ChangeKind.DELETE)
    crash_after_commit(bench)
    bench.write()
    assert bench.ledger("B").shared[TEMPLATE].owners == {"B"}
    assert bench.ledger("A").net == {}
    assert bench.device.batches == []


def test_a_part_left_to_a_later_writer_is_left_only_when_the_rest_has_arrived(
    bench: Bench,
) -> None:
    leaf = ("uplink", "description")
    bench.device.capabilities = PLAIN
    bench.device.running = {leaf: "before"}
    bench.want("A", Fragment({**own("A").own, leaf: "by A"}))
    bench.write()
    bench.want("B", Fragment({leaf: "by B"}))
    bench.write()
    bench.want("A", Fragment(), ChangeKind.DELETE)
    crash_after_commit(bench, lambda: bench.device.running.update({speed("A"): "500"}))
    bench.device.refused_sites = {"A"}
    bench.write()
    assert bench.ledger("A").later == {leaf: "B"}
    assert bench.ledger("B").net[leaf].before == "by A"
    bench.device.refused_sites = ()
    bench.want("A", Fragment(), ChangeKind.DELETE)
    bench.write()
    assert bench.ledger("B").net[leaf].before == "before"


def test_what_lapses_is_forgotten_only_when_the_rest_has_arrived(bench: Bench) -> None:
    leaf = ("uplink", "description")
    bench.device.capabilities = PLAIN
    bench.device.running = {leaf: "before"}
    bench.want("A", Fragment({**own("A").own, leaf: "by A"}))
    bench.write()
    bench.device.running[leaf] = "before"
    bench.want("A", Fragment(), ChangeKind.DELETE)
    crash_after_commit(bench, lambda: bench.device.running.update({speed("A"): "500"}))
    bench.device.refused_sites = {"A"}
    bench.write()
    assert leaf in bench.ledger("A").net


def test_what_has_arrived_is_saved_where_the_device_needs_it(bench: Bench) -> None:
    bench.device.capabilities = SAVED
    bench.want("A", own("A"))
    crash_after_commit(bench)
    bench.write()
    assert bench.device.log == ["read", "save", "read"]
    assert bench.device.saved == own("A").own
    assert bench.transactions == ["committed"]


def test_what_has_arrived_is_saved_also_where_somebody_else_has_ended_the_window(
    bench: Bench,
) -> None:
    bench.device.capabilities = WINDOW | SAVED
    number = bench.want("A", own("A"))

    def confirmed_by_hand() -> None:
        bench.device.window = None

    crash_after_commit(bench, confirmed_by_hand)
    bench.write()
    assert bench.device.saved == own("A").own
    assert bench.device.batches == [], "it is not sent again"
    assert bench.change(number).state.value == "done"


def test_nothing_is_saved_where_nothing_has_arrived(bench: Bench) -> None:
    bench.device.capabilities = SAVED
    bench.want("A", own("A"))
    crash_after_commit(bench, without(bench, *own("A").own))
    bench.device.refused_sites = {"A"}
    bench.write()
    assert bench.device.saved is None
    bench.device.capabilities = PLAIN
    bench.want("B", own("B"))
    crash_after_commit(bench)
    bench.write()
    assert "confirm" not in bench.device.log
