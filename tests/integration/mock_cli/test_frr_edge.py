"""A router of another make boots by a plain file: its platform's data says how."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh
import uvicorn
from fastapi import FastAPI, Request, Response

from mock_devices.ce.network import BgpNeighbour, BgpSession
from mock_devices.ce.router import BackOff, CustomerEdge, Offer

SERIAL = "FRR2340567"
PASSWORD = "Secret-1"
FILE = """\
! First configuration
! account netops Secret-1
hostname ce-frr
interface eth1
 ip address 10.88.12.2/29
exit
router bgp 65112
 bgp router-id 10.99.12.88
 neighbor 10.88.12.1 remote-as 64500
 neighbor 10.88.12.1 password bgp-pass
exit
end
"""


@dataclass
class Server:
    """Serves the file to who names the serial number."""

    file: str = FILE
    asked: list[str] = field(default_factory=list)
    base: str = ""

    def application(self) -> FastAPI:
        made = FastAPI()

        @made.get("/t/ztp.py")
        def first(request: Request) -> Response:
            self.asked.append(request.headers.get("X-Serial-Number", ""))
            known = self.asked[-1] == SERIAL
            return Response(self.file) if known else Response(status_code=403)

        return made


def play(
    tmp_path: Path, scene: Callable[[CustomerEdge, Server], Awaitable[None]], serial: str = SERIAL
) -> None:
    """Run a scene with a router, without power, and a server of boot files."""

    async def run() -> None:
        server = Server()
        config = uvicorn.Config(server.application(), port=0, log_level="critical")
        http = uvicorn.Server(config)
        serving = asyncio.create_task(http.serve())
        while not http.started:
            await asyncio.sleep(0.01)
        port = http.servers[0].sockets[0].getsockname()[1]
        server.base = f"http://127.0.0.1:{port}/t"

        async def discover(_serial: str) -> Offer:
            return Offer("10.88.12.2", f"{server.base}/ztp.py")

        def bgp(_serial: str, _neighbour: BgpNeighbour) -> BgpSession:
            return BgpSession("Established", 2)

        router = CustomerEdge(
            serial, "FRR-CE", tmp_path, discover, bgp,
            platform="frr-ce", back_off=BackOff(0.01, 0.02),
        )  # fmt: skip
        await router.start()
        try:
            await scene(router, server)
        finally:
            await router.stop()
            http.should_exit = True
            await serving

    asyncio.run(run())


async def shown(router: CustomerEdge, line: str) -> str:
    """What one line of vtysh prints to a user who logs in."""
    async with (
        asyncssh.connect(
            "127.0.0.1",
            router.ports["ssh"],
            username="netops",
            password=PASSWORD,
            known_hosts=None,
        ) as connection,
        connection.create_process(term_type="vt100") as process,
    ):
        process.stdin.write(f"terminal length 0\n{line}\nexit\n")
        return str(await process.stdout.read())


def test_it_fetches_applies_and_saves_its_file_and_knows_the_account(tmp_path: Path) -> None:
    async def scene(router: CustomerEdge, server: Server) -> None:
        assert not router.services.listening()["ssh"]
        await router.boot()
        await router.settled.wait()
        assert set(server.asked) == {SERIAL}
        assert router.startup_config == router.running_config
        assert "ip address 10.88.12.2/29" in router.running_config
        summary = await shown(router, "show bgp summary")
        assert "10.88.12.1      4      64500" in summary
        assert "ce-frr# " in summary
        assert "Unknown command: show inventory" in await shown(router, "show inventory")
        assert router.twamp_port() == 862
        assert "Secret-1" not in router.running_config
        assert "Secret-1" not in str(router.facts())

    play(tmp_path, scene)


def test_an_account_is_there_after_a_power_cut_and_not_after_a_reset(tmp_path: Path) -> None:
    async def scene(router: CustomerEdge, server: Server) -> None:
        await router.boot()
        await router.power_off()
        asked = len(server.asked)
        await router.boot()
        await router.settled.wait()
        assert len(server.asked) == asked
        assert "FRRouting" in await shown(router, "show version")
        await router.factory_reset()
        assert router.startup_config is None
        assert not router.services.listening()["ssh"]

    play(tmp_path, scene)


def test_a_line_it_refuses_leaves_it_trying(tmp_path: Path) -> None:
    async def scene(router: CustomerEdge, server: Server) -> None:
        server.file = FILE.replace("hostname ce-frr", "ip sla responder")
        booting = asyncio.create_task(router.boot())
        while len(server.asked) < 3:
            await asyncio.sleep(0.01)
        assert router.startup_config is None
        server.file = FILE
        await booting
        assert router.startup_config is not None

    play(tmp_path, scene)


def test_another_serial_number_gets_nothing(tmp_path: Path) -> None:
    async def scene(router: CustomerEdge, server: Server) -> None:
        booting = asyncio.create_task(router.boot())
        while len(server.asked) < 2:
            await asyncio.sleep(0.01)
        assert set(server.asked) == {"FRR0000001"}
        assert "boot file: Permission denied" in router.autoinstall.history
        assert router.startup_config is None
        await router.power_off()
        await booting

    play(tmp_path, scene, serial="FRR0000001")
