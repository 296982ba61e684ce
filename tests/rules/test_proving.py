"""After the commit: what a device shows decides, and what it broke goes back."""

from collections.abc import Iterable
from typing import Any

import pytest

from adapters.errors import CommitRefused
from adapters.seam import Session
from device_profiles.fragment import Fragment
from device_profiles.tree import PRESENT
from rom.model.change import ChangeKind
from rom.model.effect import NetEffect
from rom.store import snapshots
from tests.rules.conftest import DEVICE, Bench
from tests.rules.device import PLAIN, SAVED
from tests.rules.sites import GOLD, RATE, TEMPLATE, entry, gold, own, site, speed


def test_a_site_whose_value_did_not_take_is_refused_and_the_good_ones_go_again(
    bench: Bench,
) -> None:
    bench.device.ignores = {speed("B")}
    numbers = {name: bench.want(name, own(name)) for name in "ABC"}
    bench.write()
    assert bench.states(numbers) == {"A": "done", "B": "refused", "C": "done"}
    assert bench.device.batches == [["A", "B", "C"], ["A", "C"]]
    change = bench.change(numbers["B"])
    assert change.reason == "READ_BACK_MISMATCH"
    first = bench.rows("SELECT id FROM device_txn ORDER BY started_at LIMIT 1")
    assert [(change.transaction,)] == first
    assert change.error == "device did not take: sites/site[name='B']/speed is None"
    assert bench.parts()["B"] == ("applied", "FAILED", change.error)
    assert bench.parts()["A"] == ("applied", "VERIFIED", None)
    assert bench.transactions == ["reverted", "committed"]
    assert bench.rows("SELECT error FROM device_txn ORDER BY started_at") == [
        ("read-back mismatch",), (None,),
    ]  # fmt: skip
    assert bench.device.running == {**own("A").own, **own("C").own}
    assert bench.device.window is None
    assert bench.ledger("B").net == {}


def test_at_most_five_values_are_told(bench: Bench) -> None:
    leaves = {(*entry("A"), f"leaf-{number}"): "1" for number in range(7)}
    bench.device.ignores = set(leaves)
    number = bench.want("A", Fragment({entry("A"): PRESENT, **leaves}))
    bench.write()
    error = bench.change(number).error or ""
    told = error.removeprefix("device did not take: ").split("; ")
    assert len(told) == 5
    assert set(told) < {f"sites/site[name='A']/leaf-{number} is None" for number in range(7)}


def test_what_the_device_shows_otherwise_is_remembered_as_it_shows_it(bench: Bench) -> None:
    key = (*entry("A"), "key")
    bench.device.shows = {"secret:bgp/A": "digest:abc"}
    number = bench.want("A", Fragment({entry("A"): PRESENT, key: "secret:bgp/A"}))
    bench.write()
    assert bench.change(number).state.value == "done"
    assert bench.ledger("A").net[key] == NetEffect(None, "secret:bgp/A", "digest:abc")


def test_who_relies_on_what_the_device_did_not_take_is_not_called_done(bench: Bench) -> None:
    """A makes the template for both, and on a device that cannot go back it fails."""
    bench.device.capabilities = PLAIN
    bench.device.ignores = {RATE}
    numbers = {name: bench.want(name, site(name)) for name in "AB"}
    bench.write()
    assert bench.device.batches == [["A", "B"], ["B"]]
    assert bench.states(numbers) == {"A": "refused", "B": "refused"}
    assert "rate is None" in (bench.change(numbers["B"]).error or "")


def test_who_relies_on_a_maker_that_failed_elsewhere_goes_again_and_is_done(
    bench: Bench,
) -> None:
    bench.device.capabilities = PLAIN
    bench.device.ignores = {speed("A")}
    numbers = {name: bench.want(name, site(name)) for name in "ABC"}
    numbers["D"] = bench.want("D", own("D"))
    bench.write()
    assert bench.states(numbers) == {"A": "refused", "B": "done", "C": "done", "D": "done"}
    assert bench.device.batches == [["A", "B", "C", "D"]], "the second look finds all there"
    assert bench.change(numbers["D"]).edits == 2
    assert bench.change(numbers["D"]).transaction is not None
    assert bench.change(numbers["B"]).transaction is None
    assert bench.ledger("B").shared[TEMPLATE].owners == {"A", "B", "C"}


def test_without_a_window_what_took_effect_of_a_failed_site_is_remembered(bench: Bench) -> None:
    bench.device.capabilities = PLAIN
    bench.device.ignores = {speed("A")}
    number = bench.want("A", own("A"))
    bench.write()
    assert bench.change(number).state.value == "refused"
    assert bench.transactions == ["committed"]
    assert bench.ledger("A").net == {entry("A"): NetEffect(None, PRESENT, PRESENT)}
    bench.device.ignores = ()
    bench.want("A", Fragment(), ChangeKind.DELETE)
    bench.write()
    assert bench.device.running == {}


def test_a_refused_part_keeps_the_devices_own_words(bench: Bench) -> None:
    bench.device.refused_sites = {"B"}
    numbers = {name: bench.want(name, own(name)) for name in "AB"}
    bench.write()
    change = bench.change(numbers["B"])
    assert (change.state.value, change.reason) == ("refused", "DEVICE_REFUSED")
    assert change.error == "must-violation"
    assert bench.parts()["B"] == ("refused", None, "must-violation")
    assert bench.states(numbers)["A"] == "done"
    assert bench.rows("SELECT sent FROM device_txn") == [("what was sent",)]


def test_where_everybody_is_refused_nothing_was_changed(bench: Bench) -> None:
    bench.device.refused_sites = {"A"}
    numbers = {name: bench.want(name, site(name)) for name in "AB"}
    bench.device.refused_sites = {"A", "B"}
    bench.write()
    assert set(bench.states(numbers).values()) == {"refused"}
    assert bench.transactions == ["reverted"]
    assert bench.device.log == ["read", "apply"]


def test_who_was_not_tried_is_written_so(bench: Bench) -> None:
    bench.device.refused_sites = {"A"}
    for name in "AB":
        bench.want(name, site(name))
    bench.write()
    first = bench.rows(
        "SELECT site, outcome FROM txn_site WHERE txn = "
        "(SELECT id FROM device_txn ORDER BY started_at LIMIT 1) ORDER BY site"
    )
    assert first == [("A", "refused"), ("B", "not-tried")]
    assert bench.transactions == ["reverted", "committed"]


class Check:
    """Says that something breaks while ``poison`` is on the device; measures who is asked for."""

    def __init__(self, bench: Bench, poison: str) -> None:
        self.device = bench.device
        self.poison = poison
        self.measured: list[str] = []
        self.states: list[list[str]] = []
        self.bench = bench
        self.slow = ""

    def before(self, session: Session, device: str, sites: Iterable[str]) -> Any:
        return ["up"]

    def broken(self, session: Session, worked: Any) -> list[str]:
        self.states.append(self.bench.transactions)
        return ["neighbour down"] if entry(self.poison) in self.device.running else []

    def burst(self, name: str) -> list[str]:
        self.measured.append(name)
        return [f"{name} loses packets"] if name == self.slow else []


def test_who_breaks_a_neighbour_is_found_and_goes_back_and_the_others_stay(bench: Bench) -> None:
    bench.service_check = check = Check(bench, "B")
    numbers = {name: bench.want(name, own(name)) for name in "ABC"}
    bench.write()
    assert bench.states(numbers) == {"A": "done", "B": "refused", "C": "done"}
    change = bench.change(numbers["B"])
    assert (change.reason, change.error) == ("SERVICE_BROKEN", "neighbour down")
    assert bench.device.running == {**own("A").own, **own("C").own}
    assert check.states[0] == ["confirming"], "asked while the device can still go back"
    assert bench.rows("SELECT error FROM device_txn WHERE state = 'reverted' LIMIT 1") == [
        ("neighbour down",)
    ]
    assert check.measured == [], "nobody was in service before"


def test_only_who_is_modified_is_measured(bench: Bench) -> None:
    bench.want("A", own("A"))
    bench.want("B", own("B"))
    bench.write()
    bench.service_check = check = Check(bench, "nobody")
    check.slow = "A"
    modified = bench.want("A", own("A", "800"), ChangeKind.MODIFY)
    deleted = bench.want("B", Fragment(), ChangeKind.DELETE)
    bench.write()
    assert set(check.measured) == {"A"}
    assert bench.change(modified).error == "A loses packets"
    assert bench.change(deleted).state.value == "done"
    assert bench.device.running == own("A").own


def test_what_cannot_go_back_by_itself_is_not_asked_about(bench: Bench) -> None:
    bench.device.capabilities = SAVED
    bench.service_check = check = Check(bench, "A")
    number = bench.want("A", own("A"))
    bench.write()
    assert bench.change(number).state.value == "done"
    assert check.states == []


def test_a_writer_overtaken_in_its_window_lets_the_device_go_back(bench: Bench) -> None:
    bench.device.after_commit = lambda: overtaken(bench)
    number = bench.want("A", own("A"))
    bench.write()
    assert bench.device.running == {}
    assert bench.device.log[-1] == "cancel"
    assert bench.change(number).state.value == "claimed"
    assert bench.transactions == ["sent"], "only who holds the device writes any further"


def overtaken(bench: Bench) -> None:
    bench.rows("UPDATE device_lease SET epoch = epoch + 1")


def test_what_an_overtaken_writer_has_not_saved_is_saved_by_the_one_that_takes_over(
    bench: Bench,
) -> None:
    """What is on the device is there already: unsaved it would be lost at the next restart."""
    bench.device.capabilities = SAVED
    bench.device.after_commit = lambda: overtaken(bench)
    number = bench.want("A", own("A"))
    bench.write()
    assert bench.device.saved is None
    bench.rows("UPDATE device_lease SET until = now() - interval '1 second'")
    bench.write()
    assert bench.device.saved == own("A").own
    assert bench.change(number).state.value == "done"
    assert bench.device.batches == [["A"]], "it is not sent again"


@pytest.mark.parametrize("ignored", [set(), {speed("A")}], ids=["confirm", "cancel"])
def test_a_window_that_closed_before_its_time_leaves_the_outcome_to_reading(
    bench: Bench, ignored: set[Any]
) -> None:
    bench.device.ignores = ignored

    def closed() -> None:
        assert bench.device.window is not None
        bench.device.running = bench.device.window[1]
        bench.device.window = None

    plain = bench.device.read

    def read(scope: Any) -> Any:
        found = plain(scope)
        if bench.device.window is not None:
            closed()
        return found

    bench.device.read = read  # type: ignore[method-assign]  # the window closes after the proof
    number = bench.want("A", own("A"))
    bench.write()
    assert bench.transactions == ["unknown"]
    words = str(CommitRefused("no such persist-id"))
    assert bench.rows("SELECT error FROM device_txn") == [(words,)]
    change = bench.change(number)
    assert (change.state.value, change.reason) == ("waiting", "OUTCOME_UNKNOWN")
    assert change.error == f"the confirmed commit's window was gone: {words}"


def test_the_snapshot_after_holds_what_was_wanted_and_what_was_shown(bench: Bench) -> None:
    bench.device.running = dict(GOLD)
    bench.want("A", site("A"), order="RO-1")
    bench.write()
    with bench.engine.connect() as connection:
        kept = snapshots.latest(connection, bench.vault, "A", DEVICE)
    assert kept is not None
    assert kept.fragments == {"bearer": site("A")}
    assert kept.tree == own("A").own


def test_a_site_that_keeps_something_says_what(bench: Bench) -> None:
    from rom.model.change import Policy

    bench.want("A", site("A"))
    bench.write()
    bench.device.running[speed("A")] = "1"
    number = bench.want("A", gold(), ChangeKind.ROLLBACK, Policy.KEEP)
    bench.write()
    assert set(bench.change(number).kept) == {entry("A"), speed("A")}
    other = (*entry("B"), "note")
    bench.want("B", Fragment({**own("B").own, other: "x"}))
    bench.write()
    bench.device.running[other] = "y"
    sent = bench.want("B", Fragment({("uplink",): "b"}), ChangeKind.ROLLBACK, Policy.KEEP)
    bench.write()
    assert bench.change(sent).edits == 1
    assert set(bench.change(sent).kept) == {entry("B"), speed("B"), other}
