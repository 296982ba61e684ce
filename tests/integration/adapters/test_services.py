"""Kea, RADIUS and logistics: what the pilot site needs there, brought and taken back."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from adapters.errors import (
    AuthenticationFailed,
    LockDenied,
    ProtocolError,
    SessionLost,
    Unreachable,
)
from adapters.kea.session import KeaSession
from adapters.radius.session import RadiusSession
from adapters.rest.session import RestSession
from adapters.seam import Query, SiteEdits, SiteOutcome
from device_profiles.profile import Profile, load_profile
from device_profiles.render import render
from device_profiles.tree import Edit, difference
from mock_devices.services.kea.agent import KeaAgent
from mock_devices.services.logistics import Logistics
from mock_devices.services.radius.database import RadiusDatabase

CONTEXTS = Path(__file__).parents[2] / "data/contexts"
BASELINE: dict[str, Any] = {
    "dhcp4": {
        "Dhcp4": {"subnet4": [{"id": 7, "subnet": "10.1.0.0/24", "user-context": {"owner": "noc"}}]}
    },
    "dhcp6": {"Dhcp6": {"subnet6": []}},
}


def wanted(profile: Profile, fragment: str, site: str = "ENT-1102-MELB") -> SiteEdits:
    context = yaml.safe_load((CONTEXTS / f"{site}.yaml").read_text())
    made = render(profile, fragment, context)
    tree = dict(made.own)
    for shared in made.shared:
        tree |= shared.tree
    return SiteEdits(site, difference({}, tree))


def inverse(site: SiteEdits) -> SiteEdits:
    return SiteEdits(site.site, tuple(edit.inverted() for edit in site.edits))


def target(*sites: SiteEdits) -> dict[Any, Any]:
    return {edit.path: edit.after for site in sites for edit in site.edits}


def held(session: Any, *sites: SiteEdits) -> dict[Any, Any]:
    """What the device holds at the sites' paths; a secret it has reads as its reference."""
    asked = target(*sites)
    found = session.read(list(asked))
    return {
        path: asked.get(path) if value.startswith("digest:") else value
        for path, value in found.items()
    }


def resolve(name: str) -> SecretStr:
    return SecretStr(f"http://192.0.2.80/{name}")


# Kea


@pytest.fixture
def agent(lab: Any, tmp_path: Path) -> Iterator[KeaAgent]:
    made = KeaAgent(tmp_path / "kea", BASELINE, "kea", "secret")
    lab.loop.run(made.start())
    yield made
    lab.loop.run(made.stop())


@pytest.fixture
def kea(agent: KeaAgent, lab: Any, closing: Any) -> KeaSession:
    endpoint = lab.endpoint(
        "KEA4-01", "kea-dhcp4", 1, None, username="kea", password="secret", url=agent.web.url
    )
    profile = load_profile("kea-dhcp4")
    return closing(KeaSession(endpoint, profile, resolve))  # type: ignore[no-any-return]


KEA = load_profile("kea-dhcp4")


@pytest.mark.parametrize("name", ["kea-dhcp4", "kea-dhcp6"])
def test_kea_holds_the_site_and_what_others_have(
    agent: KeaAgent, lab: Any, closing: Any, name: str
) -> None:
    profile = load_profile(name)
    endpoint = lab.endpoint(
        name, name, 1, None, username="kea", password="secret", url=agent.web.url
    )
    session = closing(KeaSession(endpoint, profile, resolve))
    server = agent.servers[profile.options["service"]]
    before = server.configuration()
    site = wanted(profile, "ip-profile")
    receipt = session.apply([site], lab.mode())
    assert receipt.sites[0].outcome is SiteOutcome.APPLIED, receipt.sites[0].error
    assert held(session, site) == target(site)
    assert json.loads(server.file.read_text()) == server.configuration(), "written to disk"
    session.apply([inverse(site)], lab.mode())
    assert server.configuration() == before


@pytest.mark.parametrize("written", ['"Zürich"', '"Z\\u00fcrich"'], ids=["UTF-8", "one octet"])
def test_text_of_others_that_is_not_ascii_stays_octet_by_octet(
    kea: Any, agent: KeaAgent, lab: Any, written: str
) -> None:
    """Kea shows octets above 0x7E one by one, and takes what is not escaped as UTF-8."""
    server = agent.servers["dhcp4"]
    text = server.file.read_text()
    place = '"subnet4": ['
    foreign = f'{{"id": 990002, "subnet": "10.201.0.0/24", "user-context": {{"city": {written}}}}}'
    assert place in text
    after = "" if text.split(place)[1].lstrip().startswith("]") else ","
    server.file.write_text(text.replace(place, f"{place}{foreign}{after}", 1))
    server.restart()

    def city() -> str:
        subnets = kea._agent.configuration()["Dhcp4"]["subnet4"]
        (found,) = (each for each in subnets if each["id"] == 990002)
        return str(found["user-context"]["city"])

    before = city()
    site = wanted(KEA, "ip-profile")
    kea.apply([site], lab.mode())
    assert city() == before
    kea.apply([inverse(site)], lab.mode())
    agent.restart()
    assert city() == before


def test_kea_is_not_set_when_it_is_as_wanted(kea: Any, agent: KeaAgent, lab: Any) -> None:
    site = wanted(KEA, "ip-profile")
    kea.apply([site], lab.mode())
    called: list[str] = []
    kea.apply([site], lab.mode(before_commit=lambda: called.append("x")))
    kea.apply([SiteEdits("A", ())], lab.mode())
    assert agent.counters["config-set"] == 1
    assert called == []


def test_several_sites_are_one_config_set(kea: Any, agent: KeaAgent, lab: Any) -> None:
    sites = [wanted(KEA, "ip-profile", f"ENT-1102-{site}") for site in ("MELB", "SYD1", "SYD2")]
    kea.apply(sites, lab.mode())
    assert agent.counters["config-set"] == 1
    assert held(kea, *sites) == target(*sites)


def test_a_site_kea_refuses_is_left_out_with_keas_words(
    kea: Any, agent: KeaAgent, lab: Any
) -> None:
    entry = ("Dhcp4", "subnet4[id='9']")
    bad = SiteEdits("BAD", (Edit(entry, None, ""), Edit((*entry, "subnet"), None, "10.1.0.0/99")))
    receipt = kea.apply([bad, wanted(KEA, "ip-profile")], lab.mode())
    assert [site.outcome for site in receipt.sites] == [SiteOutcome.REFUSED, SiteOutcome.APPLIED]
    assert "10.1.0.0/99" in receipt.sites[0].error


def test_a_change_by_somebody_else_in_between_is_not_overrun(
    kea: Any, agent: KeaAgent, lab: Any
) -> None:
    server = agent.servers["dhcp4"]
    original = server.command
    races = [2]

    def racing(name: str, arguments: Any) -> Any:
        answered = original(name, arguments)
        if name == "config-test" and races[0]:
            races[0] -= 1
            foreign = server.configuration()
            foreign["Dhcp4"]["subnet4"].append(
                {"id": 50 + races[0], "subnet": f"10.{50 + races[0]}.0.0/24"}
            )
            original("config-set", foreign)
        return answered

    server.command = racing  # type: ignore[method-assign]  # somebody else at the worst moment
    kea.apply([wanted(KEA, "ip-profile")], lab.mode())
    kept = {subnet["id"] for subnet in server.configuration()["Dhcp4"]["subnet4"]}
    assert {7, 50, 51} < kept
    races[0] = 99
    with pytest.raises(LockDenied):
        kea.apply([inverse(wanted(KEA, "ip-profile"))], lab.mode())


def test_kea_writes_only_after_confirm_when_a_window_is_asked_for(
    kea: Any, agent: KeaAgent, lab: Any
) -> None:
    site = wanted(KEA, "ip-profile")
    kea.apply([site], lab.mode(confirm_within=60))
    assert agent.counters["config-write"] == 0
    kea.confirm("txn-1")
    assert agent.counters["config-write"] == 1


def test_a_dead_kea_agent_and_a_wrong_password_are_told_apart(
    kea: Any, agent: KeaAgent, lab: Any
) -> None:
    path = ("Dhcp4", "subnet4[id='7']")
    agent.down = True
    with pytest.raises(ProtocolError):
        kea.read([path])
    agent.down = False
    wrong = lab.endpoint(
        "K", "kea-dhcp4", 1, None, username="kea", password="no", url=agent.web.url
    )
    with pytest.raises(AuthenticationFailed):
        KeaSession(wrong, KEA, resolve).read([path])
    nobody = lab.endpoint("K", "kea-dhcp4", 1, None, url="http://127.0.0.1:1")
    with pytest.raises(Unreachable):
        KeaSession(nobody, KEA, resolve).read([path])


def test_kea_is_asked_for_facts_by_command(kea: Any) -> None:
    facts = kea.probe([Query("uptime", command="status-get", pattern=r'"uptime": (\d+)')])
    assert facts == {"uptime": "0"}


# RADIUS

RADIUS = load_profile("freeradius-sql")


@pytest.fixture
def database(tmp_path: Path) -> RadiusDatabase:
    return RadiusDatabase(tmp_path / "radius", {})


@pytest.fixture
def radius(database: RadiusDatabase, lab: Any, closing: Any) -> RadiusSession:
    endpoint = lab.endpoint("RADIUS-01", RADIUS.name, 0, None, username="", url=database.url)
    return closing(RadiusSession(endpoint, RADIUS, resolve))  # type: ignore[no-any-return]


def test_radius_lets_the_circuit_in_and_out_again(
    radius: Any, database: RadiusDatabase, lab: Any
) -> None:
    empty = database.rows()
    sites = [wanted(RADIUS, "ip-profile"), wanted(RADIUS, "qos-policy")]
    radius.apply(sites, lab.mode())
    assert radius.read([edit.path for site in sites for edit in site.edits]) == target(*sites)
    accepted = database.authorize("OLT-SOUTH-03 xpon 2/8/17:2108")
    assert accepted is not None
    assert ("Framed-IP-Address", "10.88.12.2") in accepted
    rows = database.rows()
    radius.apply(sites, lab.mode())
    assert database.rows() == rows, "the tables have no unique key: twice must not make two"
    radius.apply([inverse(site) for site in sites], lab.mode())
    assert database.rows() == empty


def test_a_site_the_database_refuses_is_rolled_back_alone(
    radius: Any, database: RadiusDatabase, lab: Any
) -> None:
    entry = ("radcheck[username='x'][attribute='Auth-Type']",)
    made = wanted(RADIUS, "ip-profile")
    bad = SiteEdits(
        "BAD",
        (
            Edit(("radreply[username='x'][attribute='A']",), None, ""),
            Edit(("radreply[username='x'][attribute='A']", "op"), None, ":="),
            Edit(("radreply[username='x'][attribute='A']", "value"), None, "v"),
            Edit((*entry, "value"), "there", "changed"),
        ),
    )
    receipt = radius.apply([bad, made], lab.mode())
    assert [site.outcome for site in receipt.sites] == [SiteOutcome.REFUSED, SiteOutcome.APPLIED]
    assert database.authorize("x") is None
    assert radius.read([bad.edits[0].path]) == {}


def test_rows_leave_with_the_transaction_when_the_fence_has_fallen(
    radius: Any, database: RadiusDatabase, lab: Any
) -> None:
    def fenced() -> None:
        raise RuntimeError("lease lost")

    empty = database.rows()
    with pytest.raises(RuntimeError, match="lease lost"):
        radius.apply([wanted(RADIUS, "ip-profile")], lab.mode(before_commit=fenced))
    assert database.rows() == empty


def test_a_database_that_is_not_there_is_unreachable(lab: Any) -> None:
    endpoint = lab.endpoint("R", RADIUS.name, 0, None, username="", url="sqlite:////no/such/db")
    with pytest.raises(Unreachable) as caught:
        RadiusSession(endpoint, RADIUS, resolve)
    assert "/no/such" not in str(caught.value)


# Logistics

LOGISTICS = load_profile("logistics-rest")


@pytest.fixture
def partner(lab: Any, tmp_path: Path) -> Iterator[Logistics]:
    async def installed(_: str) -> None:
        await asyncio.sleep(0)

    made = Logistics(tmp_path / "logistics", ["FDO2340567"], "lab", 3600, installed)
    lab.loop.run(made.start())
    yield made
    lab.loop.run(made.stop())


@pytest.fixture
def logistics(partner: Logistics, lab: Any, closing: Any) -> RestSession:
    endpoint = lab.endpoint(
        "LOG-01", LOGISTICS.name, 1, None, username="", password="lab", url=partner.web.url
    )
    return closing(RestSession(endpoint, LOGISTICS, resolve))  # type: ignore[no-any-return]


def test_a_shipment_is_ordered_once_and_called_back(
    logistics: Any, partner: Logistics, lab: Any
) -> None:
    site = wanted(LOGISTICS, "ce-router")
    scope = [edit.path for edit in site.edits]
    assert logistics.read(scope) == {}
    logistics.apply([site], lab.mode())
    assert logistics.read(scope) == target(site)
    ordered = dict(partner.shipments)
    receipt = logistics.apply([site], lab.mode())
    assert receipt.sites[0].outcome is SiteOutcome.APPLIED
    assert partner.shipments == ordered
    assert logistics.probe([Query("state", (scope[0][0], "state"))]) == {"state": "ordered"}
    logistics.apply([inverse(site)], lab.mode())
    logistics.apply([inverse(site)], lab.mode())
    assert partner.shipments == {}


def test_a_refused_shipment_has_the_partners_words(
    logistics: Any, partner: Logistics, lab: Any
) -> None:
    site = wanted(LOGISTICS, "ce-router")
    unknown = SiteEdits(
        "X",
        tuple(
            replace(edit, after="FDO0000000") if edit.path[-1] == "serial" else edit
            for edit in site.edits
        ),
    )
    receipt = logistics.apply([unknown], lab.mode())
    assert receipt.sites[0].outcome is SiteOutcome.REFUSED
    assert "no router FDO0000000 in stock" in receipt.sites[0].error


def test_an_order_whose_answer_is_lost_is_an_unknown_outcome(
    logistics: Any, partner: Logistics, lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx

    sent = httpx.Client.send

    def lost(self: Any, request: Any, **kwargs: Any) -> Any:
        answer = sent(self, request, **kwargs)
        if request.method == "PUT":
            raise httpx.ReadError("connection reset")
        return answer

    monkeypatch.setattr(httpx.Client, "send", lost)
    with pytest.raises(SessionLost) as caught:
        logistics.apply([wanted(LOGISTICS, "ce-router")], lab.mode())
    assert caught.value.outcome_unknown
    assert len(partner.shipments) == 1


def test_a_wrong_token_is_an_authentication_failure(partner: Logistics, lab: Any) -> None:
    endpoint = lab.endpoint("LOG-01", LOGISTICS.name, 1, None, username="", url=partner.web.url)
    wrong = replace(endpoint, password=SecretStr("guess"))
    session = RestSession(wrong, LOGISTICS, resolve)
    with pytest.raises(AuthenticationFailed):
        session.read([("shipments[id='X']",)])


def test_a_server_that_its_agent_does_not_reach_is_unreachable_and_has_refused_nothing(
    kea: KeaSession, agent: KeaAgent, lab: Any
) -> None:
    agent.offline.add("dhcp4")
    with pytest.raises(Unreachable):
        kea.apply([wanted(KEA, "ip-profile")], lab.mode())
    with pytest.raises(Unreachable, match="unable to forward") as caught:
        kea.read([("Dhcp4",)])
    assert (caught.value.reason, caught.value.retry) == ("DEVICE_UNREACHABLE", True)


def test_what_somebody_else_has_changed_in_a_server_since_it_was_read_is_not_overwritten(
    kea: KeaSession, agent: KeaAgent, lab: Any
) -> None:
    ours = wanted(KEA, "ip-profile")
    kea.apply([ours], lab.mode())
    server = agent.servers["dhcp4"]
    theirs = server.configuration()
    theirs["Dhcp4"]["subnet4"][-1]["reservations"][0]["hostname"] = "theirs"
    server.command("config-set", theirs)
    hostname = next(edit for edit in ours.edits if edit.path[-1] == "hostname")
    with pytest.raises(LockDenied, match=r"somebody else has changed .*hostname"):
        kea.apply([SiteEdits("A", (Edit(hostname.path, hostname.after, "new"),))], lab.mode())
    assert "theirs" in str(server.configuration())
