"""The simulated customer edge router: from factory state to configured, and over power cuts."""

import asyncio
import re
import socket
import time
from pathlib import Path

import asyncssh
import pytest

from mock_devices.ce.router import CustomerEdge, Offer
from mock_devices.ports import claim_port
from tests.integration.mock_cli.factory_router import (
    DAY1,
    SCRIPT,
    ZtpServer,
    login,
    make,
    play,
    show,
)


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
        ztp.script = SCRIPT.replace('cli("write memory")', "import time; time.sleep(90)")
        booting = asyncio.create_task(router.boot())
        while "hostname ce-ent-1102-melb" not in router.running_config:
            await asyncio.sleep(0.01)
        began = time.monotonic()
        await router.power_off()
        await booting
        assert time.monotonic() - began < 60  # the script would have gone on for longer
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


def test_a_port_is_kept_from_others_also_while_the_router_has_no_power(
    tmp_path: Path, ztp: ZtpServer
) -> None:
    async def scene(router: CustomerEdge) -> None:
        for port in router.ports.values():
            wish = f"{tmp_path} {port}"
            first = claim_port("127.0.0.1", wish)
            second = claim_port("127.0.0.1", wish)
            assert len({first.port, second.port, *router.ports.values()}) == 5
            first.release()
            assert claim_port("127.0.0.1", wish).port == first.port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.connect(("127.0.0.1", router.ports["twamp"]))
            sender.settimeout(2)
            sender.send(bytes(44))
            with pytest.raises(ConnectionRefusedError):
                sender.recv(64)

    play(scene, tmp_path, ztp)
