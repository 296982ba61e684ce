import re
from typing import Any

import pytest
import sqlalchemy as sa
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from adapters.errors import CommitRefused, SecretUnavailable
from device_profiles.fragment import Fragment, SharedObject
from device_profiles.tree import PRESENT, Path
from rom.metrics import work
from rom.store import changes, effects, leases

TEMPLATE: Path = ("templates", "template[name='gold']")


OPEN = "SELECT count(*) FROM device_txn WHERE state IN ('planned', 'sent', 'unknown')"


def site(name: str, value: str = "500") -> Fragment:
    entry: Path = ("sites", f"site[name='{name}']")
    return Fragment(
        own={entry: PRESENT, (*entry, "speed"): value},
        shared=(SharedObject(TEMPLATE, {TEMPLATE: PRESENT, (*TEMPLATE, "rate"): "1"}),),
    )


def test_waiting_sites_go_out_in_one_transaction_after_one_read(lab: Any) -> None:
    numbers = [lab.want(name, site(name)) for name in ("A", "B", "C")]
    lab.run()
    assert lab.device.applied == [["A", "B", "C"]]
    assert lab.device.reads == 2  # once to plan, once to prove
    assert {lab.change(number).state for number in numbers} == {"done"}
    assert lab.scalar("SELECT state FROM device_txn") == "committed"
    assert lab.device.armed is None


def test_the_same_intent_again_sends_nothing(lab: Any) -> None:
    lab.want("A", site("A"))
    lab.run()
    again = lab.want("A", site("A"))
    lab.run()
    assert len(lab.device.applied) == 1
    assert (lab.change(again).state, lab.change(again).edits) == ("done", 0)


def test_bad_sites_are_found_and_the_others_succeed(lab: Any) -> None:
    names = [f"S{number:02}" for number in range(16)]
    lab.device.refuse = {"S03", "S11"}
    numbers = {name: lab.want(name, site(name)) for name in names}
    lab.run()
    states = {name: lab.change(number).state for name, number in numbers.items()}
    assert {name for name, state in states.items() if state == "refused"} == {"S03", "S11"}
    assert {f"site[name='{name}']" for name in names} - {
        path[1] for path in lab.device.running if path[0] == "sites"
    } == {"site[name='S03']", "site[name='S11']"}


def test_a_lost_reply_is_resolved_by_reading_and_nothing_is_sent_twice(lab: Any) -> None:
    lab.device.lose_reply = True
    number = lab.want("A", site("A"))
    lab.run()
    assert lab.scalar("SELECT state FROM device_txn") == "unknown"
    lab.run()
    assert lab.change(number).state == "done"
    assert lab.device.applied == [["A"]]
    assert lab.device.confirmed
    assert lab.scalar("SELECT state FROM device_txn") == "committed"
    assert lab.scalar("SELECT count(*) FROM net_effect") == 2
    assert lab.scalar("SELECT count(*) FROM shared_owner") == 1


def test_a_commit_that_ended_with_its_session_is_sent_again_and_never_confirmed_by_another(
    lab: Any,
) -> None:
    lab.device.persist = False
    lab.device.lose_reply = True
    number = lab.want("A", site("A"))
    lab.run()
    assert lab.device.armed is None, "the device has gone back"
    assert lab.scalar("SELECT state FROM device_txn") == "unknown"
    lab.run()
    assert lab.change(number).state == "done"
    assert lab.device.applied == [["A"], ["A"]]
    assert lab.scalar("SELECT string_agg(state, ',' ORDER BY started_at) FROM device_txn") == (
        "reverted,committed"
    )


def test_while_the_device_still_knows_the_lost_session_nothing_is_settled(lab: Any) -> None:
    lab.device.persist = False
    lab.device.lose_reply = lab.device.hears_nothing_of_the_end = True
    number = lab.want("A", site("A"))
    lab.run()
    lab.run()
    assert lab.scalar("SELECT state FROM device_txn") == "unknown"
    assert lab.device.confirmed == []
    lab.device.hears_nothing_of_the_end = False
    lab.device.session_ended()
    lab.run()
    assert lab.change(number).state == "done"
    assert lab.device.applied == [["A"], ["A"]]


def test_a_session_lost_before_the_commit_starts_over(lab: Any) -> None:
    lab.device.lose_before_commit = True
    number = lab.want("A", site("A"))
    lab.run()
    lab.run()
    assert lab.change(number).state == "done"
    assert lab.device.applied == [["A"]]


def test_a_device_that_drops_a_value_is_taken_back_and_the_good_site_goes_again(lab: Any) -> None:
    lab.device.ignores = {("sites", "site[name='B']", "speed")}
    good, bad = lab.want("A", site("A")), lab.want("B", site("B"))
    lab.run()
    assert lab.change(good).state == "done"
    assert (lab.change(bad).state, lab.change(bad).reason) == ("refused", "READ_BACK_MISMATCH")
    assert ("sites", "site[name='B']") not in lab.device.running


def test_an_unreachable_device_postpones_and_loses_nothing(lab: Any) -> None:
    lab.device.unreachable = True
    number = lab.want("A", site("A"))
    lab.run()
    assert (lab.change(number).state, lab.change(number).reason) == (
        "waiting",
        "DEVICE_UNREACHABLE",
    )
    lab.device.unreachable = False
    lab.run()
    assert lab.change(number).state == "done"


def test_a_writer_that_slept_through_its_lease_is_fenced_off(lab: Any) -> None:
    number = lab.want("A", site("A"))
    original = lab.device.apply

    def stolen(*arguments: Any) -> Any:
        with lab.engine.begin() as connection:
            connection.execute(sa.text("UPDATE device_lease SET until = now() - interval '1 s'"))
        assert leases.acquire(lab.engine, lab.name, "another", 30) == 2
        return original(*arguments)

    lab.device.apply = stolen
    lab.run()
    assert lab.device.applied == []
    assert lab.change(number).state == "claimed"


def test_a_lease_that_somebody_has_let_run_out_is_taken_over_and_told(lab: Any) -> None:
    assert leases.acquire(lab.engine, lab.name, "the dead", 30) == 1
    lab.want("A", site("A"))
    lab.run()
    assert lab.device.applied == []
    with lab.engine.begin() as connection:
        connection.execute(sa.text("UPDATE device_lease SET until = now() - interval '1 s'"))
    lab.run()
    assert lab.device.applied == [["A"]]
    told = "SELECT {} FROM trail_entry WHERE kind = 'device.leaseTakenOver'"
    assert lab.scalar(told.format("actor")) == "gateway"
    assert lab.scalar(told.format("details->>'formerHolder'")) == "the dead"
    assert lab.scalar(told.format("count(*)")) == 1


def test_a_writer_fenced_off_within_its_window_lets_the_device_return(lab: Any) -> None:
    lab.want("A", site("A"))
    original = lab.device.apply

    def overtaken(*arguments: Any) -> Any:
        receipt = original(*arguments)
        with lab.engine.begin() as connection:
            connection.execute(sa.text("UPDATE device_lease SET epoch = epoch + 1"))
        return receipt

    lab.device.apply = overtaken
    lab.run()
    assert lab.device.armed is None
    assert lab.device.confirmed == []
    assert lab.device.running == {}


def test_what_is_open_is_resolved_before_anything_new_goes_to_the_device(lab: Any) -> None:
    lab.device.lose_reply = True
    first = lab.want("A", site("A"))
    lab.run()
    assert lab.scalar("SELECT state FROM device_txn") == "unknown"
    second = lab.want("B", site("B"))
    states: list[object] = []
    original = lab.device.apply

    def watched(*arguments: Any) -> Any:
        states.append(
            lab.scalar("SELECT string_agg(state, ',' ORDER BY started_at) FROM device_txn")
        )
        return original(*arguments)

    lab.device.apply = watched
    lab.run()
    assert {lab.change(first).state, lab.change(second).state} == {"done"}
    assert states == ["committed,planned"]
    assert lab.device.applied == [["A"], ["B"]]


def test_a_window_that_closed_before_its_time_is_resolved_by_reading(lab: Any) -> None:
    number = lab.want("A", site("A"))
    waiting = lab.want("B", site("B"))
    original = lab.device.confirm

    def too_late(transaction: str) -> None:
        lab.device.cancel(transaction)
        lab.device.confirm = original
        original(transaction)

    lab.device.confirm = too_late
    lab.run()
    assert lab.scalar("SELECT state FROM device_txn") == "unknown"
    assert lab.device.running == {}
    lab.run()
    assert {lab.change(number).state, lab.change(waiting).state} == {"done"}
    assert ("sites", "site[name='A']") in lab.device.running


def test_a_site_that_cannot_be_sent_at_all_does_not_hold_up_the_others(lab: Any) -> None:
    numbers = {name: lab.want(name, site(name)) for name in "ABC"}
    original = lab.device.apply

    def without_secret(batch: Any, mode: Any) -> Any:
        if any(part.site == "B" for part in batch):
            raise SecretUnavailable("no such secret")
        return original(batch, mode)

    lab.device.apply = without_secret
    lab.run()
    states = {name: lab.change(number).state for name, number in numbers.items()}
    assert states == {"A": "done", "B": "refused", "C": "done"}


def test_only_one_writer_at_a_time_gets_a_device(lab: Any) -> None:
    assert leases.acquire(lab.engine, lab.name, "one", 30) == 1
    assert leases.acquire(lab.engine, lab.name, "two", 30) is None
    leases.release(lab.engine, lab.name, 1)
    assert leases.acquire(lab.engine, lab.name, "two", 30) == 2


@pytest.mark.parametrize("value", ["90", "2"])
def test_template_drift_refuses_the_site_and_sends_nothing(lab: Any, value: str) -> None:
    lab.device.running = {TEMPLATE: PRESENT, (*TEMPLATE, "rate"): value}
    number = lab.want("A", site("A"))
    lab.run()
    assert (lab.change(number).state, lab.change(number).reason) == ("refused", "TEMPLATE_DRIFT")
    assert lab.device.applied == []


def test_the_schema_and_the_tables_are_the_same(lab: Any) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    import inventory.tables
    import rom.store.tables
    import rom.store.trail_tables

    with lab.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        known = [
            rom.store.tables.metadata,
            rom.store.trail_tables.metadata,
            inventory.tables.metadata,
        ]
        found = compare_metadata(context, known)
    assert [entry for entry in found if "procrastinate" not in str(entry)] == []


def test_the_writer_tells_which_sites_it_decided_something_for(lab: Any) -> None:
    lab.want("A", site("A"))
    lab.want("B", site("B"))
    assert lab.writer().run(lab.name) == {"A", "B"}
    lab.device.unreachable = True
    lab.want("A", site("A", "800"))
    assert lab.writer().run(lab.name) == {"A"}


def test_a_secret_that_was_there_already_is_sent_once_and_known_from_then_on(lab: Any) -> None:
    key: Path = ("users", "user[name='netops']", "secret")
    lab.device.running = {key[:2]: PRESENT, key: "digest:same"}
    lab.device.shown_as = {"secret:ce-login/A": "digest:same"}
    first = lab.want("A", Fragment(own={key: "secret:ce-login/A"}))
    lab.run()
    again = lab.want("A", Fragment(own={key: "secret:ce-login/A"}))
    lab.run()
    assert (lab.change(first).edits, lab.change(again).edits) == (1, 0)
    lab.want("A", Fragment())
    lab.run()
    assert lab.device.running[key] == "digest:same"
    assert lab.scalar("SELECT count(*) FROM net_effect") == 0


def test_a_shared_object_that_somebody_outside_uses_stays_and_is_ours_again_later(
    lab: Any,
) -> None:
    lab.want("A", site("A"))
    lab.run()
    original = lab.device.apply

    def referred_to(batch: Any, mode: Any) -> Any:
        if any(
            edit.path == TEMPLATE and edit.after is None for part in batch for edit in part.edits
        ):
            raise CommitRefused("instance required: operator's service refers to 'gold'")
        return original(batch, mode)

    lab.device.apply = referred_to
    gone = lab.want("A", Fragment())
    lab.run()
    assert lab.change(gone).state == "done"
    assert set(lab.device.running) == {TEMPLATE, (*TEMPLATE, "rate")}
    with lab.engine.connect() as connection:
        assert effects.orphans(connection, lab.name, "A") == [TEMPLATE]

    lab.want("B", site("B"))
    lab.run()
    with lab.engine.connect() as connection:
        assert effects.orphans(connection, lab.name, "A") == []
    lab.device.apply = original
    lab.want("B", Fragment())
    lab.run()
    assert lab.device.running == {}
    assert lab.scalar("SELECT count(*) FROM shared_object") == 0


def test_a_site_on_which_we_fail_is_refused_with_an_id_and_the_others_go_out(lab: Any) -> None:
    names = ["S1", "S2", "S3", "S4"]
    numbers = {name: lab.want(name, site(name)) for name in names}
    lab.device.breaks_us = {"S2", "S4"}
    lab.run()
    changes = {name: lab.change(number) for name, number in numbers.items()}
    assert [changes[name].state for name in names] == ["done", "refused", "done", "refused"]
    for name in lab.device.breaks_us:
        assert changes[name].reason == "INTERNAL"
        assert re.fullmatch(r"fault [0-9a-f]{12} of the gateway, see its log", changes[name].error)
    lab.device.breaks_us = ()
    later = lab.want("S2", site("S2"))
    lab.run()
    assert lab.change(later).state == "done"
    assert lab.scalar(OPEN) == 0


def test_where_we_fail_after_the_device_has_taken_a_change_it_is_read_and_what_is_there_is_done(
    lab: Any,
) -> None:
    numbers = [lab.want(name, site(name)) for name in ("S1", "S2")]
    lab.device.breaks_us, lab.device.breaks_late = {"S2"}, True
    lab.run()
    assert [lab.change(number).state for number in numbers] == ["done", "done"]
    assert lab.device.applied == [["S1", "S2"]]
    assert lab.device.armed is None
    assert lab.scalar(OPEN) == 0


def test_what_fails_for_no_site_in_particular_is_put_off_and_says_so(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = lab.want("A", site("A"))

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(lab.device, "read", broken)
        patched.setattr(changes, "claim", broken)
        lab.run()
    found = lab.change(number)
    assert (found.state, found.reason) == ("waiting", "INTERNAL")
    assert lab.scalar("SELECT due_at IS NOT NULL FROM change")


def test_a_device_transaction_is_traced_with_its_device_sites_and_orders(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(work, "_tracer", provider.get_tracer("test"))
    for name in ("A", "B"):
        lab.want(name, site(name))
    lab.run()
    [span] = spans.get_finished_spans()
    assert span.name == "device transaction"
    assert span.attributes is not None
    assert span.attributes["rom.device"] == lab.name
    assert span.attributes["rom.site"] == "A,B"
    assert span.attributes["rom.transaction"] == lab.scalar("SELECT id FROM device_txn")
