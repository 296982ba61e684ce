import logging
import threading
from dataclasses import replace
from typing import Any

import pytest
from nornir.core.inventory import Host
from nornir.core.plugins.connections import ConnectionPluginRegister
from pydantic import SecretStr

from adapters.errors import AdapterError, AuthenticationFailed, DeviceTimeout, Unreachable
from adapters.fleet import Fleet
from adapters.nornir_plugin import NAME, SessionPlugin
from adapters.pool import SessionPool
from device_profiles.profile import load_profile

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
    results = fleet.run([good, switch, dead], lambda _, session: sorted(session.capabilities))
    assert "transaction" in results[good.device]  # type: ignore[operator]  # no error
    assert "startup" in results[switch.device]  # type: ignore[operator]  # no error
    assert isinstance(results["DEAD"], Unreachable)
    assert fleet.run([], lambda _, session: session) == {}


def test_a_device_that_failed_is_tried_again_in_the_next_run(fleet: Fleet, lab: Any) -> None:
    device, endpoint = lab.olt()
    device.faults.refuse_connections = True
    assert isinstance(fleet.run([endpoint], lambda _, __: 1)[endpoint.device], AdapterError)
    device.faults.refuse_connections = False
    assert fleet.run([endpoint], lambda _, __: 1) == {endpoint.device: 1}


def test_devices_of_a_run_are_worked_on_at_once(fleet: Fleet, lab: Any) -> None:
    endpoints = [lab.olt()[1] for _ in range(4)]
    together = threading.Barrier(4, timeout=10)
    results = fleet.run(endpoints, lambda _, __: together.wait() >= 0)
    assert list(results.values()) == [True] * 4


def test_an_error_of_the_task_itself_comes_out(fleet: Fleet, lab: Any) -> None:
    _, endpoint = lab.olt()

    def broken(_: str, __: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fleet.run([endpoint], broken)


def test_nothing_of_a_run_shows_a_password(
    fleet: Fleet, lab: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _, endpoint = lab.olt()
    shown: list[str] = []

    def look(_: str, session: Any) -> None:
        shown.append(repr(session) + repr(fleet) + repr(endpoint))

    fleet.run([endpoint], look)
    assert endpoint.password.get_secret_value() not in "".join(shown) + caplog.text


def test_the_plugin_opens_a_session_from_a_plain_nornir_inventory(lab: Any) -> None:
    _, endpoint = lab.olt()
    if NAME not in ConnectionPluginRegister.available:
        ConnectionPluginRegister.register(NAME, SessionPlugin)
    host = Host(
        endpoint.device,
        hostname=endpoint.host,
        port=endpoint.port,
        username=endpoint.username,
        password=endpoint.password.get_secret_value(),
        platform=endpoint.profile,
    )
    from nornir.core.configuration import Config

    plugin = host.open_connection(NAME, Config(), extras={"host_key": endpoint.host_key})
    session = plugin.connection
    assert session.read([ROOT]) == {}
    host.close_connections()
    assert not session.alive


def test_the_plugin_is_an_entry_point_of_the_project() -> None:
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    points = project["project"]["entry-points"]["nornir.plugins.connections"]
    assert points[NAME] == f"{SessionPlugin.__module__}:{SessionPlugin.__name__}"
