from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from adapters.errors import (
    AdapterError,
    AuthenticationFailed,
    DeviceTimeout,
    ProtocolError,
    SessionLost,
    Unreachable,
)
from adapters.seam import Query, SiteEdits, SiteOutcome
from adapters.snmp import engine
from adapters.snmp.session import SnmpSession
from device_profiles.profile import load_profile
from device_profiles.render import render
from device_profiles.tree import Edit, difference
from mock_devices.ce.snmp_agent import ManagedState, SnmpAgent, SnmpUser
from mock_devices.ce.snmp_tables import Interface, Memory, SystemGroup

PROFILE = load_profile("net-snmp-agent")
CONTEXTS = Path(__file__).parents[2] / "data/contexts"
PRIVACY = {"snmp-priv/A": "privacy-Password-A", "snmp-priv/B": "privacy-Password-B"}


class Router:
    """An SNMP agent with the state it shows."""

    def __init__(self, engine_id: str, site: str) -> None:
        self.scalars = {"hostname": "ce", "location": "", "contact": ""}
        self.writes = 0
        self.memory = Memory()
        wan = Interface(1, "GigabitEthernet0/0/0", "Gi0/0/0", "", True, True, 10**9, False)
        self.agent = SnmpAgent(
            engine_id,
            ManagedState(
                lambda: SystemGroup(
                    "ISR", 100, *map(self.scalars.get, ("contact", "hostname", "location"))
                ),
                lambda: {1: wan},
                self.memory,
                self._scalar,
                self._written,
            ),
        )
        self.user = SnmpUser(
            "nmsuser", "NMS", "256", "128", f"auth-Password-{site}", PRIVACY[f"snmp-priv/{site}"],
            "iso", "iso",
        )  # fmt: skip

    def _scalar(self, name: str, value: str) -> None:
        self.scalars[name] = value

    def _written(self) -> None:
        self.writes += 1


def resolve(name: str) -> SecretStr:
    return SecretStr(PRIVACY[name])


def start(lab: Any, site: str, engine_id: str, port: int) -> tuple[Router, Any]:
    router = Router(engine_id, site)
    lab.loop.run(router.agent.open("127.0.0.1", port, (router.user,), 1))
    endpoint = lab.endpoint(
        f"CE-{site}", PROFILE.name, port, None,
        username="nmsuser", password=f"auth-Password-{site}", privacy=f"snmp-priv/{site}",
    )  # fmt: skip
    return router, endpoint


def free_port() -> int:
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        return int(udp.getsockname()[1])


@pytest.fixture
def agent(lab: Any) -> Iterator[tuple[Router, Any]]:
    router, endpoint = start(lab, "A", "80000009030000000000aa", free_port())

    async def close() -> None:
        router.agent.close()

    yield router, endpoint
    lab.loop.run(close())


@pytest.fixture
def session(agent: Any, closing: Any) -> SnmpSession:
    return closing(SnmpSession(agent[1], PROFILE, resolve))  # type: ignore[no-any-return]


def wanted() -> SiteEdits:
    context = yaml.safe_load((CONTEXTS / "ENT-1102-MELB.yaml").read_text())
    return SiteEdits("A", difference({}, render(PROFILE, "sla-monitoring", context).own))


def scope(site: SiteEdits) -> list[Any]:
    return [edit.path for edit in site.edits]


def test_registration_is_read_back_and_taken_back(session: Any, agent: Any, lab: Any) -> None:
    site = wanted()
    receipt = session.apply([site], lab.mode())
    assert receipt.sites[0].outcome is SiteOutcome.APPLIED, receipt.sites[0].error
    assert session.read(scope(site)) == {edit.path: edit.after for edit in site.edits}
    back = SiteEdits("A", tuple(edit.inverted() for edit in site.edits))
    assert session.apply([back], lab.mode()).sites[0].outcome is SiteOutcome.APPLIED
    assert session.read(scope(site)) == {}


def test_what_is_as_wanted_is_not_set_again(session: Any, agent: Any, lab: Any) -> None:
    site = wanted()
    session.apply([site], lab.mode())
    writes = agent[0].writes
    called: list[str] = []
    receipt = session.apply([site], lab.mode(before_commit=lambda: called.append("x")))
    assert receipt.sites[0].outcome is SiteOutcome.APPLIED
    assert (agent[0].writes, called, receipt.sent) == (writes, [], "")


def test_a_refused_set_takes_the_sites_other_rows_back(session: Any, agent: Any, lab: Any) -> None:
    site = wanted()
    bad = ("ifXEntry[ifIndex='99']", "ifAlias")
    rows = tuple(edit for edit in site.edits if edit.path[0].startswith("system"))
    receipt = session.apply([SiteEdits("A", (*rows, Edit(bad, None, "x")))], lab.mode())
    assert receipt.sites[0].outcome is SiteOutcome.REFUSED
    assert "1.3.6.1.2.1.31.1.1.1.18.99" in receipt.sites[0].error
    assert session.read([("system", "sysLocation")]) == {}


def test_a_probe_reads_state(session: Any) -> None:
    facts = session.probe(
        [
            Query("up", ("ifEntry[ifIndex='1']", "ifOperStatus")),
            Query("none", ("ifEntry[ifIndex='7']", "ifOperStatus")),
            Query("uptime", ("system", "sysUpTime")),
        ]
    )
    assert facts["up"] == "1"
    assert facts["none"] is None
    assert int(facts["uptime"]) >= 0


def test_agents_with_one_user_name_and_different_keys_do_not_disturb_each_other(
    session: Any, lab: Any, closing: Any
) -> None:
    router, endpoint = start(lab, "B", "80000009030000000000bb", free_port())

    async def close() -> None:
        router.agent.close()

    other = closing(SnmpSession(endpoint, PROFILE, resolve))
    query = [Query("uptime", ("system", "sysUpTime"))]
    for _ in range(3):
        assert session.probe(query)["uptime"]
        assert other.probe(query)["uptime"]
    lab.loop.run(close())


@pytest.mark.parametrize("change", [{"password": SecretStr("wrong-Password")}, {"username": "bob"}])
def test_a_wrong_credential_is_an_authentication_failure(
    agent: Any, change: dict[str, Any]
) -> None:
    session = SnmpSession(replace(agent[1], **change), PROFILE, resolve)
    with pytest.raises(AuthenticationFailed) as caught:
        session.probe([Query("uptime", ("system", "sysUpTime"))])
    assert "wrong-Password" not in str(caught.value)


def test_a_wrong_privacy_password_is_told_from_silence(
    agent: Any, closing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent says nothing to what it cannot decrypt, and knows the user without privacy."""
    monkeypatch.setattr(engine, "REPLY_SECONDS", 0.3)
    router, endpoint = agent
    session = closing(SnmpSession(endpoint, PROFILE, lambda _: SecretStr("another-Password")))
    with pytest.raises(AuthenticationFailed, match="privacy password") as caught:
        session.read(scope(wanted()))
    assert "another-Password" not in str(caught.value)
    router.agent.close()
    with pytest.raises((Unreachable, DeviceTimeout)):
        session.read(scope(wanted()))


def test_an_agent_that_was_away_for_a_while_is_not_taken_for_one_with_another_password(
    agent: Any, session: Any, lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was silent, and comes back just before it is asked without privacy."""
    monkeypatch.setattr(engine, "REPLY_SECONDS", 0.3)
    router, endpoint = agent
    asked = engine.Agent._answers_without_privacy

    def back(self: engine.Agent) -> bool:
        lab.loop.run(router.agent.open("127.0.0.1", endpoint.port, (router.user,), 1))
        return asked(self)

    monkeypatch.setattr(engine.Agent, "_answers_without_privacy", back)
    lab.loop.run(_closed(router))
    assert session.read(scope(wanted())) == {}


def test_a_closed_port_is_unreachable_or_silent(
    agent: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "REPLY_SECONDS", 0.2)
    with pytest.raises((Unreachable, DeviceTimeout)):
        SnmpSession(replace(agent[1], port=free_port()), PROFILE, resolve)


def test_a_missing_privacy_secret_is_named(agent: Any) -> None:
    with pytest.raises(AdapterError, match="privacy"):
        SnmpSession(replace(agent[1], options={}), PROFILE, resolve)


def reborn(lab: Any, router: Router, endpoint: Any, engine_id: str, boots: int) -> None:
    """Another agent, or the same that has forgotten how often it was started, at one address."""
    router.agent.close()
    router.agent.engine_id = engine_id
    lab.loop.run(router.agent.open("127.0.0.1", endpoint.port, (router.user,), boots))


def answers(endpoint: Any) -> bool:
    with suppress(DeviceTimeout, ProtocolError, SessionLost):
        return SnmpSession(endpoint, PROFILE, resolve).misfits() == ()
    return False


@pytest.mark.parametrize(
    ("engine_id", "boots"), [("800000090300aabbccddee99", 1), ("800000090300aabbccddee01", 1)]
)
def test_an_agent_that_is_another_one_or_has_lost_count_of_its_starts_is_found_again(
    lab: Any, closing: Any, engine_id: str, boots: int
) -> None:
    router, endpoint = start(lab, "A", "800000090300aabbccddee01", free_port())
    reborn(lab, router, endpoint, router.agent.engine_id, boots=7)
    sessions = [closing(SnmpSession(endpoint, PROFILE, resolve))]
    assert sessions[0].misfits() == ()
    reborn(lab, router, endpoint, engine_id, boots)
    assert any(answers(endpoint) for _ in range(3))  # what is made anew may fail once or twice
    lab.loop.run(_closed(router))


async def _closed(router: Router) -> None:
    router.agent.close()
