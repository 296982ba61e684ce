"""Delivery from the outbox: order, repetition, lanes, dead letters, several gateways."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from rom.events.fan_out import fan_out
from rom.events.service import Events
from rom.events.upkeep import bury_old, prune
from rom.model.event_types import Api
from rom.store import outbox
from rom.store.event_tables import delivery, event_position, hub_subscription
from rom.store.tables import event_outbox

Tell = Callable[..., None]


def listen(events: Events, callback: str, query: str = "", secret: str | None = None) -> str:
    found: str = events.listeners.subscribe(Api.ORDERING, callback, query, secret)["id"]
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_a_listener_that_was_down_gets_every_event_in_order_afterwards(
    gateway: Any, receiver: Any, tell: Tell
) -> None:
    port = free_port()
    with gateway() as events:
        listener = listen(events, f"http://127.0.0.1:{port}/events")
        for number in range(12):
            tell("RO-1", number)
            tell("RO-2", number)
        wait_until(lambda: state_of(events, listener)["lastError"] is not None)
        assert state_of(events, listener)["state"] == "failing"
        up = receiver(port=port)
        up.wait(lambda found: len(found.taken) == 24)
        assert up.streams() == {"RO-1": list(range(12)), "RO-2": list(range(12))}
        wait_until(lambda: state_of(events, listener)["state"] == "idle")
        assert state_of(events, listener)["delivered"] == 24


def test_an_event_that_is_refused_holds_up_its_own_order_only(
    gateway: Any, receiver: Any, tell: Tell
) -> None:
    poisoned = threading.Event()
    poisoned.set()

    def answer(event: dict[str, Any]) -> int:
        return 400 if event["eventId"] == "RO-1/1" and poisoned.is_set() else 204

    found = receiver(answer)
    with gateway() as events:
        listen(events, found.callback)
        tell("RO-1", 0, 1, 2)
        tell("RO-2", 0, 1, 2)
        found.wait(lambda found: len(found.taken) == 4)
        assert found.streams() == {"RO-1": [0], "RO-2": [0, 1, 2]}
        poisoned.clear()
        found.wait(lambda found: len(found.taken) == 6)
        assert found.streams()["RO-1"] == [0, 1, 2]


def test_a_slow_listener_delays_nobody_else(gateway: Any, receiver: Any, tell: Tell) -> None:
    released = threading.Event()
    slow = receiver(lambda _: 200 if released.wait(20) else 500)
    quick = receiver()
    with gateway(event_timeout_seconds=20.0) as events:
        listen(events, slow.callback)
        listen(events, quick.callback)
        for number in range(20):
            tell(f"RO-{number}", 0, 1)
        quick.wait(lambda found: len(found.taken) == 40)
        assert slow.taken == []
        assert slow.seen == 4  # never more at once than the setting says
        released.set()
        slow.wait(lambda found: len(found.taken) == 40)


def test_two_gateways_neither_deliver_twice_nor_break_the_order(
    gateway: Any, receiver: Any, tell: Tell
) -> None:
    found = [receiver() for _ in range(3)]
    with gateway() as first, gateway():
        for each in found:
            listen(first, each.callback)
        for number in range(25):
            for stream in ("RO-1", "RO-2", "RO-3"):
                tell(stream, number)
        for each in found:
            each.wait(lambda found: len(found.taken) == 75)
            expected = list(range(25))
            assert each.streams() == {"RO-1": expected, "RO-2": expected, "RO-3": expected}


def test_what_is_given_up_becomes_a_dead_letter_and_can_be_replayed(
    gateway: Any, receiver: Any, tell: Tell
) -> None:
    found = receiver(503)
    with gateway(event_give_up_attempts=2) as events:
        listener = listen(events, found.callback)
        tell("RO-1", 0, 1)
        wait_until(lambda: state_of(events, listener)["deadLetters"] == 2)
        letters, total = events.dead_letters.page(offset=0, limit=10, listener=listener)
        assert total == 2
        assert [letter["eventId"] for letter in letters] == ["RO-1/0", "RO-1/1"]
        assert letters[0]["error"] == "answered 503"
        assert letters[0]["attempts"] == 2
        one = events.dead_letters.find(int(letters[0]["id"]))
        assert one is not None
        assert one["notification"]["priority"] == 0
        found.answer = 200
        assert events.dead_letters.replay(order="RO-9") == 0
        assert events.dead_letters.replay(listener=listener) == 2
        found.wait(lambda found: len(found.taken) == 2)
        assert found.events == [("RO-1", 0), ("RO-1", 1)]
        wait_until(lambda: state_of(events, listener)["deadLetters"] == 0)


def test_an_event_committed_late_is_not_skipped(
    engine: sa.Engine, gateway: Any, receiver: Any, tell: Tell
) -> None:
    """Numbers are given before the commit; the one that is committed first has the higher one."""
    found = receiver()
    with gateway() as events, engine.connect() as late:
        listen(events, found.callback)
        write(late, "RO-1", 0)
        tell("RO-2", 0)
        found.wait(lambda found: len(found.taken) == 1)
        late.commit()
        found.wait(lambda found: len(found.taken) == 2)
        assert found.events == [("RO-2", 0), ("RO-1", 0)]
    with engine.connect() as connection:
        numbers = connection.scalars(
            sa.select(event_position.c.sequence).order_by(event_position.c.position)
        ).all()
    assert list(numbers) == sorted(numbers, reverse=True)  # the case at hand was the hard one


def test_events_of_one_order_are_numbered_in_the_order_of_their_commits(
    engine: sa.Engine, gateway: Any, receiver: Any, tell: Tell
) -> None:
    found = receiver()
    with gateway() as events, engine.connect() as first:
        listen(events, found.callback)
        write(first, "RO-1", 0)
        second = threading.Thread(target=tell, args=("RO-1", 1))
        second.start()
        wait_until(lambda: waits_for_lock(engine))
        write(first, "RO-1", -1)
        first.commit()
        second.join()
        found.wait(lambda found: len(found.taken) == 3)
        assert found.events == [("RO-1", 0), ("RO-1", -1), ("RO-1", 1)]


def test_nothing_is_lost_when_hundreds_of_transactions_write_at_once(
    engine: sa.Engine, gateway: Any, receiver: Any, tell: Tell
) -> None:
    found = receiver()
    with gateway(), gateway() as events:
        listen(events, found.callback)
        writers = [
            threading.Thread(target=tell, args=(f"RO-{stream}", *range(30))) for stream in range(8)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        found.wait(lambda found: len(found.taken) == 240)
        assert found.streams() == {f"RO-{stream}": list(range(30)) for stream in range(8)}


def test_queries_and_apis_decide_who_gets_what(gateway: Any, receiver: Any, tell: Tell) -> None:
    creates, own, others = receiver(), receiver(), receiver()
    with gateway() as events:
        listen(events, creates.callback, "eventType=ResourceOrderCreateEvent")
        listen(events, own.callback, "event.resourceOrder.id=RO-2&fields=correlationId,priority")
        events.listeners.subscribe(Api.INVENTORY, others.callback, "", None)
        tell("RO-1", 0, eventType="ResourceOrderCreateEvent")
        tell("RO-2", 0)
        resource = event_of_resource("R-1", 0)
        tell("R-1", 0, **resource)
        for each in (creates, own, others):
            each.wait(lambda found: len(found.taken) == 1)
        assert creates.events == [("RO-1", 0)]
        assert sorted(own.taken[0].event) == [
            "correlationId", "eventId", "eventTime", "eventType", "priority",
        ]  # fmt: skip
        assert others.events == [("R-1", 0)]


def test_the_events_name_is_put_behind_the_callback_when_that_is_wanted(
    gateway: Any, receiver: Any, tell: Tell
) -> None:
    found = receiver()
    with gateway(callback_append_name=True) as events:
        listen(events, found.callback + "/")
        listen(events, found.callback)
        tell("RO-1", 0)
        found.wait(lambda found: len(found.taken) == 2)
    assert {each.path for each in found.taken} == {
        "/events/listener/resourceOrderStateChangeEvent",
        "/events",
    }


def test_a_removed_listener_takes_what_waited_for_it_along(
    engine: sa.Engine, gateway: Any, tell: Tell
) -> None:
    with gateway() as events:
        listener = listen(events, f"http://127.0.0.1:{free_port()}/")
        tell("RO-1", 0)
        wait_until(lambda: state_of(events, listener)["waiting"] == 1)
        assert not events.listeners.unsubscribe(listener, Api.INVENTORY)
        assert events.listeners.unsubscribe(listener, Api.ORDERING)
        assert not events.listeners.unsubscribe(listener)
    assert rows(engine, delivery) == 0


def test_what_waits_too_long_for_a_dead_listener_is_given_up(
    engine: sa.Engine, gateway: Any, tell: Tell
) -> None:
    with gateway() as events:
        listener = listen(events, f"http://127.0.0.1:{free_port()}/")
    tell("RO-1", 0)
    fan_out(engine)
    assert bury_old(engine, 0.0) == 0  # the listener is not known to be down
    with engine.begin() as connection:
        connection.execute(sa.update(hub_subscription).values(failures=3))
    assert bury_old(engine, 60.0) == 0
    assert bury_old(engine, 0.0) == 1
    assert events.dead_letters.page(offset=0, limit=1, listener=listener)[1] == 1


def test_old_events_are_pruned_once_nobody_waits_for_them(
    engine: sa.Engine, gateway: Any, tell: Tell
) -> None:
    with gateway() as events:
        listener = listen(events, f"http://127.0.0.1:{free_port()}/")
    tell("RO-1", 0)
    assert prune(engine, 0.0) == 0  # not even taken in yet
    fan_out(engine)
    assert prune(engine, 0.0) == 0
    events.listeners.unsubscribe(listener)
    assert prune(engine, 3600.0) == 0
    assert prune(engine, 0.0) == 1
    assert rows(engine, event_outbox) == rows(engine, event_position) == 0


def write(connection: sa.Connection, stream: str, number: int, **more: Any) -> None:
    event = {
        "eventId": f"{stream}/{number}",
        "eventType": "ResourceOrderStateChangeEvent",
        "correlationId": stream,
        "priority": number,
    } | more
    outbox.emit(connection, stream, event)


def event_of_resource(resource: str, number: int) -> dict[str, Any]:
    return {
        "eventType": "ResourceStateChangeEvent",
        "priority": number,
        "event": {"resource": {"id": resource}},
    }


def state_of(events: Events, listener: str) -> dict[str, Any]:
    found = events.listeners.find(listener)
    assert found is not None
    state: dict[str, Any] = found["delivery"]
    return state


def rows(engine: sa.Engine, table: sa.Table) -> int:
    with engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def waits_for_lock(engine: sa.Engine) -> bool:
    with engine.connect() as connection:
        text = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return bool(connection.scalar(sa.text(text)))


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Look at the database until something is so; it has no event to wait for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_listener_that_we_cannot_read_any_more_keeps_no_other_from_its_events(
    engine: sa.Engine, gateway: Any, receiver: Any, tell: Tell
) -> None:
    found, other = receiver(), receiver()
    with gateway() as events:
        broken = listen(events, other.callback)
        listen(events, found.callback)
        with engine.begin() as connection:
            connection.execute(
                sa.update(hub_subscription)
                .where(hub_subscription.c.id == broken)
                .values(query="what a later release may have taken((")
            )
        tell("RO-1", 0, 1)
        found.wait(lambda found: len(found.taken) == 2)
    assert other.taken == []
