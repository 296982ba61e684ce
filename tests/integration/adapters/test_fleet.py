import logging
import threading
from dataclasses import replace
from typing import Any

import pytest
from nornir.core.task import Result, Task
from pydantic import SecretStr
from pytest_mock import MockerFixture

from adapters.errors import (
    AdapterError,
    AuthenticationFailed,
    DeviceTimeout,
    LoginBroken,
    SessionLost,
    Unreachable,
)
from adapters.fleet import Fleet
from adapters.netconf.session import NetconfSession
from adapters.nornir import tasks
from adapters.nornir.tasks import session_of
from adapters.pool import SessionPool
from adapters.seam import Query
from device_profiles.profile import load_profile


def capabilities(task: Task) -> Result:
    return Result(task.host, sorted(session_of(task).capabilities))


ROOT = ("ietf-interfaces:interfaces", "interface[name='eth-1']")


@pytest.fixture
def fleet(lab: Any, closing: Any) -> Fleet:
    return closing(Fleet(load_profile, lab.resolve))  # type: ignore[no-any-return]


def test_a_session_is_used_again_while_it_lives(fleet: Fleet, lab: Any) -> None:
    device, endpoint = lab.olt()
    for _ in range(3):
        with fleet.session(endpoint) as session:
            session.read([ROOT])
    assert device.counters.connections == 1


def test_a_dead_session_is_opened_anew(fleet: Fleet, lab: Any) -> None:
    device, endpoint = lab.olt()
    device.faults.drop_session("get-config", "before")
    with pytest.raises(AdapterError), fleet.session(endpoint) as session:
        session.read([ROOT])
    with fleet.session(endpoint) as session:
        assert session.read([ROOT]) == {}
    assert device.counters.connections == 2


def test_a_session_that_died_at_rest_is_opened_anew(fleet: Fleet, lab: Any) -> None:
    device, endpoint = lab.olt()
    with fleet.session(endpoint) as session:
        session.read([ROOT])
    lab.loop.run(device.stop())
    lab.loop.run(device.start(port=endpoint.port))
    with fleet.session(endpoint) as session:
        assert session.read([ROOT]) == {}


def test_new_credentials_do_not_meet_an_old_session(fleet: Fleet, lab: Any) -> None:
    _, endpoint = lab.olt()
    with fleet.session(endpoint):
        pass
    wrong = replace(endpoint, password=SecretStr("wrong"))
    with pytest.raises(AuthenticationFailed), fleet.session(wrong):
        pass


def test_a_platform_that_has_changed_does_not_meet_an_old_session(lab: Any, closing: Any) -> None:
    device, endpoint = lab.olt()
    known = [load_profile(endpoint.profile)]
    fleet = closing(Fleet(lambda _: known[-1], lab.resolve))
    for _ in range(2):
        with fleet.session(endpoint) as session:
            session.read([ROOT])
    assert device.counters.connections == 1
    with fleet.session(endpoint):
        known.append(known[0].model_copy(update={"title": "another release"}))
    with fleet.session(endpoint) as session:
        session.read([ROOT])
    assert device.counters.connections == 2


def test_close_ends_the_sessions_at_rest(fleet: Fleet, lab: Any) -> None:
    _, endpoint = lab.olt()
    with fleet.session(endpoint) as session:
        pass
    fleet.close()
    assert not session.alive


def test_rest_beyond_the_limit_ends_a_session(lab: Any, closing: Any) -> None:
    device, endpoint = lab.olt()
    fleet = closing(Fleet(load_profile, lab.resolve, idle_seconds=0.0))
    for _ in range(2):
        with fleet.session(endpoint):
            pass
    assert device.counters.connections == 2


def test_a_device_never_has_more_sessions_than_allowed(lab: Any) -> None:
    _, endpoint = lab.olt()

    class Nothing:
        alive = True

        def close(self) -> None:
            return

    pool = SessionPool(lambda _: Nothing(), 1, 60.0, 0.05)  # type: ignore[arg-type, return-value]
    first = pool.take(endpoint)
    with pytest.raises(DeviceTimeout):
        pool.take(endpoint)
    pool.give_back(endpoint, first)
    assert pool.take(endpoint) is first


def test_a_run_returns_results_and_errors_by_device(fleet: Fleet, lab: Any) -> None:
    _, good = lab.olt()
    _, switch = lab.switch()
    dead = replace(good, device="DEAD", port=1)
    results = fleet.run([good, switch, dead], capabilities)
    assert "transaction" in results[good.device]
    assert "startup" in results[switch.device]
    assert isinstance(results["DEAD"], Unreachable)
    assert fleet.run([], capabilities) == {}


def test_a_device_that_failed_is_tried_again_in_the_next_run(fleet: Fleet, lab: Any) -> None:
    device, endpoint = lab.olt()
    device.faults.refuse_connections = True
    assert isinstance(
        fleet.read([endpoint], {endpoint.device: [ROOT]})[endpoint.device], AdapterError
    )
    device.faults.refuse_connections = False
    assert fleet.read([endpoint], {endpoint.device: [ROOT]}) == {endpoint.device: {}}


def test_devices_of_a_run_are_worked_on_at_once(fleet: Fleet, lab: Any) -> None:
    endpoints = [lab.olt()[1] for _ in range(4)]
    together = threading.Barrier(4, timeout=10)
    results = fleet.run(endpoints, lambda task: Result(task.host, together.wait() >= 0))
    assert list(results.values()) == [True] * 4


def test_an_error_of_the_task_itself_comes_out(fleet: Fleet, lab: Any) -> None:
    _, endpoint = lab.olt()

    def broken(_: Task) -> Result:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fleet.run([endpoint], broken)


def test_nothing_of_a_run_shows_a_password(
    fleet: Fleet, lab: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _, endpoint = lab.olt()
    shown: list[str] = []

    def look(task: Task) -> Result:
        shown.append(repr(session_of(task)) + repr(fleet) + repr(endpoint))
        shown.append(repr(task.nornir.inventory.dict()))
        return Result(task.host)

    fleet.run([endpoint], look)
    assert endpoint.password.get_secret_value() not in "".join(shown) + caplog.text


def test_a_fleet_read_asks_each_device_once(fleet: Fleet, lab: Any, mocker: MockerFixture) -> None:
    device, endpoint = lab.olt()
    with fleet.session(endpoint) as session:
        session.apply([lab.interface("SITE-A", "eth-1", description="ours")], lab.mode())
    asked = mocker.spy(NetconfSession, "read")
    tree = fleet.read([endpoint], {endpoint.device: [ROOT]})[endpoint.device]
    assert not isinstance(tree, AdapterError)
    assert tree[*ROOT, "description"] == "ours"
    assert (asked.call_count, device.counters.connections) == (1, 1)


def test_a_session_is_given_back_when_its_host_is_done_not_when_all_are(
    lab: Any, closing: Any
) -> None:
    fleet = closing(Fleet(load_profile, lab.resolve, per_device=1))
    (_, quick), (_, slow) = lab.olt(), lab.olt()
    quick_is_free = threading.Event()

    def work(task: Task) -> Result:
        session_of(task)
        if task.host.name == slow.device:
            with fleet.session(quick):  # waits until the other host's only session is back
                quick_is_free.set()
        return Result(task.host, quick_is_free.is_set())

    results = fleet.run([quick, slow], work)
    assert results[slow.device] is True


def test_a_session_cannot_be_used_after_its_block(fleet: Fleet, lab: Any) -> None:
    _, endpoint = lab.olt()
    with fleet.session(endpoint) as session:
        pass
    with pytest.raises(SessionLost, match="has ended"):
        session.read([ROOT])


def test_an_error_of_one_operation_does_not_end_the_conversation(fleet: Fleet, lab: Any) -> None:
    _, endpoint = lab.olt()
    with fleet.session(endpoint) as session:
        with pytest.raises(AdapterError):
            session.confirm("never-begun")
        assert session.read([ROOT]) == {}


def test_what_the_gateway_does_in_a_session_are_the_tasks_of_a_script(
    fleet: Fleet, lab: Any, mocker: MockerFixture
) -> None:
    _, endpoint = lab.olt()
    ran = {
        name: mocker.spy(tasks, name) for name in ("read", "check", "apply", "confirm", "cancel")
    }
    with fleet.session(endpoint) as session:
        for transaction, end in (("txn-1", session.cancel), ("txn-2", session.confirm)):
            part = lab.interface("SITE-A", "eth-1", description="ours")
            receipt = session.apply([part], lab.mode(transaction, confirm_within=60))
            assert receipt.confirming
            end(transaction)
        assert session.read([ROOT])[*ROOT, "description"] == "ours"
        assert session.probe([Query("text", (*ROOT, "description"))]) == {"text": "ours"}
    assert {name: spy.call_count for name, spy in ran.items()} == {
        "read": 1, "check": 1, "apply": 2, "confirm": 1, "cancel": 1,
    }  # fmt: skip


def test_a_login_that_breaks_off_is_tried_once_more_and_then_left_to_people(
    fleet: Fleet, lab: Any
) -> None:
    device, endpoint = lab.olt()

    def asked() -> type[Exception] | None:
        try:
            with fleet.session(endpoint) as session:
                session.read([ROOT])
        except AdapterError as error:
            return type(error)
        return None

    device.faults.restarts_at_login = 1
    assert [asked(), asked()] == [LoginBroken, None]
    fleet.close()
    device.faults.restarts_at_login = 2
    assert [asked(), asked()] == [LoginBroken, AuthenticationFailed]
    assert device.counters.logins == 4


def test_a_device_that_was_down_between_two_broken_logins_has_restarted(
    fleet: Fleet, lab: Any
) -> None:
    device, endpoint = lab.olt()
    gone = replace(endpoint, port=1)
    found = []
    for target in (endpoint, gone, endpoint, gone, endpoint):
        device.faults.restarts_at_login = 1
        with pytest.raises(Unreachable) as raised, fleet.session(target) as session:
            session.read([ROOT])
        found.append(type(raised.value))
    assert found == [LoginBroken, Unreachable, LoginBroken, Unreachable, LoginBroken]


def test_a_look_at_devices_is_repeated_where_a_session_that_lay_idle_has_ended_unnoticed(
    fleet: Fleet, lab: Any
) -> None:
    device, endpoint = lab.olt()
    with fleet.session(endpoint) as session:
        session.read([ROOT])
    device.faults.drop_session("get-config", "before")
    assert fleet.read([endpoint], {endpoint.device: [ROOT]}) == {endpoint.device: {}}
    for _ in range(2):
        device.faults.drop_session("get-config", "before")
    found = fleet.read([endpoint], {endpoint.device: [ROOT]})
    assert isinstance(found[endpoint.device], SessionLost)  # it is the device then
