"""The same orders on devices of other makes: in, in again, out, and nobody else touched.

Brisbane 2 comes in, then Melbourne, Sydney 1 and Brisbane 1, and these go again; a test that finds
some of them gone orders them anew. The gateways of Melbourne and Sydney are Junos, Brisbane's an
IOS-XR, Brisbane 2's router an FRR; other customers' sites are on all gateways, and Brisbane's two
sites share a VRF. In Sydney the gateway writes option 82: the site is known by what a Junos writes.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

import inventory
from inventory.holding import sweep_quarantine
from tests.faults.network import ORDERS as PATH
from tests.faults.network import Gateway, network, order

pytestmark = [pytest.mark.timeout(240)]

PILOT, FIRST, SECOND = "ENT-1102-MELB", "ENT-1102-BNE1", "ENT-1102-BNE2"
SYDNEY = "ENT-1102-SYD1"
BNGS = {PILOT: "BNG-MEL-01", FIRST: "BNG-BNE-01", SYDNEY: "BNG-SYD-01"}
ORDERS = {
    PILOT: "so-pilot-melbourne",
    FIRST: "so-wave2-brisbane",
    SECOND: "so-wave2-brisbane",
    SYDNEY: "so-wave1-sydney-1",
}
Running = dict[str, str]
Document = dict[str, Any]


def items_of(site: str) -> Document:
    document = order(ORDERS[site])
    document["orderItem"] = [
        item for item in document["orderItem"] if item["resource"]["place"]["id"] == site
    ]
    return with_frr(document) if site == SECOND else document


def with_frr(document: Document) -> Document:
    """The order with a router of the other make, which no SNMP manager looks after."""
    kept = []
    for item in document["orderItem"]:
        if item["resourceSpecification"]["id"] == "RFS:SLA-Monitoring":
            continue
        for characteristic in item["resource"]["resourceCharacteristic"]:
            if characteristic["name"] == "model":
                characteristic["value"] = "FRR-CE"
        kept.append(item)
    document["orderItem"] = kept
    return document


def rated(site: str, speed: str) -> Document:
    """A modify of a site's rate, both ways."""
    document = items_of(site)
    (item,) = [
        each
        for each in document["orderItem"]
        if each["resourceSpecification"]["id"] == "RFS:QoS-Policy"
    ]
    item["action"] = "modify"
    item.pop("orderItemRelationship", None)
    item["resource"]["resourceCharacteristic"] = [
        {"name": name, "value": speed} for name in ("downstream", "upstream")
    ]
    document["orderItem"] = [item]
    return document


class Story:
    """The network and what was seen of it on the way."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.devices = sorted(set(gateway.lab.ready["devices"]) - {"LOG-01"})
        self.before = self.running()
        self.others: Running = {}
        self.full: Running = {}

    def running(self) -> Running:
        return {name: self.gateway.lab.running(name) for name in self.devices}

    def sites(self) -> set[str]:
        """Those of our sites that are in service."""
        rows = self.gateway.rows("SELECT DISTINCT site FROM reservation")
        return {row.site for row in rows} & set(ORDERS)

    def serves(self, *sites: str) -> None:
        """Bring it about that these sites are in service and none else of ours."""
        for site in self.sites().difference(sites):
            self.rolled_back(site)
        missing = [site for site in sites if site not in self.sites()]
        self._rest_is_over(missing)
        orders = [self._posted(site) for site in missing]
        for number in orders:
            self.gateway.completes(number)

    def _posted(self, site: str) -> str:
        # A key of its own: the same wish once more is a new order, no repetition of the first.
        headers = {"Idempotency-Key": str(uuid4())}
        taken = self.gateway.http.post(PATH, json=items_of(site), headers=headers)
        assert taken.status_code == 201, taken.text
        return str(taken.json()["id"])

    def _rest_is_over(self, sites: Sequence[str]) -> None:
        """Let the time go by after which what these sites had is as new."""
        with self.gateway.engine.begin() as connection:
            sweep_quarantine(connection, datetime.now(UTC) + timedelta(days=3650))
        for row in self.gateway.rows(
            "SELECT DISTINCT device FROM snapshot WHERE role = 'ce' AND site = ANY(:sites)",
            sites=list(sites),
        ):
            self.gateway.lab.do(f"/ce/{row.device}/factory-reset")
            self.gateway.lab.do(f"/ce/{row.device}/boot")  # it asks until it is told

    def rolled_back(self, site: str, **asked: Any) -> Document:
        """Roll a site back and follow the task until it is final."""
        http = self.gateway.http
        taken = http.post("/rom/v1/siteRollback", json={"site": site, "dryRun": False, **asked})
        assert taken.status_code == 201, taken.text
        path, after = f"/rom/v1/siteRollback/{taken.json()['id']}", 0
        while True:
            task: Document = http.get(path).json()
            if task["state"] in ("done", "terminatedWithError"):
                return task
            seen = http.get(f"{path}/events", params={"after": after, "wait": 20}).json()
            after = max([after, *(event["sequence"] for event in seen)])


@pytest.fixture(scope="module")
def told() -> Iterator[Story]:
    links = ["10.88.15.0/24", "10.88.16.0/24"]
    with network(brisbane_links=links, topology="other-makes", delivery_seconds=0.2) as gateway:
        yield Story(gateway)


@pytest.fixture
def story(told: Story) -> Story:
    """The network with all sites in service, whatever an earlier test has taken back."""
    if told.sites() != set(ORDERS):
        told.serves(SECOND)
        told.others = told.running()
        told.serves(*ORDERS)
        told.full = told.running()
    return told


def test_only_profiles_and_ports_tell_the_inventories_apart() -> None:
    folder = Path(inventory.__file__).parent / "examples"
    shipped, other = (
        (folder / f"{name}.yaml").read_text().splitlines()[2:]
        for name in ("enterprise-fibre", "other-makes")
    )
    there = {re.sub(r"1/1/c\d/", "PORT", line) for line in shipped}
    made = [re.sub(r"junos-bng|iosxr-bng", "sros-bng", line) for line in other]
    new = [line for line in made if re.sub(r"xe-1/0/|TenGigE0/0/0/", "PORT", line) not in there]
    assert new
    assert all("FRR" in line for line in new), new


def test_the_orders_are_completed_on_both_makes(story: Story) -> None:
    for site, bng in BNGS.items():
        assert site in story.full[bng]
        assert set(story.others[bng].split("\n")) != set(story.full[bng].split("\n"))


def test_the_router_with_frr_fetched_a_plain_file_and_is_proven(story: Story) -> None:
    (ticket,) = story.gateway.rows(
        "SELECT profile, state, configuration FROM ztp_ticket WHERE site = :s", s=SECOND
    )
    assert ticket.profile == "frr-ce"
    assert ticket.state in {"completed", "closed"}
    assert "router bgp 65112" in ticket.configuration
    found = story.gateway.rows("SELECT result, evidence FROM verdict WHERE site = :s", s=SECOND)
    seen = {
        (check["check"], check["device"], check["result"])
        for row in found
        for check in row.evidence.get("checks", ())
    }
    assert ("bgp-session", "FRR2340571", "passed") in seen
    assert ("bgp-session", "BNG-BNE-01", "passed") in seen


@pytest.mark.parametrize("named", [None, "FRR0000000", "FDO2340570", "FRR2340571; x"])
def test_the_file_leaves_for_no_other_router(story: Story, named: str | None) -> None:
    headers = {} if named is None else {"X-Serial-Number": named}
    answer = story.gateway.ztp("FRR2340571", "ztp.py", headers)
    assert (answer.status_code, answer.content) == (403, b"")


def test_the_others_on_a_gateway_are_what_they_were(story: Story) -> None:
    """Taking our own lines out of a gateway leaves what others had, in its order."""
    for bng in BNGS.values():
        here = iter(story.full[bng].replace("><", ">\n<").splitlines())
        for line in story.others[bng].replace("><", ">\n<").splitlines():
            assert line in here, line


@pytest.mark.parametrize("site", BNGS)
def test_what_is_so_already_is_not_sent_again(story: Story, site: str) -> None:
    before = story.gateway.lab.counters(BNGS[site])
    speed = next(
        characteristic["value"]
        for item in items_of(site)["orderItem"]
        for characteristic in item["resource"]["resourceCharacteristic"]
        if characteristic["name"] == "downstream"
    )
    story.gateway.completes(story.gateway.post(rated(site, speed)))
    after = story.gateway.lab.counters(BNGS[site])
    assert (after["edits"], after["commits"]) == (before["edits"], before["commits"])
    assert story.running() == story.full


@pytest.mark.parametrize("site", BNGS)
def test_another_rate_and_back_is_as_before(story: Story, site: str) -> None:
    number = story.gateway.post(rated(site, "200M"))
    story.gateway.completes(number)
    assert "BW-200-200-GOLD-ENT" in story.running()[BNGS[site]]
    task = story.rolled_back(site, before=number)
    assert (task["state"], task["result"]["verdict"]) == ("done", "VERIFIED")
    assert story.running() == story.full


@pytest.mark.parametrize("site", BNGS)
def test_a_comparison_with_the_intents_finds_no_drift(story: Story, site: str) -> None:
    answer = story.gateway.rom("device", "check", BNGS[site])
    assert answer.exit_code == 0, answer.output


def test_rolled_back_the_network_is_byte_by_byte_without_the_site(story: Story) -> None:
    for site in (FIRST, SYDNEY, PILOT):
        task = story.rolled_back(site)
        assert (task["state"], task["result"]["verdict"]) == ("done", "VERIFIED")
    assert story.running() == story.others


def test_the_last_site_of_a_customer_takes_what_it_shared_along(told: Story) -> None:
    told.serves(SECOND)
    task = told.rolled_back(SECOND)
    assert (task["state"], task["result"]["verdict"]) == ("done", "VERIFIED")
    assert told.running() == told.before
