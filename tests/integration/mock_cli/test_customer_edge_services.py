"""What a configured customer edge router answers: BGP, command line, SNMP, test packets."""

import asyncio
import re
import socket
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from netmiko import ConnectHandler
from pysnmp.hlapi.v3arch.asyncio import (
    USM_AUTH_HMAC192_SHA256,
    USM_PRIV_CFB128_AES,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    get_cmd,
    next_cmd,
    set_cmd,
)
from pysnmp.proto.rfc1902 import Integer32, ObjectIdentifier, OctetString

from mock_devices.ce.router import BgpNeighbour, BgpSession, CustomerEdge
from tests.integration.mock_cli.factory_router import ZtpServer, play, show


def test_bgp_is_as_the_other_end_says(tmp_path: Path, ztp: ZtpServer) -> None:
    seen: list[BgpNeighbour] = []
    state = ["Established"]

    def bgp(serial: str, neighbour: BgpNeighbour) -> BgpSession:
        seen.append(neighbour)
        return BgpSession(state[0], 3)

    async def scene(router: CustomerEdge) -> None:
        await router.boot()
        row = (await show(router, "show ip bgp summary")).splitlines()[-1]
        assert re.fullmatch(r"10\.88\.12\.1 +4 +64500 .*\d\d:\d\d:\d\d +3", row)
        assert (seen[0].password, seen[0].local_address) == ("bgp-pass", "10.88.12.2")
        assert "bgp-pass" not in repr(seen[0])
        state[0] = "Active"
        assert (await show(router, "show ip bgp summary")).rstrip().endswith("never    Active")

    play(scene, tmp_path, ztp, bgp_state=bgp)


def test_netmiko_drives_the_router_and_unknown_lines_are_refused(
    tmp_path: Path, ztp: ZtpServer
) -> None:
    def drive(port: int, keys: Path) -> None:
        connection = ConnectHandler(
            device_type="cisco_xe",
            host="127.0.0.1",
            port=port,
            username="netops",
            password="login-pass",
            ssh_strict=True,
            alt_host_keys=True,
            alt_key_file=str(keys),
            fast_cli=True,
        )
        assert connection.find_prompt() == "ce-ent-1102-melb#"
        output = connection.send_config_set(["interface gi0/0/9", "router ospf 1"])
        assert output.count("% Invalid input detected") == 2
        assert "YES" in connection.send_command("show ip interface brief")
        connection.disconnect()

    async def scene(router: CustomerEdge) -> None:
        await router.boot()
        keys = tmp_path / "known_hosts"
        keys.write_text(f"[127.0.0.1]:{router.ports['ssh']} {router.public_key}\n")
        await asyncio.to_thread(drive, router.ports["ssh"], keys)

    play(scene, tmp_path, ztp)


IF_ALIAS = "1.3.6.1.2.1.31.1.1.1.18.1"
TARGET = "1.3.6.1.6.3.12.1.2.1.{}.110.109.115"


class Manager:
    """An SNMPv3 manager."""

    def __init__(
        self, router: CustomerEdge, auth: str = "auth-pass-1", user: str = "nmsuser"
    ) -> None:
        self._engine = SnmpEngine()
        self._user = UsmUserData(
            user,
            auth,
            "priv-pass-1",
            authProtocol=USM_AUTH_HMAC192_SHA256,
            privProtocol=USM_PRIV_CFB128_AES,
        )
        self._port = router.ports["snmp"]

    async def _ask(self, command: Any, *variables: Any) -> Any:
        target = await UdpTransportTarget.create(("127.0.0.1", self._port), timeout=1, retries=0)
        types = [
            ObjectType(ObjectIdentity(v))
            if isinstance(v, str)
            else ObjectType(ObjectIdentity(v[0]), v[1])
            for v in variables
        ]
        return await command(self._engine, self._user, target, ContextData(), *types)

    async def get(self, oid: str) -> str:
        indication, status, _, variables = await self._ask(get_cmd, oid)
        assert not indication, indication
        assert not status, status
        return str(variables[0][1])

    async def set(self, *variables: tuple[str, Any]) -> str:
        indication, status, _, _ = await self._ask(set_cmd, *variables)
        return str(indication or (status.prettyPrint() if status else ""))

    async def failure(self, oid: str) -> str:
        return str((await self._ask(get_cmd, oid))[0])

    async def walk(self, oid: str) -> int:
        found, following = 0, oid
        while True:
            _, _, _, variables = await self._ask(next_cmd, following)
            following = str(variables[0][0])
            if not following.startswith(oid + "."):
                return found
            found += 1

    def close(self) -> None:
        self._engine.close_dispatcher()


def test_an_snmp_manager_reads_writes_and_makes_rows(tmp_path: Path, ztp: ZtpServer) -> None:
    row = [
        (TARGET.format(2), ObjectIdentifier("1.3.6.1.6.1.1")),
        (TARGET.format(3), OctetString(hexValue="c000025a00a2")),
        (TARGET.format(7), OctetString("rom-nms")),
    ]

    async def scene(router: CustomerEdge) -> None:
        await router.boot()
        manager = Manager(router)
        assert await manager.get("1.3.6.1.2.1.1.5.0") == "ce-ent-1102-melb"
        assert int(await manager.get("1.3.6.1.2.1.1.3.0")) >= 0
        assert await manager.get("1.3.6.1.2.1.2.2.1.8.1") == "1"
        assert await manager.get(IF_ALIAS) == "WAN SI-FA-ENT-1102-MELB"
        assert await manager.walk("1.3.6.1.2.1.31.1.1.1.1") == 6
        assert await manager.set((IF_ALIAS, OctetString("circuit 2108"))) == ""
        assert await manager.set((IF_ALIAS, Integer32(5))) == "wrongType"
        assert await manager.set(("1.3.6.1.2.1.1.3.0", Integer32(5))) == "notWritable"
        go = (TARGET.format(9), Integer32(4))
        assert await manager.set(go) == "inconsistentValue"
        assert await manager.set(row[2]) == "inconsistentName"
        assert await manager.set(*row, go) == ""
        assert await manager.set(*row, go) == "inconsistentValue"
        assert await manager.set(("1.3.6.1.2.1.1.6.0", OctetString("Melbourne"))) == ""
        assert "snmp-server location Melbourne" in router.running_config
        await router.power_off()
        await router.boot()
        assert await manager.get(IF_ALIAS) == "circuit 2108"
        assert await manager.get(TARGET.format(9)) == "active"
        assert await manager.set((TARGET.format(9), Integer32(6))) == ""
        assert await manager.walk("1.3.6.1.6.3.12.1.2.1") == 0
        manager.close()

    play(scene, tmp_path, ztp)


def test_unknown_users_and_wrong_digests_are_reported(tmp_path: Path, ztp: ZtpServer) -> None:
    async def scene(router: CustomerEdge) -> None:
        await router.boot()
        for manager, expected in (
            (Manager(router, auth="wrong-pass-1"), "(?i)digest"),
            (Manager(router, user="stranger"), "(?i)unknown"),
        ):
            assert re.search(expected, await manager.failure("1.3.6.1.2.1.1.3.0"))
            manager.close()

    play(scene, tmp_path, ztp)


def test_a_group_without_a_write_view_may_not_write(tmp_path: Path, ztp: ZtpServer) -> None:
    async def scene(router: CustomerEdge) -> None:
        await router.boot()
        router.machine.merge("snmp-server group NMS v3 priv read ALL")
        await router.settled.wait()
        manager = Manager(router)
        assert await manager.get("1.3.6.1.2.1.1.6.0") == "ENT-1102-MELB"
        assert await manager.set((IF_ALIAS, OctetString("x"))) == "noAccess"
        manager.close()

    play(scene, tmp_path, ztp)


def test_two_thousand_test_packets_come_back_in_the_size_they_went(
    tmp_path: Path, ztp: ZtpServer
) -> None:
    def send(port: int, size: int, count: int) -> list[bytes]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", port))
            sender.settimeout(2)
            replies: list[bytes] = []
            for number in range(count):
                stamp = struct.pack("!II", int(time.time()) + 2208988800, number)
                packet = struct.pack("!I8sH", number, stamp, 0x8001)
                sender.send(packet.ljust(size, b"\0"))
                if number % 16 == 15:
                    replies += [sender.recv(2048) for _ in range(16)]
        return replies

    async def scene(router: CustomerEdge) -> None:
        await router.boot()
        port = router.ports["twamp"]
        replies = await asyncio.to_thread(send, port, 44, 2000)
        assert len(replies) == 2000
        assert {len(reply) for reply in replies} == {44}
        for number, reply in enumerate(replies):
            fields = struct.unpack_from("!I8sHH8sI8sHHB", reply)
            sequence, sent, estimate, _, received, sender_sequence, _, sender_estimate, _, ttl = (
                fields
            )
            assert sequence == sender_sequence == number
            assert sent >= received
            assert (estimate & 0xFF, sender_estimate, ttl) == (1, 0x8001, 64)
        assert len((await asyncio.to_thread(send, port, 14, 16))[0]) == 41
        router.reflector.drop_next(1)
        with pytest.raises(TimeoutError):
            await asyncio.to_thread(send, port, 44, 16)
        router.machine.merge("no ip sla responder twamp")
        await router.settled.wait()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(send, port, 44, 16)

    play(scene, tmp_path, ztp)
