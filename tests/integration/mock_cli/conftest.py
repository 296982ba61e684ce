"""A thread with an event loop for simulated devices, so that blocking clients can talk to them."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from netmiko import ConnectHandler
from scrapli.driver.core import IOSXEDriver

from mock_devices.cli.device import CliDevice, Credentials
from tests.integration.mock_cli.factory_router import ZtpServer

Result = TypeVar("Result")


class LoopThread:
    """Runs coroutines in a loop of its own thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result], timeout: float = 30.0) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def call(self, work: Callable[[], Result]) -> Result:
        async def inside() -> Result:
            return work()

        return self.run(inside())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


@pytest.fixture(scope="session")
def loop() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


def known_hosts(folder: Path, port: int, public_key: str) -> Path:
    path = folder / "known_hosts"
    # scrapli looks the bare host up, paramiko host and port.
    path.write_text(f"[127.0.0.1]:{port} {public_key}\n127.0.0.1 {public_key}\n")
    return path


class Switch:
    """A running switch with its clients."""

    def __init__(self, loop: LoopThread, folder: Path, credentials: Credentials) -> None:
        self.loop, self.folder, self.credentials = loop, folder, credentials
        self.device = CliDevice(
            "EAS-SYD-02", "ios-switch", credentials, folder / "state", minute=0.5
        )
        self.port = loop.run(self.device.start())
        self.keys = known_hosts(folder, self.port, self.device.public_key)

    def netmiko(self, **extra: Any) -> Any:
        return ConnectHandler(
            device_type="cisco_ios",
            host="127.0.0.1",
            port=self.port,
            username=self.credentials.username,
            password=self.credentials.password,
            secret=self.credentials.enable,
            ssh_strict=True,
            system_host_keys=False,
            alt_host_keys=True,
            alt_key_file=str(self.keys),
            fast_cli=True,
            **extra,
        )

    def scrapli(self) -> Any:
        return IOSXEDriver(
            host="127.0.0.1",
            port=self.port,
            auth_username=self.credentials.username,
            auth_password=self.credentials.password,
            auth_secondary=self.credentials.enable,
            auth_strict_key=True,
            ssh_known_hosts_file=str(self.keys),
            ssh_config_file=False,
            transport="ssh2",
            timeout_ops=10,
        )


@pytest.fixture
def start_switch(loop: LoopThread, tmp_path: Path) -> Iterator[Callable[[Credentials], Switch]]:
    started: list[Switch] = []

    def start(credentials: Credentials) -> Switch:
        started.append(Switch(loop, tmp_path / str(len(started)), credentials))
        return started[-1]

    yield start
    for running in started:
        loop.run(running.device.stop())


@pytest.fixture
def switch(start_switch: Callable[[Credentials], Switch]) -> Switch:
    return start_switch(Credentials("rom", "lab-pass"))


@pytest.fixture
def ztp() -> Iterator[ZtpServer]:
    server = ZtpServer()
    yield server
    server.close()
