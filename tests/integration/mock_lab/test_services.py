import asyncio
import socket
from pathlib import Path
from typing import Any

import httpx

from mock_devices.services.kea.agent import KeaAgent
from mock_devices.services.logistics import Logistics
from mock_devices.services.nms import TrapReceiver

EMPTY: dict[str, dict[str, Any]] = {
    "dhcp4": {"Dhcp4": {"subnet4": []}},
    "dhcp6": {"Dhcp6": {"subnet6": []}},
}
BOX = {"serial": "FDO2340567", "site": "ENT-1102-MELB", "address": "1 Road", "contact": "Jo"}
TOKEN = {"authorization": "Bearer lab"}


def test_the_control_agent_speaks_to_both_servers_and_wants_a_password(tmp_path: Path) -> None:
    async def scenario() -> None:
        agent = KeaAgent(tmp_path, EMPTY, "kea", "secret")
        await agent.start()
        both = {"command": "config-get", "service": ["dhcp4", "dhcp6"]}
        async with httpx.AsyncClient(base_url=agent.web.url, auth=("kea", "secret")) as client:
            replies = (await client.post("/", json=both)).json()
            shown = [reply["arguments"] for reply in replies]
            assert shown == [agent.servers[name].configuration() for name in EMPTY]
            assert shown[0]["Dhcp4"].items() >= EMPTY["dhcp4"]["Dhcp4"].items()
            stranger = {"command": "config-get", "service": ["d2"]}
            assert (await client.post("/", json=stranger)).json()[0]["result"] == 1
            assert (await client.post("/", content=b"{")).status_code == 400
            agent.refuse_next = "out of memory"
            test = {"command": "config-test", "service": ["dhcp4"], "arguments": EMPTY["dhcp4"]}
            assert (await client.post("/", json=test)).json()[0]["text"] == "out of memory"
            assert (await client.post("/", json=test)).json()[0]["result"] == 0
        async with httpx.AsyncClient(base_url=agent.web.url, auth=("kea", "wrong")) as client:
            assert (await client.post("/", json=both)).status_code == 401
        await agent.stop()

    asyncio.run(scenario())


def test_a_shipment_arrives_once_and_boots_its_router(tmp_path: Path) -> None:
    async def scenario() -> None:
        arrived: asyncio.Queue[str] = asyncio.Queue()
        partner = Logistics(tmp_path, ["FDO2340567"], "lab", 0.02, arrived.put)
        await partner.start()
        async with httpx.AsyncClient(base_url=partner.web.url, headers=TOKEN) as client:
            assert (await client.put("/shipments/S1", json=BOX)).status_code == 201
            assert (await client.put("/shipments/S1", json=BOX)).status_code == 200
            assert await asyncio.wait_for(arrived.get(), 5) == "FDO2340567"
            assert (await client.get("/shipments/S1")).json()["state"] == "delivered"
            assert (await client.delete("/shipments/S1")).status_code == 409
        await partner.stop()
        assert arrived.empty()

    asyncio.run(scenario())


def test_a_shipment_can_be_called_back_before_it_leaves_and_refusals_are_clear(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        arrived: asyncio.Queue[str] = asyncio.Queue()
        partner = Logistics(tmp_path, ["FDO2340567"], "lab", 3600, arrived.put)
        await partner.start()
        async with httpx.AsyncClient(base_url=partner.web.url, headers=TOKEN) as client:
            assert (await client.put("/shipments/S1", json=BOX)).status_code == 201
            other = {**BOX, "site": "ENT-1102-SYD1"}
            assert (await client.put("/shipments/S1", json=other)).status_code == 409
            unknown = {**BOX, "serial": "FDO0000000"}
            assert (await client.put("/shipments/S2", json=unknown)).status_code == 404
            assert (await client.put("/shipments/S2", json={"site": "x"})).status_code == 400
            assert (await client.delete("/shipments/S1")).status_code == 204
            assert (await client.get("/shipments/S1")).status_code == 404
            assert (
                await client.get("/shipments/S1", headers={"authorization": ""})
            ).status_code == 401
        await partner.stop()

    asyncio.run(scenario())


def test_a_box_on_its_way_arrives_after_a_restart_of_the_lab(tmp_path: Path) -> None:
    async def scenario() -> None:
        arrived: asyncio.Queue[str] = asyncio.Queue()
        before = Logistics(tmp_path, ["FDO2340567"], "lab", 3600, arrived.put)
        await before.start()
        async with httpx.AsyncClient(base_url=before.web.url, headers=TOKEN) as client:
            await client.put("/shipments/S1", json=BOX)
        await before.stop()
        after = Logistics(tmp_path, ["FDO2340567"], "lab", 0.02, arrived.put)
        await after.start()
        assert await asyncio.wait_for(arrived.get(), 5) == "FDO2340567"
        await after.stop()

    asyncio.run(scenario())


def snmpv3_message(engine: bytes, user: bytes) -> bytes:
    def element(tag: int, content: bytes) -> bytes:
        return bytes([tag, len(content)]) + content

    security = element(
        0x30,
        element(4, engine)
        + element(2, b"\x01")
        + element(2, b"\x02")
        + element(4, user)
        + element(4, b"\0" * 24)
        + element(4, b"\0" * 8),
    )
    body = element(2, b"\x03") + element(0x30, b"") + element(4, security) + element(4, b"crypt")
    return element(0x30, body)


def test_notifications_are_counted_by_engine_and_user(tmp_path: Path) -> None:
    async def scenario() -> None:
        receiver = TrapReceiver()
        port = await receiver.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
            for datagram in (snmpv3_message(b"\x80\x00\x09\x01", b"nmsuser"), b"\x30\x05noise"):
                agent.sendto(datagram, ("127.0.0.1", port))
        async with httpx.AsyncClient() as client:
            async with asyncio.timeout(5):
                while True:
                    status = (await client.get(f"{receiver.web.url}/status")).json()
                    if status["traps"] and status["malformed"]:
                        break
        assert status == {
            "traps": [{"engine": "80000901", "user": "nmsuser", "count": 1}],
            "malformed": 1,
        }
        await receiver.stop()

    asyncio.run(scenario())
