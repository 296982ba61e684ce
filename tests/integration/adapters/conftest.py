"""Simulated devices on a loop of their own thread, so that blocking sessions can talk to them."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import SecretStr

from adapters.seam import ApplyMode, Endpoint, SiteEdits
from device_profiles.tree import Edit
from mock_devices.cli.device import CliDevice, Credentials
from mock_devices.netconf import NetconfDevice, load_schema

Result = TypeVar("Result")
PASSWORD = "lab-Password-1"
SECRETS = {"bgp/ENT-1102-MELB": "hunter2secret", "enable": "enable-Secret-9"}


class LoopThread:
    """Runs coroutines in a loop of its own thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


@pytest.fixture(scope="session")
def loop() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


def resolve(name: str) -> SecretStr:
    return SecretStr(SECRETS[name])


@dataclass
class Lab:
    """What tests need and cannot import."""

    loop: LoopThread
    folder: Path
    started: list[Any] = field(default_factory=list)

    def resolve(self, name: str) -> SecretStr:
        return resolve(name)

    def start(self, device: Any) -> Any:
        port = self.loop.run(device.start())
        self.started.append(device)
        return port

    def stop(self) -> None:
        for device in self.started:
            self.loop.run(device.stop())

    def olt(self, **more: Any) -> tuple[NetconfDevice, Endpoint]:
        name = f"OLT-{len(self.started)}"
        device = NetconfDevice(
            name, load_schema("bbf-olt"), {"rom": PASSWORD}, self.folder / name, **more
        )
        port = self.start(device)
        return device, self.endpoint(name, "bbf-olt", port, device.host_key_public)

    def switch(self, profile: str = "ios-switch", **more: Any) -> tuple[CliDevice, Endpoint]:
        name = f"EAS-{len(self.started)}"
        device = CliDevice(
            name, "ios-switch", Credentials("rom", PASSWORD), self.folder / name, minute=2.0, **more
        )
        port = self.start(device)
        return device, self.endpoint(name, profile, port, device.public_key)

    def endpoint(
        self, name: str, profile: str, port: int, key: str | None, **more: Any
    ) -> Endpoint:
        return Endpoint(
            device=name,
            profile=profile,
            host="127.0.0.1",
            port=port,
            username=more.pop("username", "rom"),
            password=SecretStr(more.pop("password", PASSWORD)),
            host_key=key,
            options=more,
        )

    @staticmethod
    def interface(site: str, name: str, **leaves: str) -> SiteEdits:
        """The edits that add an interface to a BBF device."""
        root = ("ietf-interfaces:interfaces", f"interface[name='{name}']")
        values = {"type": "iana-if-type:ethernetCsmacd", **leaves}
        return SiteEdits(
            site,
            (
                Edit(root, None, ""),
                *(Edit((*root, leaf), None, value) for leaf, value in values.items()),
            ),
        )

    @staticmethod
    def mode(transaction: str = "txn-1", **more: Any) -> ApplyMode:
        return ApplyMode(transaction, **more)


@pytest.fixture
def lab(loop: LoopThread, tmp_path: Path) -> Iterator[Lab]:
    made = Lab(loop, tmp_path)
    yield made
    made.stop()


OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7mQkVbUXZ3Qk9sS2ZsQ2hhbmdlZEtleUhlcmUx"


@pytest.fixture
def other_key() -> str:
    """A host key that no device has."""
    return OTHER_KEY


Closing = Callable[[Any], Any]


@pytest.fixture
def closing() -> Iterator[Closing]:
    """Close sessions at the end of the test."""
    opened: list[Any] = []

    def keep(session: Any) -> Any:
        opened.append(session)
        return session

    yield keep
    for session in opened:
        session.close()
