"""One group on its way onto a device: who goes, who is left out, whose fault a refusal is."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.errors import (
    CommitRefused,
    DeviceTimeout,
    LockDenied,
    Refused,
    SecretUnavailable,
    SessionLost,
)
from adapters.seam import Capability, Session, SiteEdits
from device_profiles.fragment import Fragment, SharedObject
from device_profiles.tree import PRESENT, Path
from rom.ledger.evidence import NEIGHBOURS
from rom.model.change import ChangeKind, Policy
from rom.model.effect import NetEffect
from rom.model.snapshot import Moment
from rom.store import evidence, snapshots
from tests.rules.conftest import DEVICE, Bench
from tests.rules.device import PLAIN, SAVED, WINDOW
from tests.rules.sites import GOLD, RATE, TEMPLATE, entry, gold, own, site, speed

LEAF: Path = ("uplink", "description")
SILVER: Path = ("templates", "template[name='silver']")


def overtaken(bench: Bench) -> None:
    """Another writer takes the device over."""
    bench.rows("UPDATE device_lease SET epoch = epoch + 1")


def test_a_fenced_writer_settles_nothing_even_where_nothing_is_to_be_sent(bench: Bench) -> None:
    bench.device.running = dict(GOLD)
    number = bench.want("A", gold())
    plain = bench.device.read

    def slow(scope: Any) -> Any:
        found = plain(scope)
        overtaken(bench)
        return found

    bench.device.read = slow  # type: ignore[method-assign]  # the device answers late
    bench.write()
    assert bench.change(number).state.value == "claimed"
    assert bench.ledger("A", TEMPLATE).shared == {}
    assert bench.transactions == []


def test_who_needs_what_another_brings_is_told_to_the_device_and_goes_again_without_it(
    bench: Bench,
) -> None:
    numbers = {name: bench.want(name, site(name)) for name in "AB"}
    bench.device.refused_sites = {"A"}
    assert bench.write() == {"A", "B"}
    assert [dict(mode.relies) for mode in bench.device.modes] == [{"B": {"A"}}, {}]
    assert bench.device.batches == [["A", "B"], ["B"]]
    assert bench.states(numbers) == {"A": "refused", "B": "done"}
    assert bench.device.running == {**site("B").own, **GOLD}
    assert bench.ledger("B").shared[TEMPLATE].owners == {"B"}
    assert bench.ledger("B").shared[TEMPLATE].created_by_rom


def test_who_leaves_an_object_to_one_that_is_refused_takes_it_along_after_all(
    bench: Bench,
) -> None:
    bench.want("A", gold())
    bench.write()
    bench.device.refused_sites = {"B"}
    leaving = bench.want("A", Fragment(), ChangeKind.DELETE)
    joining = bench.want("B", site("B"), ChangeKind.MODIFY)
    bench.write()
    assert (bench.change(leaving).state.value, bench.change(joining).state.value) == (
        "done", "refused",
    )  # fmt: skip
    assert bench.device.running == {}
    assert bench.ledger("A", TEMPLATE).shared == {}


def no_more_than(refused: str, error: Refused) -> Any:
    def refusal(batch: Sequence[SiteEdits]) -> Refused | None:
        return error if any(part.site == refused for part in batch) else None

    return refusal


def test_a_refusal_that_names_a_site_leaves_out_that_site_only(bench: Bench) -> None:
    numbers = {name: bench.want(name, own(name)) for name in "ABCD"}
    words = CommitRefused("site 'C' is not possible here", tag="operation-failed")
    bench.device.refusal = no_more_than("C", words)
    bench.write()
    assert bench.device.batches == [["A", "B", "C", "D"], ["A", "B", "D"]]
    assert bench.states(numbers) == {"A": "done", "B": "done", "C": "refused", "D": "done"}
    assert bench.change(numbers["C"]).reason == "DEVICE_REFUSED"
    assert bench.change(numbers["C"]).error == str(words)
    assert bench.parts()["C"] == ("refused", None, str(words))
    assert bench.transactions == ["reverted", "committed"]


def test_without_a_name_the_group_is_halved_until_the_one_is_found(bench: Bench) -> None:
    numbers = {name: bench.want(name, own(name)) for name in "ABCDE"}
    bench.device.refusal = no_more_than("D", CommitRefused("no", tag="resource-denied"))
    bench.write()
    assert bench.device.batches == [
        ["A", "B", "C", "D", "E"], ["A", "B"], ["C", "D", "E"], ["C"], ["D", "E"], ["D"], ["E"],
    ]  # fmt: skip
    assert {name for name, state in bench.states(numbers).items() if state != "done"} == {"D"}
    assert bench.change(numbers["D"]).reason == "RESOURCE_EXHAUSTED"


def test_a_shared_object_that_the_device_does_not_let_go_is_left_and_nobody_is_blamed(
    bench: Bench,
) -> None:
    bench.want("A", site("A"))
    bench.want("B", own("B"))
    bench.write()

    def in_use(batch: Sequence[SiteEdits]) -> Refused | None:
        gone = [edit.path for part in batch for edit in part.edits if edit.after is None]
        return CommitRefused("'gold' is in use") if TEMPLATE in gone else None

    bench.device.refusal = in_use
    numbers = {name: bench.want(name, Fragment(), ChangeKind.DELETE) for name in "AB"}
    bench.device.batches.clear()
    bench.write()
    assert bench.states(numbers) == {"A": "done", "B": "done"}
    assert bench.device.running == GOLD
    assert len(bench.device.batches) < 5


def test_of_two_objects_that_the_device_does_not_let_go_both_are_left(bench: Bench) -> None:
    silver = SharedObject(SILVER, {SILVER: PRESENT})
    bench.want("A", site("A"))
    bench.want("B", Fragment(own("B").own, (silver,)))
    bench.write()

    def in_use(batch: Sequence[SiteEdits]) -> Refused | None:
        gone = {edit.path for part in batch for edit in part.edits if edit.after is None}
        for name, path in (("gold", TEMPLATE), ("silver", SILVER)):
            if path in gone:
                return CommitRefused(f"'{name}' is in use")
        return None

    bench.device.refusal = in_use
    numbers = {name: bench.want(name, Fragment(), ChangeKind.DELETE) for name in "AB"}
    bench.device.batches.clear()
    bench.write()
    assert bench.states(numbers) == {"A": "done", "B": "done"}
    assert bench.device.running == {**GOLD, SILVER: PRESENT}
    assert bench.device.batches == [["A", "B"]] * 3


def test_a_window_is_asked_for_where_there_are_two_steps(bench: Bench) -> None:
    for capabilities, seconds in ((WINDOW, 120), (SAVED, 120), (PLAIN, None)):
        bench.device.capabilities = capabilities
        bench.want("A", own("A", str(len(capabilities)) + str(seconds)))
        bench.write()
        assert bench.device.modes[-1].confirm_within == seconds


def test_what_has_to_be_saved_is_saved_after_it_was_read_back(bench: Bench) -> None:
    bench.device.capabilities = SAVED
    number = bench.want("A", own("A"))
    bench.write()
    assert bench.change(number).state.value == "done"
    assert bench.device.log == ["read", "apply", "read", "confirm"]
    assert bench.device.saved == own("A").own
    bench.device.capabilities = PLAIN
    bench.want("A", own("A", "800"))
    bench.write()
    assert bench.device.log.count("confirm") == 1


@pytest.mark.parametrize(
    ("policy", "state"),
    [(Policy.REFUSE, "refused"), (Policy.FORCE, "done"), (Policy.APPLY, "done")],
)
def test_drift_stops_whoever_asked_to_be_stopped_by_it(
    bench: Bench, policy: Policy, state: str
) -> None:
    bench.want("A", own("A"))
    bench.write()
    bench.device.running[speed("A")] = "1"
    number = bench.want("A", Fragment(), ChangeKind.ROLLBACK, policy)
    other = bench.want("B", own("B"), ChangeKind.MODIFY)
    bench.write()
    change = bench.change(number)
    assert (change.state.value, bench.change(other).state.value) == (state, "done")
    if state == "refused":
        assert change.reason == "DRIFT"
        assert change.error == (
            "drift at sites/site[name='A']/speed: expected '500', device holds '1'"
        )
        assert change.transaction is None


def test_a_reason_is_one_word(bench: Bench) -> None:
    bench.device.running = {**GOLD, RATE: "90"}
    number = bench.want("A", site("A"))
    bench.write()
    assert bench.change(number).reason == "TEMPLATE_DRIFT"
    assert bench.device.batches == []


def test_what_is_there_already_is_owned_from_now_on_and_nothing_is_sent(bench: Bench) -> None:
    bench.device.running = {**GOLD, LEAF: "x"}
    number = bench.want("A", Fragment({LEAF: "x"}, gold().shared), order="RO-1")
    bench.write()
    change = bench.change(number)
    assert (change.state.value, change.edits, change.transaction) == ("done", 0, None)
    assert bench.device.batches == []
    known = bench.ledger("A").shared[TEMPLATE]
    assert (known.owners, known.created_by_rom) == ({"A"}, False)


def test_another_intent_with_nothing_to_send_is_kept_as_a_transaction_with_its_snapshots(
    bench: Bench,
) -> None:
    bench.device.running = {LEAF: "x"}
    bench.want("A", Fragment({LEAF: "x"}), order="RO-1")
    bench.write()
    assert bench.transactions == ["committed"]
    assert bench.parts() == {"A": ("unchanged", "VERIFIED", None)}
    with bench.engine.connect() as connection:
        found = snapshots.entries(connection, "A")
        assert [snapshot.moment for snapshot in found] == [Moment.BEFORE, Moment.AFTER]
        kept = snapshots.site_at(connection, bench.vault, "A", found[1].number)[DEVICE]
        before = snapshots.site_at(connection, bench.vault, "A", found[0].number)[DEVICE]
    assert kept.fragments == {"bearer": Fragment({LEAF: "x"})}
    assert kept.tree == {LEAF: "x"}
    assert (before.fragments, before.tree) == ({}, {LEAF: "x"})


def test_the_same_intent_again_leaves_no_trace(bench: Bench) -> None:
    bench.want("A", own("A"))
    bench.write()
    other = bench.want("B", Fragment({entry("A"): PRESENT}))
    again = bench.want("A", own("A"))
    bench.write()
    assert bench.transactions == ["committed", "committed"]
    assert bench.parts()["B"] == ("unchanged", "VERIFIED", None)
    assert {bench.change(number).state.value for number in (other, again)} == {"done"}
    assert len(bench.rows("SELECT 1 FROM txn_site WHERE site = 'A'")) == 1


def test_sites_that_write_the_same_leaf_go_one_after_the_other(bench: Bench) -> None:
    bench.device.running = {LEAF: "before"}
    numbers = {name: bench.want(name, Fragment({LEAF: f"by {name}"})) for name in "AB"}
    bench.write()
    assert bench.states(numbers) == {"A": "done", "B": "done"}
    assert bench.device.batches == [["A"], ["B"]]
    assert bench.ledger("B").net == {LEAF: NetEffect("by A", "by B", "by B")}
    assert bench.ledger("A").later == {LEAF: "B"}


@pytest.mark.parametrize("error", [SessionLost("gone"), DeviceTimeout("silent")], ids=type)
def test_after_a_silence_the_outcome_is_unknown_and_nothing_more_is_sent(
    bench: Bench, error: Exception
) -> None:
    def lost() -> None:
        raise error

    bench.device.after_commit = lost
    numbers = {name: bench.want(name, own(name)) for name in "AB"}
    bench.write()
    assert bench.transactions == ["unknown"]
    assert bench.rows("SELECT error FROM device_txn") == [("session lost",)]
    assert len(bench.device.batches) == 1
    assert set(bench.states(numbers).values()) == {"waiting"}


def test_what_may_get_better_is_tried_again_later_and_nobody_is_refused(bench: Bench) -> None:
    def locked(batch: Sequence[SiteEdits]) -> Refused | None:
        raise LockDenied("somebody writes", holder="7")

    bench.device.refusal = locked
    numbers = {name: bench.want(name, own(name)) for name in "AB"}
    bench.write()
    assert bench.transactions == ["reverted"]
    assert bench.rows("SELECT error FROM device_txn") == [("somebody writes (session 7)",)]
    assert set(bench.states(numbers).values()) == {"waiting"}
    assert bench.change(numbers["A"]).reason == "DEVICE_LOCKED"


def test_what_cannot_even_be_sent_is_refused_by_itself(bench: Bench) -> None:
    def unsendable(batch: Sequence[SiteEdits]) -> Refused | None:
        if any(part.site == "A" for part in batch):
            raise SecretUnavailable("no such secret")
        return None

    bench.device.refusal = unsendable
    numbers = {name: bench.want(name, own(name)) for name in "AB"}
    bench.write()
    assert bench.states(numbers) == {"A": "refused", "B": "done"}
    assert bench.change(numbers["A"]).error == "no such secret"
    assert bench.transactions == ["reverted", "reverted", "committed"]


class Noted:
    """A service check that notes what it is asked before a commit."""

    def __init__(self) -> None:
        self.asked: list[tuple[Session, str, list[str]]] = []

    def before(self, session: Session, device: str, sites: Iterable[str]) -> Any:
        self.asked.append((session, device, list(sites)))
        return ["neighbour up"]

    def broken(self, session: Session, worked: Any) -> list[str]:
        assert worked == ["neighbour up"]
        return []

    def burst(self, site: str) -> list[str]:
        return []


def test_what_works_before_is_asked_and_written_where_the_device_can_go_back(
    bench: Bench,
) -> None:
    bench.service_check = check = Noted()
    bench.want("A", own("A"))
    bench.write()
    assert check.asked == [(bench.device, DEVICE, ["A"])]
    assert bench.rows("SELECT worked FROM device_txn") == [(["neighbour up"],)]
    bench.device.capabilities = PLAIN
    bench.want("B", own("B"))
    bench.write()
    assert len(check.asked) == 1


def test_the_sites_and_some_neighbours_are_kept_before_and_after(bench: Bench) -> None:
    for number in range(12):
        bench.want(f"N{number:02}", own(f"N{number:02}"))
    bench.write()
    bench.device.capabilities = WINDOW | {Capability.EVIDENCE}
    bench.want("A", site("A"))
    bench.write()
    (transaction,) = bench.rows("SELECT txn FROM txn_site WHERE site = 'A'")[0]
    with bench.engine.connect() as connection:
        before, after = (
            evidence.read(connection, bench.vault, transaction, moment)
            for moment in (Moment.BEFORE, Moment.AFTER)
        )
    assert before is not None
    assert after is not None
    assert not [word for word in (b"'A'", b"gold") if word in before]
    assert not [word for word in (b"'A'", b"gold", b"'500'") if word not in after]
    for shown in (before, after):
        names = {name for name in range(12) if f"N{name:02}".encode() in shown}
        assert len(names) == NEIGHBOURS
    first, second = bench.device.shown
    assert first == second
    assert len(first) == NEIGHBOURS + 2, "entries, not single leaves"


def test_only_what_the_sites_have_or_want_is_read(bench: Bench) -> None:
    bench.want("A", site("A"))
    bench.write()
    bench.want("A", own("A"))
    bench.write()
    planning, proving, again, after = bench.device.reads
    assert planning == {entry("A"), RATE}
    assert {entry("A"), RATE, TEMPLATE} <= proving
    assert again == {entry("A"), TEMPLATE}
    assert TEMPLATE in after


def test_a_templates_second_half_is_brought_by_who_finds_it_missing(bench: Bench) -> None:
    other = SharedObject(TEMPLATE, {**GOLD, (*TEMPLATE, "burst"): "9"})
    bench.device.running = dict(GOLD)
    number = bench.want("A", Fragment(shared=(other,)))
    bench.write()
    assert (bench.change(number).state.value, bench.change(number).edits) == ("done", 1)
    assert bench.device.running == other.tree


def test_no_statement_is_left_open_behind_a_writer(bench: Bench) -> None:
    bench.want("A", own("A"))
    bench.write()
    held = sa.text("SELECT holder FROM device_lease")
    with bench.engine.connect() as connection:
        assert connection.scalar(held) is None
