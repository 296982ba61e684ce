"""What somebody else has changed or uses: foreseen, told, and left where it is theirs."""

import json
from typing import Any

import pytest

from device_profiles.tree import Edit, Path
from tests.acceptance.noc import FIRST, PILOT, SYDNEY, Noc, faster
from tests.acceptance.stage import Stage
from tests.acceptance.undo.test_orders import ended_well, same

pytestmark = [pytest.mark.timeout(240)]
BNG, SWITCH = "BNG-BNE-01", "EAS-SYD-02"
NOKIA = (
    'xmlns="urn:nokia.com:sros:ns:yang:sr:conf" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"'
)
ENDLESS = "SELECT value FROM resource WHERE state = 'quarantined' AND quarantine_until IS NULL"
Whole = dict[str, str]


def on(document: Any, device: str) -> Any:
    (found,) = [each for each in document["devices"] if each["device"] == device]
    return found


def conflicts(preview: Any, device: str) -> set[tuple[str, bool]]:
    return {(each["kind"], each["blocks"]) for each in on(preview, device)["conflicts"]}


def endless(noc: Noc) -> set[str]:
    return {row.value for row in noc.gateway.rows(ENDLESS)}


def test_a_foreign_service_with_our_policy_is_foreseen_and_keeps_it(noc: Noc, full: Whole) -> None:
    order_id = noc.done(faster(FIRST, "350M"))
    policy = "BW-350-350-GOLD-ENT"
    service = (
        f"<configure {NOKIA}><service><vprn{{operation}}><service-name>NOC-TEST</service-name>"
        "{content}</vprn></service></configure>"
    )
    content = (
        "<service-id>9998</service-id><customer>CUST-ENT-1040</customer><interface>"
        "<interface-name>test</interface-name><sap><sap-id>1/1/c1/1:3998</sap-id><ingress><qos>"
        f"<sap-ingress><policy-name>{policy}</policy-name></sap-ingress></qos></ingress></sap>"
        "</interface>"
    )
    if "CUST-ENT-1040" not in full[BNG]:
        customer = next(name for name in full[BNG].split("<customer-name>")[1:])
        content = content.replace("CUST-ENT-1040", customer.split("<")[0])
    noc.by_hand(BNG, service.format(operation="", content=content))
    preview = noc.preview(FIRST, before=order_id)
    assert conflicts(preview, BNG) == {("orphan-shared", False)}
    (conflict,) = on(preview, BNG)["conflicts"]
    assert "NOC-TEST" in conflict["path"]
    edits = noc.lab.counters(BNG)["edits"]
    task = noc.rolled_back(FIRST, before=order_id)
    ended_well(task)
    assert noc.lab.counters(BNG)["edits"] == edits + 1  # foreseen, not found out by a refusal
    assert any(policy in path for path in on(task["result"], BNG)["orphans"])
    running = noc.whole()[BNG]
    assert f"<sap-ingress-policy-name>{policy}" in running
    assert f"<sap-egress-policy-name>{policy}" not in running
    noc.by_hand(BNG, service.format(operation=' nc:operation="remove"', content=""))
    again = noc.done(faster(FIRST, "350M"))  # owns the orphan again, and takes it along
    ended_well(noc.rolled_back(FIRST, before=again))
    same(noc.whole(), full)


def test_a_shared_template_that_an_operator_has_changed_does_not_go_unseen(
    noc: Noc, full: Whole
) -> None:
    order_id = noc.done(faster(FIRST, "250M"))
    policy = "BW-250-250-GOLD-ENT"
    changed = (
        f"<configure {NOKIA}><qos><sap-ingress><sap-ingress-policy-name>{policy}"
        "</sap-ingress-policy-name><description>tuned on Tuesday</description></sap-ingress></qos>"
        "</configure>"
    )
    noc.by_hand(BNG, changed)
    drifted = noc.whole()
    answer = noc.start(FIRST, before=order_id)
    assert answer.status_code == 409
    (conflict,) = answer.json()["conflicts"]
    assert (conflict["device"], conflict["kind"], conflict["found"]) == (
        BNG, "drift", "tuned on Tuesday"
    )  # fmt: skip
    assert policy in conflict["path"]
    same(noc.whole(), drifted)

    kept = noc.rolled_back(FIRST, before=order_id, policy="keep")
    assert (kept["state"], kept["result"]["verdict"]) == ("done", "KEPT")
    running = noc.whole()
    assert "tuned on Tuesday" in running[BNG]
    same({n: t for n, t in running.items() if n != BNG}, full)
    # Only the template stayed; the service itself has its old rate, and so has the pool.
    assert noc.held(FIRST)["sap-bandwidth"] == "500000000"

    forced = noc.rolled_back(FIRST, before=order_id, policy="force", reason="tuned for nobody")
    ended_well(forced)
    same(noc.whole(), full)


def test_pools_count_what_a_kept_device_really_gives(noc: Noc, full: Whole) -> None:
    order_id = noc.done(faster(FIRST, "510M"))
    noc.by_hand(
        BNG,
        f"<configure {NOKIA}><service><vprn><service-name>ENT-1102</service-name><interface>"
        f"<interface-name>{FIRST}</interface-name><description>Tuesday night</description>"
        "</interface></vprn></service></configure>",
    )
    task = noc.rolled_back(FIRST, before=order_id, policy="keep")
    assert (task["result"]["verdict"], task["result"]["quarantine"]) == ("KEPT", "until cleaned")
    assert "BW-510-510-GOLD-ENT" in noc.whole()[BNG]
    assert noc.held(FIRST)["sap-bandwidth"] == "510000000"
    forced = noc.rolled_back(FIRST, before=order_id, policy="force", reason="the old rate it is")
    ended_well(forced)
    assert noc.held(FIRST)["sap-bandwidth"] == "500000000"
    same(noc.whole(), full)


def serial(noc: Noc, site: str = FIRST) -> str:
    (row,) = noc.gateway.rows(
        "SELECT device FROM site_intent WHERE site = :s AND role = 'ce'", s=site
    )
    return str(row.device)


def test_lines_typed_on_a_router_stay_or_stop_the_way_back(noc: Noc, full: Whole) -> None:
    order_id = noc.done(faster(FIRST, "150M"))
    router = serial(noc)
    rows = noc.gateway.rows(
        "SELECT path, read_back FROM net_effect WHERE device = :d AND path[array_length(path, 1)] "
        "= 'shape average'",
        d=router,
    )
    path, value = tuple(rows[0].path), rows[0].read_back
    beside: Path = ("interface Loopback99",)
    noc.typed(router, FIRST, Edit(beside, None, ""))
    ended_well(noc.rolled_back(FIRST, before=order_id))  # a line of its own is in nobody's way
    assert "interface Loopback99" in noc.whole()[router]

    again = noc.done(faster(FIRST, "150M"))
    noc.typed(router, FIRST, Edit(path, value, "99000000"))
    drifted = noc.whole()
    assert "shape average 99000000" in drifted[router]
    answer = noc.start(FIRST, before=again)
    assert [each["device"] for each in answer.json()["conflicts"]] == [router]
    same(noc.whole(), drifted)
    forced = noc.rolled_back(FIRST, before=again, policy="force", reason="a typing error")
    ended_well(forced)
    noc.typed(router, FIRST, Edit(beside, "", None))
    same(noc.whole(), full)


def test_what_is_done_is_what_was_shown(noc: Noc, full: Whole) -> None:
    order_id = noc.done(faster(FIRST, "450M"))
    seen = noc.preview(FIRST, before=order_id)
    assert seen["hash"] == noc.preview(FIRST, before=order_id)["hash"]
    late = noc.done(faster(FIRST, "460M"))  # somebody else goes on
    differs = noc.start(FIRST, before=order_id, hash=seen["hash"])
    assert differs.status_code == 409
    assert differs.json()["code"] == "previewDiffers"
    now = differs.json()["preview"]
    assert now["orders"] == [order_id, late]
    assert now == noc.preview(FIRST, before=order_id)
    words = ("site", "rollback", FIRST, "--before", order_id, "--yes")
    asked = noc.rom(*words, "--preview", seen["hash"])
    assert asked.exit_code == 2
    assert "Do it as shown now?" in asked.output
    assert noc.start(FIRST, before=order_id, hash="none of mine").status_code == 400
    assert noc.http.get(f"/rom/v1/sites/{FIRST}/snapshots").json()[-1]["order"] == late
    done = noc.rom(*words, "--preview", now["hash"], "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["result"]["verdict"] == "VERIFIED"
    same(noc.whole(), full)


def test_our_sap_under_an_interface_somebody_has_renamed_is_not_forgotten(
    noc: Noc, others: Whole, full: Whole
) -> None:
    resting = endless(noc)
    vlan = noc.held(FIRST)["vlan"].rpartition(" ")[2]
    sap = f"1/1/c1/1:{vlan}"
    interface = (
        f"<configure {NOKIA}><service><vprn><service-name>ENT-1102</service-name>"
        "<interface{operation}><interface-name>{name}</interface-name>{content}</interface>"
        "</vprn></service></configure>"
    )
    remove = ' nc:operation="remove"'
    noc.by_hand(BNG, interface.format(operation=remove, name=FIRST, content=""))
    content = f"<sap><sap-id>{sap}</sap-id><admin-state>enable</admin-state></sap>"
    noc.by_hand(BNG, interface.format(operation="", name="BRISBANE", content=content))
    preview = noc.preview(FIRST)
    assert conflicts(preview, BNG) == {("in-use", False)}
    task = noc.rolled_back(FIRST)
    assert (task["state"], task["result"]["verdict"]) == ("done", "KEPT")
    kept = on(task["result"], BNG)["kept"]
    assert any(path.endswith(f"sap[sap-id='{sap}']") for path in kept)
    assert not any("neighbor[" in path for path in kept)
    running = noc.whole()[BNG]
    assert "<interface-name>BRISBANE</interface-name>" in running
    assert sap in running
    assert vlan in endless(noc)
    noc.by_hand(BNG, interface.format(operation=remove, name="BRISBANE", content=""))
    ended_well(noc.rolled_back(FIRST))
    now = noc.whole()
    same({name: now[name] for name in (BNG, "OLT-NORTH-07", "PROBE-BNE-01")}, others)
    assert endless(noc) == resting


def test_a_foreign_port_in_our_vlan_keeps_the_vlan(noc: Noc, stage: Stage) -> None:
    stage.serves(SYDNEY)
    resting = endless(noc)
    vlan = noc.held(SYDNEY)["vlan"].rpartition(" ")[2]
    port: Path = ("interface GigabitEthernet0/9",)
    noc.typed(
        SWITCH, SYDNEY,
        Edit((*port, "switchport mode"), None, "access"),
        Edit((*port, "switchport access vlan"), None, vlan),
    )  # fmt: skip
    preview = noc.preview(SYDNEY)
    assert conflicts(preview, SWITCH) == {("in-use", False)}
    assert any(f"vlan {vlan}" in path for path in on(preview, SWITCH)["kept"])
    task = noc.rolled_back(SYDNEY)
    assert (task["state"], task["result"]["verdict"]) == ("done", "KEPT")
    assert on(task["result"], SWITCH)["verdict"] == "KEPT"
    assert on(task["result"], "BNG-SYD-01")["verdict"] == "VERIFIED"
    running = noc.whole()[SWITCH]
    assert f"vlan {vlan}\n name {SYDNEY}" in running
    assert f"switchport access vlan {vlan}" in running
    assert running.count(SYDNEY) == 1  # nothing else of the site is there
    assert vlan in endless(noc)

    noc.typed(SWITCH, SYDNEY, Edit((*port, "switchport access vlan"), vlan, None))
    noc.typed(SWITCH, SYDNEY, Edit((*port, "switchport mode"), "access", None))
    cleaned = noc.rolled_back(SYDNEY)
    assert (cleaned["state"], cleaned["result"]["verdict"]) == ("done", "VERIFIED")
    assert noc.whole()[SWITCH] == stage.before[SWITCH]
    assert endless(noc) == resting


def drift(noc: Noc) -> dict[str, tuple[Path, str]]:
    """By device: a leaf that the site has there, for somebody to change, and what to."""
    rows = noc.gateway.rows("SELECT device, path FROM net_effect WHERE site = :s", s=PILOT)
    paths: dict[str, list[Path]] = {}
    for row in rows:
        paths.setdefault(row.device, []).append(tuple(row.path))

    def one(device: str, last: str) -> Path:
        return next(path for path in sorted(paths[device]) if path[-1] == last)

    router = serial(noc, PILOT)
    return {
        "KEA4-01": (one("KEA4-01", "hostname"), "by-hand"),
        "RADIUS-01": (
            next(
                path for path in sorted(paths["RADIUS-01"])
                if "Alc-Subsc-ID-Str" in path[0] and path[-1] == "value"
            ),
            "BY-HAND",
        ),
        f"{router}/agent": (one(f"{router}/agent", "snmpTargetAddrTagList"), "by-hand"),
    }  # fmt: skip


def test_drift_of_kea_radius_and_snmp_is_found_and_forced(noc: Noc, stage: Stage) -> None:
    stage.serves(PILOT)
    wanted = drift(noc)
    for device, (path, value) in wanted.items():
        with noc.typing(device, PILOT) as session:
            held = session.read([path]).get(path)
        noc.typed(device, PILOT, Edit(path, held, value))
    drifted = noc.whole()
    answer = noc.start(PILOT)
    assert answer.status_code == 409
    found = {each["device"]: each for each in answer.json()["conflicts"]}
    assert {name: each["kind"] for name, each in found.items()} == dict.fromkeys(wanted, "drift")
    assert {name: each["found"] for name, each in found.items()} == {
        name: value for name, (_, value) in wanted.items()
    }
    same(noc.whole(), drifted)
    forced = noc.rolled_back(PILOT, policy="force", reason="the site was cancelled")
    ended_well(forced)
    now = noc.whole()
    melbourne = ("OLT-SOUTH-03", "BNG-MEL-01", "PROBE-MEL-01")
    same({name: now[name] for name in melbourne}, stage.before)
    assert not [name for name in ("KEA4-01", "KEA6-01", "RADIUS-01") if PILOT in now[name]]
