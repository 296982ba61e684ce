"""What a network engineer's script does: the gateway's devices, chosen, read, checked, changed."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from nornir import InitNornir
from nornir.core import Nornir
from nornir.core.configuration import Config
from nornir.core.filter import F
from nornir.core.inventory import ConnectionOptions, Host
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir.core.task import MultiResult, Result, Task
from pytest_mock import MockerFixture

from adapters.errors import (
    AuthenticationFailed,
    HostKeyMismatch,
    SecretUnavailable,
    Unsupported,
)
from adapters.nornir.connection import NAME, SessionPlugin
from adapters.nornir.tasks import ByHost, apply, cancel, check, confirm, diff, read
from adapters.seam import ApplyMode, Endpoint, SiteEdits
from device_profiles.checks import Check
from device_profiles.tree import Edit

ROOT = ("ietf-interfaces:interfaces", "interface[name='eth-1']")
WANTED = {
    ROOT: "",
    (*ROOT, "type"): "iana-if-type:ethernetCsmacd",
    (*ROOT, "description"): "CHG-4711",
}
LINE = ("interface GigabitEthernet0/7", "description")
TEXT = (*ROOT, "description")


def as_told(endpoint: Endpoint, **attributes: Any) -> dict[str, Any]:
    """A device as the gateway tells it over HTTP."""
    return {
        "device": endpoint.device, "role": "access", "profile": endpoint.profile, "sites": [],
        "waiting": 0, "lastTransaction": None, "attributes": attributes,
        "endpoint": {"host": endpoint.host, "port": endpoint.port, "hostKey": endpoint.host_key,
                     "options": {}},
    }  # fmt: skip


@pytest.fixture
def devices(lab: Any) -> dict[str, tuple[Any, Endpoint]]:
    return {"south": lab.olt(), "north": lab.olt(), "switch": lab.switch()}


@pytest.fixture
def told(devices: dict[str, tuple[Any, Endpoint]]) -> list[dict[str, Any]]:
    return [as_told(endpoint, area=area) for area, (_, endpoint) in devices.items()]


@pytest.fixture
def script(
    devices: dict[str, tuple[Any, Endpoint]],
    told: list[dict[str, Any]],
    mocker: MockerFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Nornir]:
    _, endpoint = devices["south"]
    monkeypatch.setenv("ROM_DEVICE_USERNAME", endpoint.username)
    monkeypatch.setenv("ROM_DEVICE_PASSWORD", endpoint.password.get_secret_value())
    mocker.patch("httpx.get", return_value=httpx.Response(200, content=json.dumps(told)))
    with InitNornir(inventory={"plugin": "rom_gateway"}, logging={"enabled": False}) as made:
        yield made


def bring(task: Task, **arguments: Any) -> Result:
    """Compare and send, as a script groups tasks."""
    found = task.run(diff, wanted=WANTED, site="CHG-4711")[0]
    return Result(task.host, task.run(apply, batch=[found.result], **arguments)[0])


def olts(script: Nornir) -> Nornir:
    return script.filter(F(groups__contains="platform__bbf-olt"))


def error_of(result: MultiResult) -> BaseException | None:
    return result[-1].exception


def test_a_script_reads_compares_shows_and_changes(script: Nornir) -> None:
    south = olts(script).filter(F(groups__contains="area__south"))
    assert len(south.inventory.hosts) == 1

    shown = south.run(bring, dry_run=True)
    assert not shown.failed
    [result] = shown.values()
    assert "<description>CHG-4711</description>" in result[0].result.diff

    sent = south.run(bring)
    assert not sent.failed
    assert [each.changed for each in next(iter(sent.values()))[2:]] == [True]

    held = olts(script).run(read, scope=[TEXT])
    assert sorted(result[0].result.get(TEXT, "") for result in held.values()) == ["", "CHG-4711"]

    again = south.run(diff, wanted=WANTED)
    assert next(iter(again.values()))[0].result.edits == ()


def test_the_dry_run_of_the_whole_script_sends_nothing(
    script: Nornir, devices: dict[str, tuple[Any, Endpoint]]
) -> None:
    script.data.dry_run = True
    ran = olts(script).run(bring)
    assert not ran.failed
    assert [devices[name][0].counters.edits for name in ("south", "north")] == [0, 0]


def test_one_script_speaks_to_every_platform(
    script: Nornir, devices: dict[str, tuple[Any, Endpoint]]
) -> None:
    switch = devices["switch"][1].device
    scope = ByHost({name: [LINE if name == switch else TEXT] for name in script.inventory.hosts})
    wanted = ByHost({switch: {LINE: "CHG-4711"}})
    chosen = script.filter(platform="ios-switch")
    edits = chosen.run(diff, wanted=wanted, site="CHG-4711")[switch][0].result
    assert not chosen.run(apply, batch=[edits]).failed
    held = script.run(read, scope=scope)
    assert not held.failed
    assert held[switch][0].result[LINE] == "CHG-4711"


def test_a_check_that_does_not_pass_fails_its_host_only(script: Nornir) -> None:
    south = olts(script).filter(F(groups__contains="area__south"))
    assert not south.run(bring).failed
    there = Check("text", path=TEXT, expect="CHG-4711")
    asked = olts(script).run(check, queries=[there])
    failing = {name: result[0].failing for name, result in asked.failed_hosts.items()}
    assert list(failing.values()) == [{"text": "CHECK_FAILED"}]


def test_a_confirmed_commit_is_taken_back_or_made_permanent(script: Nornir) -> None:
    south = olts(script).filter(F(groups__contains="area__south"))

    def there() -> bool:
        [result] = south.run(read, scope=[TEXT]).values()
        return TEXT in result[0].result

    assert not south.run(bring, mode=ApplyMode("chg-1", confirm_within=60)).failed
    assert there()
    assert not south.run(cancel, transaction="chg-1").failed
    assert not there()
    assert not south.run(bring, mode=ApplyMode("chg-2", confirm_within=60)).failed
    assert not south.run(confirm, transaction="chg-2").failed
    assert there()


def test_a_script_opens_one_connection_a_device_and_closes_it(
    script: Nornir, devices: dict[str, tuple[Any, Endpoint]]
) -> None:
    chosen = olts(script)
    for _ in range(3):
        chosen.run(read, scope=[TEXT])
    sessions = [
        host.get_connection(NAME, script.config) for host in chosen.inventory.hosts.values()
    ]
    assert [devices[name][0].counters.connections for name in ("south", "north")] == [1, 1]
    script.close_connections()
    assert [session.alive for session in sessions] == [False, False]


def test_the_engineers_own_password_counts_and_is_not_shown(
    script: Nornir, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="nornir")  # as a script's own Nornir does
    monkeypatch.setenv("ROM_DEVICE_PASSWORD", "not-Mine-9")
    ended = olts(script).run(read, scope=[TEXT])
    assert {type(error_of(result)) for result in ended.values()} == {AuthenticationFailed}
    shown = repr(ended) + "".join(str(result[0].result) for result in ended.values())
    assert "ietf-interfaces" in caplog.text, "Nornir logs arguments"
    assert "not-Mine-9" not in caplog.text + shown


def test_a_password_typed_into_nornirs_defaults_is_used(
    script: Nornir,
    devices: dict[str, tuple[Any, Endpoint]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("ROM_DEVICE_PASSWORD")
    script.inventory.defaults.password = devices["south"][1].password.get_secret_value()
    assert not olts(script).run(read, scope=[TEXT]).failed


def test_a_device_with_another_host_key_gets_no_password(script: Nornir, other_key: str) -> None:
    for host in script.inventory.hosts.values():
        host.connection_options[NAME].extras["host_key"] = other_key  # type: ignore[index]
    ended = olts(script).run(read, scope=[TEXT])
    assert {type(error_of(result)) for result in ended.values()} == {HostKeyMismatch}


ENABLE = ("enable secret",)


def test_a_secret_is_taken_from_the_environment_by_its_name(
    script: Nornir, devices: dict[str, tuple[Any, Endpoint]], monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = script.filter(platform="ios-switch")
    hidden = [SiteEdits("CHG-4711", (Edit(ENABLE, None, "secret:enable/EAS-1"),))]
    [refused] = switch.run(apply, batch=hidden).values()
    assert isinstance(error_of(refused), SecretUnavailable)
    monkeypatch.setenv("ROM_SECRET_ENABLE_EAS_1", "hidden-Secret-7")
    [sent] = switch.run(apply, on_failed=True, batch=hidden).values()
    assert not sent.failed
    assert "hidden-Secret-7" not in sent[0].diff
    assert "\nenable secret " in devices["switch"][0].running_config


def plain(endpoint: Endpoint, **extras: Any) -> Host:
    """A host of a plain Nornir inventory."""
    if NAME not in ConnectionPluginRegister.available:
        ConnectionPluginRegister.register(NAME, SessionPlugin)
    return Host(
        endpoint.device,
        hostname=endpoint.host,
        port=endpoint.port,
        username=endpoint.username,
        password=endpoint.password.get_secret_value(),
        platform=endpoint.profile,
        connection_options={NAME: ConnectionOptions(extras=extras)},
    )


def test_the_connection_serves_any_other_inventory_too(lab: Any) -> None:
    _, endpoint = lab.olt()
    host = plain(endpoint, host_key=endpoint.host_key)
    session = host.get_connection(NAME, Config())
    assert session.read([ROOT]) == {}
    host.close_connections()
    assert not session.alive


@pytest.mark.parametrize(
    ("extras", "field", "value", "words"),
    [
        ({"hostkey": "x"}, "", None, "extras: hostkey: Extra inputs"),
        ({"options": {"url": 7}}, "", None, "extras: options.url"),
        ({}, "platform", None, "needs a platform"),
        ({}, "hostname", None, "needs a hostname"),
        ({}, "platform", "acme-os", "no profile 'acme-os'"),
    ],
)
def test_a_host_that_cannot_be_reached_says_what_it_lacks(
    lab: Any, extras: dict[str, Any], field: str, value: str | None, words: str
) -> None:
    host = plain(lab.endpoint("OLT", "bbf-olt", 830, None), **extras)
    if field:
        setattr(host, field, value)
    with pytest.raises(Unsupported, match=words):
        host.get_connection(NAME, Config())
