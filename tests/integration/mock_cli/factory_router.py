"""A customer edge router in factory state, and the boot server that it asks."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Coroutine
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncssh

from mock_devices.ce.router import BackOff, CustomerEdge, Offer

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
