"""The simulated customer edge router, from factory state to a proven site and back."""

import asyncio
import hashlib
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncssh
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

from mock_devices.ce.router import BackOff, BgpNeighbour, BgpSession, CustomerEdge, Offer

DAY1 = """\
! day-1 configuration
hostname ce-ent-1102-melb
enable algorithm-type scrypt secret enable-pass
username netops privilege 15 algorithm-type scrypt secret login-pass
ip ssh version 2
interface Loopback0
 ip address 10.99.12.88 255.255.255.255
interface GigabitEthernet0/0/0
 description WAN SI-FA-ENT-1102-MELB
 ip address 10.88.12.2 255.255.255.248
 no shutdown
router bgp 65112
 bgp router-id 10.99.12.88
 no bgp default ipv4-unicast
 neighbor 10.88.12.1 remote-as 64500
 neighbor 10.88.12.1 password 6 bgp-pass
 address-family ipv4
  neighbor 10.88.12.1 activate
 exit-address-family
snmp-server view ALL iso included
snmp-server group NMS v3 priv read ALL write ALL
snmp-server location ENT-1102-MELB
ip sla responder twamp
ip sla server twamp
 port 862
end
"""
SCRIPT = r"""
import os, re, sys
from cli import cli, clip, configure, configurep, execute, executep
assert set(os.environ) <= {"PATH", "LANG", "LC_CTYPE"}, os.environ
serial = re.search(r'NAME: "Chassis".*?SN: (\S+)', cli("show inventory"), re.S).group(1)
configure(["file prompt quiet"])
print(cli("copy BASE/config/%s flash:day1.cfg" % serial))
cli("copy BASE/sha512/%s flash:day1.sha" % serial)
want = re.search(r"[0-9a-f]{128}", cli("more flash:day1.sha"))
got = re.search(r"= ([0-9a-f]{128})", cli("verify /sha512 flash:day1.cfg"))
if not (want and got and want.group(0) == got.group(1)):
    cli("copy BASE/event/%s/failed?d=checksum null:" % serial)
    sys.exit(1)
configure(["crypto key generate rsa modulus 3072 label SSHKEY"])
output = cli("copy flash:day1.cfg running-config")
if re.search("^% ?(Invalid|Incomplete|Ambiguous)", output, re.M):
    sys.exit(output)
user = "snmp-server user nmsuser NMS v3 auth sha-2 256 auth-pass-1 priv aes 128 priv-pass-1"
assert all(result.success for result in configure([user]))
try:
    execute("show nonsense")
except Exception as error:
    assert "% Invalid input" in str(error), error
cli("write memory")
cli("copy BASE/event/%s/completed null:" % serial)
"""


class ZtpServer:
    """A boot server that remembers what it was asked."""

    def __init__(self) -> None:
        self.refused: set[str] = set()
        self.checksum = hashlib.sha512(DAY1.encode()).hexdigest()
        self.script = SCRIPT
        self.requests: list[tuple[str, str | None, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind = self.path.split("/")[1]
                body = outer.body(kind)
                self.send_response(403 if kind in outer.refused else 200)
                self.end_headers()
                outer.requests.append((self.path, self.headers["User-Agent"], body))
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def body(self, kind: str) -> bytes:
        if kind in self.refused:
            return b""
        bodies = {
            "ztp.py": self.script.replace("BASE", self.base),
            "config": DAY1,
            "sha512": self.checksum,
        }
        return bodies.get(kind, "").encode()

    def asked(self, kind: str) -> list[bytes]:
        return [body for path, _, body in self.requests if path.split("/")[1] == kind]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def ztp() -> Iterator[ZtpServer]:
    server = ZtpServer()
    yield server
    server.close()


Scene = Callable[[CustomerEdge], Coroutine[Any, Any, None]]


def play(scene: Scene, folder: Path, ztp: ZtpServer, **extra: Any) -> None:
    """Run a scene with a router in factory state behind a plant that offers at once."""

    async def discover(serial: str) -> Offer | None:
        assert serial == "FDO2340567"
        return Offer("10.88.12.2", f"{ztp.base}/ztp.py", "circuit-1")

    async def run() -> None:
        router = make(folder, extra.pop("discover", discover), **extra)
        await router.start()
        try:
            await asyncio.wait_for(scene(router), 30)
        finally:
            await router.stop()

    asyncio.run(run())


def make(folder: Path, discover: Any, **extra: Any) -> CustomerEdge:
    back_off = BackOff(first=0.02, longest=0.05)
    return CustomerEdge("FDO2340567", "ISR4431/K9", folder, discover, back_off=back_off, **extra)


LOGIN = "login-pass"


async def login(router: CustomerEdge, password: str = LOGIN) -> asyncssh.SSHClientConnection:
    key = asyncssh.import_public_key(router.public_key)
    return await asyncssh.connect(
        "127.0.0.1",
        router.ports["ssh"],
        username="netops",
        password=password,
        known_hosts=([key], [], []),
        client_keys=None,
        config=None,
    )


async def show(router: CustomerEdge, command: str) -> str:
    async with await login(router) as connection:
        return str((await connection.run(command)).stdout).replace("\r", "")


def test_a_router_from_the_factory_configures_itself_and_can_be_logged_into(
    tmp_path: Path, ztp: ZtpServer
) -> None:
    async def scene(router: CustomerEdge) -> None:
        with pytest.raises(OSError, match=r"refused|Connect"):
            await login(router)
        await router.boot()
        assert ztp.asked("event") == [b""]
        assert {agent for _, agent, _ in ztp.requests} == {"cisco-IOS"}
        assert "Version 17.9.4a" in await show(router, "show version")
        running = await show(router, "show running-config")
        assert not re.search("login-pass|enable-pass|bgp-pass|auth-pass|priv-pass", running)
        assert "snmp-server user" not in running
        assert router.startup_config == router.running_config
        with pytest.raises(asyncssh.PermissionDenied):
            await login(router, "wrong")
        log = " ".join(entry.line for entry in router.record.lines)
        assert not re.search("login-pass|enable-pass|bgp-pass|auth-pass|priv-pass", log)

    play(scene, tmp_path, ztp)


def test_it_asks_again_and_again_until_an_address_is_offered(
    tmp_path: Path, ztp: ZtpServer
) -> None:
    asked: list[str] = []

    async def discover(serial: str) -> Offer | None:
        asked.append(serial)
        return Offer("10.88.12.2", f"{ztp.base}/ztp.py") if len(asked) > 4 else None

    async def scene(router: CustomerEdge) -> None:
        await router.boot()
        assert len(asked) == 5
        assert router.facts()["configured"]

    play(scene, tmp_path, ztp, discover=discover)


@pytest.mark.parametrize("refused", ["ztp.py", "config"])
def test_a_refused_transfer_is_tried_again_later(
    tmp_path: Path, ztp: ZtpServer, refused: str
) -> None:
    async def scene(router: CustomerEdge) -> None:
        ztp.refused.add(refused)
        booting = asyncio.create_task(router.boot())
        while len(ztp.asked(refused)) < 3:
            await asyncio.sleep(0.01)
        assert router.startup_config is None
        ztp.refused.clear()
        await booting
        assert router.startup_config is not None

    play(scene, tmp_path, ztp)


def test_a_corrupted_checksum_leaves_the_router_unconfigured(
    tmp_path: Path, ztp: ZtpServer
) -> None:
    async def scene(router: CustomerEdge) -> None:
        ztp.checksum = "0" * 128
        booting = asyncio.create_task(router.boot())
        while not ztp.asked("event"):
            await asyncio.sleep(0.01)
        assert "/failed?d=checksum" in ztp.requests[-1][0]
        assert "ce-ent-1102-melb" not in router.running_config
        await router.power_off()
        await booting

    play(scene, tmp_path, ztp)


def test_a_power_cut_in_the_middle_loses_what_was_not_written_and_gets_the_same_bytes_again(
    tmp_path: Path, ztp: ZtpServer
) -> None:
    async def scene(router: CustomerEdge) -> None:
        ztp.script = SCRIPT.replace('cli("write memory")', "import time; time.sleep(20)")
        booting = asyncio.create_task(router.boot())
        while "hostname ce-ent-1102-melb" not in router.running_config:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        await router.power_off()
        await booting
        assert time.monotonic() - began < 5
        assert router.startup_config is None
        ztp.script = SCRIPT
        await router.boot()
        first, second = ztp.asked("config")
        assert first == second == DAY1.encode()
        await router.power_off()
        with pytest.raises(OSError, match=r"refused|Connect"):
            await login(router)
        await router.boot()
        assert len(ztp.asked("config")) == 2, "a configured router does no zero-touch provisioning"
        assert "ce-ent" in await show(router, "show running-config | include hostname")
        await router.factory_reset()
        assert router.startup_config is None
        await router.boot()
        assert len(ztp.asked("config")) == 3

    play(scene, tmp_path, ztp)


def test_a_script_that_never_ends_is_stopped(tmp_path: Path, ztp: ZtpServer) -> None:
    async def scene(router: CustomerEdge) -> None:
        ztp.script = "while True: pass"
        booting = asyncio.create_task(router.boot())
        while not any("script ended with None" in text for text in router.autoinstall.history):
            await asyncio.sleep(0.02)
        await router.power_off()
        await booting

    play(scene, tmp_path, ztp, script_limit=0.5)


def test_a_running_router_outlives_a_restart_of_the_simulation(
    tmp_path: Path, ztp: ZtpServer
) -> None:
    async def scene(router: CustomerEdge) -> None:
        await router.boot()
        async with await login(router) as connection:
            process = await connection.create_process(term_type="vt100")
            process.stdin.write("conf t\nint gi0/0/1\ndescription unsaved\nend\nexit\n")
            await process.wait()
        await router.stop()
        again = make(tmp_path, None)
        ports = await again.start()
        assert ports == router.ports
        assert "description unsaved" in await show(again, "show running-config")
        await again.stop()
        await router.start()

    play(scene, tmp_path, ztp)


def test_a_script_may_reload_the_router_once_it_has_saved(tmp_path: Path, ztp: ZtpServer) -> None:
    async def scene(router: CustomerEdge) -> None:
        ztp.script = SCRIPT + '\nconfigure(["hostname unsaved"]); cli("reload")\n'
        await router.boot()
        while not (router.settled.is_set() and router.services.listening()["ssh"]):
            await asyncio.sleep(0.01)
        assert "ce-ent" in await show(router, "show running-config | include hostname")
        assert router.offer is not None, "the saved configuration holds the circuit's address"
        assert len(ztp.asked("config")) == 1

    play(scene, tmp_path, ztp)


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
