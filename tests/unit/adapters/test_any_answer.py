"""Whatever a partner answers, it is an answer or an error of ours, and never anything else."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from adapters.errors import AdapterError
from adapters.kea.session import KeaSession
from adapters.rest.session import RestSession
from adapters.seam import ApplyMode, Endpoint, Query, SiteEdits
from device_profiles.profile import load_profile
from device_profiles.tree import PRESENT, Edit

SITE = "ENT-1102-MELB"
DEEP = b"[" * 10_000 + b"]" * 10_000
LONE = b'{"id": "\\ud800"}'
TEXT = st.text(st.characters(), max_size=8)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | TEXT
NAMES = st.sampled_from(
    ["id", "serial", "site", "state", "error", "result", "text", "arguments", "Dhcp4", "subnet4",
     "reservations", "circuit-id", "option-data", "name", "relay", "ip-addresses", "hash"]
) | TEXT  # fmt: skip
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
BODIES = st.builds(lambda value: json.dumps(value).encode(), JSON) | st.binary(max_size=20)
STATUSES = st.sampled_from([200, 200, 200, 200, 201, 204, 302, 400, 404, 409, 500])
Answer = Callable[[httpx.Request], httpx.Response]


def endpoint(profile: str) -> Endpoint:
    return Endpoint("PARTNER", profile, "127.0.0.1", 1, password=SecretStr("pw"))


def answering(session: Any, web: Any, answer: Answer) -> Any:
    web._client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://partner")
    return session


def logistics(answer: Answer) -> Any:
    profile = load_profile("logistics-rest")
    session = RestSession(endpoint(profile.name), profile, lambda _: SecretStr("s"))
    return answering(session, session._web, answer)


def kea(answer: Answer) -> Any:
    profile = load_profile("kea-dhcp4")
    session = KeaSession(endpoint(profile.name), profile, lambda _: SecretStr("s"))
    return answering(session, session._agent._web, answer)


SHIPMENT = ("shipments[id='ENT-1102-MELB']",)
SUBNET = ("Dhcp4", "subnet4[id='173542400']")
EDITS = {
    logistics: (Edit(SHIPMENT, None, PRESENT), Edit((*SHIPMENT, "serial"), None, "FDO2340567")),
    kea: (
        Edit(SUBNET, None, PRESENT),
        Edit((*SUBNET, "subnet"), None, "10.88.12.0/29"),
        Edit((*SUBNET, "relay", "ip-addresses[.='10.88.12.1']"), None, PRESENT),
        Edit((*SUBNET, "option-data[name='routers']"), None, PRESENT),
        Edit((*SUBNET, "option-data[name='routers']", "data"), None, "10.88.12.1"),
        Edit((*SUBNET, "option-data[name='old']"), PRESENT, None),
        Edit((*SUBNET, "relay", "ip-addresses[.='10.88.12.9']"), PRESENT, None),
    ),
}


def everything_is_asked(session: Any, edits: tuple[Edit, ...]) -> None:
    """Ask all that a session can be asked; only our errors may come of it."""
    root = edits[0].path
    for ask in (
        lambda: session.read([root]),
        lambda: session.probe([Query(name="x", path=(*root, "serial"))]),
        lambda: session.apply([SiteEdits(SITE, edits)], ApplyMode("T-1")),
        lambda: session.evidence([root]),
        lambda: session.confirm("T-1"),
    ):
        try:
            found = ask()
        except AdapterError as error:
            str(error).encode()
        else:
            if isinstance(found, dict):  # what is read is text that a database can hold
                assert all("\0" not in value for value in found.values() if value)
                json.dumps([[*path, value] for path, value in found.items()]).encode()


@pytest.mark.parametrize("open_session", [logistics, kea])
@settings(max_examples=40)
@given(status=STATUSES, body=BODIES)
@example(status=200, body=b"null")
@example(status=200, body=b"[]")
@example(status=200, body=b"[null]")
@example(status=200, body=b'{"id": null, "serial": {"a": [1]}}')
@example(status=200, body=DEEP)
@example(status=200, body=b'{"a":' * 3000 + b"1" + b"}" * 3000)
@example(status=200, body=LONE)
@example(status=200, body=b'{"id": "\\u0000"}')
@example(status=200, body=b"1" * 5000)
@example(status=200, body=b"NaN")
@example(status=200, body=b'[{"result": [0]}]')
@example(status=200, body=b'[{"result": true, "arguments": {}}]')
@example(status=400, body=b'{"error": {"deep": [1]}}')
def test_any_answer_is_an_answer_or_an_error_of_ours(
    open_session: Callable[[Answer], Any], status: int, body: bytes
) -> None:
    session = open_session(lambda _: httpx.Response(status, content=body))
    everything_is_asked(session, EDITS[open_session])


@settings(max_examples=40)
@given(configuration=JSON)
@example(configuration={"Dhcp4": None})
@example(configuration={"Dhcp4": "subnet4"})
@example(configuration={"Dhcp4": {"subnet4": {"id": 1}}})
@example(
    configuration={
        "Dhcp4": {"subnet4": [None, [], {"id": 173542400, "relay": [], "option-data": 1}]}
    }
)
@example(configuration={"Dhcp4": {"subnet4": [{"id": 173542400, "relay": {"ip-addresses": {}}}]}})
def test_any_configuration_that_kea_tells_is_read_or_refused(configuration: Any) -> None:
    body = json.dumps([{"result": 0, "arguments": configuration}]).encode()
    everything_is_asked(kea(lambda _: httpx.Response(200, content=body)), EDITS[kea])


def test_an_answer_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.web._BODY_BYTES", 1000)
    sent = 0

    def endless() -> Any:
        nonlocal sent
        while True:
            sent += 100
            yield b" " * 100

    session = logistics(lambda _: httpx.Response(200, content=endless()))
    with pytest.raises(AdapterError, match="too large"):
        session.read([SHIPMENT])
    assert sent < 2000
