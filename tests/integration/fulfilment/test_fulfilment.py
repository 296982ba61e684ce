import json
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import api
from adapters.errors import AuthenticationFailed, Unreachable
from adapters.twamp.packet import parse_request, reply
from inventory.reservation import lock_sites
from rom.answers.sites import RollbackPreview
from rom.fulfilment.outcomes import MAXIMUM_ATTEMPTS, SETTLING_LOOKS
from rom.model.change import Policy
from rom.model.deed import GATEWAY
from rom.model.order_states import ItemState
from rom.model.task import TaskState
from rom.store import rollbacks
from rom.undo.give_back import GiveBack
from rom.undo.tasks import Wanted, create

EXAMPLES = Path(api.__file__).parent / "examples"
SITE = "ENT-1102-MELB"
PILOT = "so-pilot-melbourne"
BEARER = "RFS:GPON-Bearer"
IP = "RFS:IP-Profile"


@pytest.fixture
def bearer(rom: Any) -> str:
    """An order for a bearer that is on its device and waits for its checks."""
    rom.load(lambda _: None)
    order_id: str = rom.order(PILOT, BEARER)
    assert rom.run(SITE).devices == {"OLT-SOUTH-03"}
    rom.write()
    return order_id


def test_what_settles_at_once_is_told_nobody(rom: Any, bearer: str) -> None:
    rom.devices.answers["detected-serial"] = "SOMETHINGELSE"
    for _ in range(SETTLING_LOOKS):
        rom.run(SITE)
    rom.devices.answers["detected-serial"] = "ALCLFA3B91C2"
    rom.run(SITE)
    assert rom.item(bearer).state == "completed"
    assert rom.notes(bearer) == []


def test_a_wrong_ont_is_held_after_some_looks_said_once_and_goes_on_when_put_right(
    rom: Any, bearer: str
) -> None:
    rom.devices.answers["detected-serial"] = "SOMETHINGELSE"
    for _ in range(SETTLING_LOOKS + MAXIMUM_ATTEMPTS + 4):
        rom.run(SITE)
    assert (rom.item(bearer).state, rom.item(bearer).reason) == ("held", "WRONG_ONT")
    assert len(rom.notes(bearer)) == 2
    rom.devices.answers["detected-serial"] = "ALCLFA3B91C2"
    rom.run(SITE)
    assert rom.item(bearer).state == "completed"


def test_waiting_for_days_uses_up_no_attempt(rom: Any, bearer: str) -> None:
    rom.devices.answers["onu-presence"] = "bbf-xpon-onu-types:onu-not-present-with-v-ani"
    rom.devices.answers["detected-serial"] = None
    for _ in range(30):
        rom.run(SITE)
    assert (rom.item(bearer).state, rom.item(bearer).reason) == ("pending", "AWAITING_ONU")
    assert len(rom.notes(bearer)) == 1
    rom.devices.answers = {"onu-presence": "bbf-xpon-onu-types:odd"}
    rom.run(SITE)
    assert rom.item(bearer).state == "inProgress"


def test_a_device_that_refuses_our_password_is_asked_once(rom: Any, bearer: str) -> None:
    rom.devices.error = AuthenticationFailed("no", device="OLT-SOUTH-03")
    for _ in range(5):
        rom.run(SITE)
    assert rom.devices.looks == 1
    assert (rom.item(bearer).state, rom.item(bearer).reason) == ("held", "AUTHENTICATION_FAILED")


def test_a_device_that_cannot_be_reached_is_tried_for_ever_and_told_once(
    rom: Any, bearer: str
) -> None:
    rom.devices.error = Unreachable("no route", device="OLT-SOUTH-03")
    for _ in range(20):
        rom.run(SITE)
    assert rom.item(bearer).state == "inProgress"
    (note,) = rom.notes(bearer)
    assert note.startswith("DEVICE_UNREACHABLE: OLT-SOUTH-03: no route")


def test_a_device_without_an_address_holds_the_item_instead_of_failing_for_ever(
    rom: Any, bearer: str
) -> None:
    rom.targets.real = True
    rom.run(SITE)
    assert (rom.item(bearer).state, rom.item(bearer).reason) == ("held", "NO_TARGET")


def test_an_item_that_somebody_else_moved_is_not_moved_again(rom: Any, bearer: str) -> None:
    def moved_meanwhile(asked: Any) -> dict[str, str | None]:
        row = rom.item(bearer)
        with rom.engine.begin() as connection:
            rom.transitions.move(connection, row, ItemState.HELD, reason="WRONG_CPE", note="x")
        return {query.name: rom.devices.answers.get(query.name) for query in asked}

    rom.devices.probe = moved_meanwhile
    rom.run(SITE)
    assert (rom.item(bearer).state, rom.item(bearer).reason) == ("held", "WRONG_CPE")
    with rom.engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM verdict")) == 0


def test_an_item_waits_for_one_it_names_at_another_site(rom: Any) -> None:
    rom.load(lambda _: None)
    document = json.loads((EXAMPLES / "so-wave2-brisbane.json").read_text())
    first, second = (
        next(i for i in document["orderItem"] if i["id"] == name)
        for name in ("BNE1-ROI-001", "BNE2-ROI-001")
    )
    second["orderItemRelationship"] = [
        {"relationshipType": "dependency", "orderItem": {"itemId": "BNE1-ROI-001"}}
    ]
    document["orderItem"] = [first, second]
    order_id = rom.insert(document)
    assert rom.run("ENT-1102-BNE2").devices == set()
    assert rom.item(order_id, "BNE2-ROI-001").step == "reserved"
    rom.run("ENT-1102-BNE1")
    rom.write()
    rom.devices.answers["detected-serial"] = "ALCLFA3B91D1"
    assert "ENT-1102-BNE2" in rom.run("ENT-1102-BNE1").sites
    assert rom.run("ENT-1102-BNE2").devices == {"OLT-NORTH-07"}


def test_capacity_goes_to_whoever_has_waited_longest(rom: Any) -> None:
    def full(pools: dict[str, Any]) -> None:
        links = pools["SOUTH-ENT IPv4 links"]
        links["prefix"] = ["10.88.12.0/29"]
        links["used"] = [{"value": "10.88.12.0/29", "by": "neighbours"}]

    def one_more(pools: dict[str, Any]) -> None:
        full(pools)
        pools["SOUTH-ENT IPv4 links"]["prefix"].append("10.88.12.8/29")

    rom.load(full)
    sites = ("ENT-1102-SYD2", "ENT-1102-BNE1")
    waiting = [rom.order(PILOT, IP, site=site) for site in sites]
    for site in sites:
        rom.run(site)
    assert {rom.item(order_id, "ROI-003").state for order_id in waiting} == {"held"}
    rom.load(one_more)
    rom.run(sites[1])  # its own handler is no way around those who came before it
    newcomer = rom.order(PILOT, IP)
    assert rom.run(SITE).sites == {sites[0]}
    states = [rom.item(order_id, "ROI-003").state for order_id in (*waiting, newcomer)]
    assert states == ["inProgress", "held", "held"]


def test_what_cannot_be_reserved_for_another_reason_is_held_with_it(rom: Any) -> None:
    rom.load(lambda _: None)
    order_id = rom.order(PILOT, "RFS:QoS-Policy")  # of a site without any bearer
    rom.run(SITE)
    assert rom.item(order_id, "ROI-004").state == "held"
    assert rom.notes(order_id)


@contextmanager
def reflector_that_loses(lost: int) -> Iterator[int]:
    """Answer every test packet but the one of sequence number ``lost``, once."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    udp.bind(("127.0.0.1", 0))
    stop, stopped = socket.socketpair()

    def serve() -> None:
        still_to_lose = True
        while stopped not in select.select([udp, stopped], [], [])[0]:
            data, sender = udp.recvfrom(2048)
            asked = parse_request(data)
            if asked is None or (still_to_lose and asked.sequence == lost):
                still_to_lose = False
                continue
            udp.sendto(reply(asked.sequence, asked, 1, 1, len(data)), sender)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield udp.getsockname()[1]
    stop.close()
    thread.join()
    stopped.close()
    udp.close()


def test_one_lost_packet_extends_the_test_and_both_runs_are_judged_together(rom: Any) -> None:
    rom.load(lambda _: None)
    order_id = rom.order(PILOT)
    with reflector_that_loses(17) as port:
        way = json.dumps({"twamp": {"host": "127.0.0.1", "port": port}})
        rom.run(SITE)
        rom.do(
            "UPDATE resource SET access = CAST(:way AS jsonb) "
            "WHERE attributes->>'serial' = 'FDO2340567'",
            way=way,
        )
        rom.do(
            "UPDATE order_item SET state = 'inProgress', step = 'measuring', characteristics = "
            "characteristics || CAST(:limits AS jsonb) WHERE item_id = 'ROI-005'",
            limits=json.dumps({"packetLossPercent": 0.1, "latencyMs": 2000}),
        )
        assert rom.run(SITE).measure
        rom.fulfiller.measure(SITE)
    item = rom.item(order_id, "ROI-005")
    with rom.engine.connect() as connection:
        (evidence,) = connection.scalars(
            sa.text("SELECT evidence FROM verdict WHERE kind = 'twamp'")
        )
    assert (evidence["sent"], evidence["lost"]) == (5000, 1)
    assert item.state == "completed", rom.notes(order_id)
    assert any(note.startswith("SLA_EXTENDED: 1 of 3000 lost") for note in rom.notes(order_id))


def test_while_a_site_is_taken_back_a_run_that_has_begun_before_does_nothing_more(
    rom: Any,
) -> None:
    rom.load(lambda _: None)
    with rom.engine.begin() as connection:
        task = rollbacks.insert(
            connection, site=SITE, number=0, orders=(), policy=Policy.REFUSE, reason="",
            ticket="", requester="noc", preview={},
        )  # fmt: skip
    order_id = rom.order(PILOT, BEARER)
    assert not rom.run(SITE).devices
    assert (rom.item(order_id).state, rom.item(order_id).step) == ("acknowledged", "assessing")
    with rom.engine.begin() as connection:
        rollbacks.enter(connection, task, TaskState.IN_PROGRESS)
        rollbacks.enter(connection, task, TaskState.DONE, {})
    assert rom.run(SITE).devices == {"OLT-SOUTH-03"}


def test_no_order_is_admitted_between_the_look_for_others_and_the_beginning_of_a_way_back(
    rom: Any,
) -> None:
    rom.load(lambda _: None)
    wanted = Wanted(site=SITE, by=GATEWAY, requester="noc")
    nothing = RollbackPreview.model_construct(devices=(), target=0, orders=())
    with rom.engine.begin() as admitting:
        lock_sites(admitting, [SITE])  # as an order does while it is admitted
        done = threading.Thread(
            target=create,
            args=(rom.engine, rom.targets._vault, GiveBack(rom.catalog), wanted, nothing),
        )
        done.start()
        done.join(0.5)
        assert done.is_alive()
    done.join(10)
    with rom.engine.connect() as connection:
        assert rollbacks.open_of_site(connection, SITE) is not None
