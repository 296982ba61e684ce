"""Real devices, the writer in front of them, and a migrated database."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from pydantic import SecretStr

from adapters.cli.session import CliSession
from adapters.seam import Endpoint, Session
from device_profiles.fragment import Fragment
from device_profiles.profile import load_profile
from device_profiles.render import render
from mock_devices.cli.device import CliDevice, Credentials
from rom.ledger.group import WriterSettings
from rom.ledger.writer import DeviceWriter
from rom.model.change import Policy
from rom.store import changes, intents
from rom.store.database import make_engine
from rom.vault.vault import Vault
from tests.integration.undo.network import Network
from tests.integration.undo.network import network as started

ROOT = Path(__file__).parents[3]
BASELINE = ROOT / "mock_devices/topologies/enterprise-fibre/baselines/switch.cfg"
CONTEXT = ROOT / "tests/data/contexts/ENT-1102-SYD2.yaml"
NAME = "EAS-SYD-02"
PASSWORD = "lab-Password-1"


class Switch:
    """The switch and shorthands for what tests do with it."""

    name = NAME

    def __init__(
        self, engine: sa.Engine, device: CliDevice, port: int, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._loop = loop
        self.engine = engine
        self.device = device
        self.vault = Vault(engine, SecretStr("k" * 40))
        self._endpoint = Endpoint(
            device=NAME,
            profile="ios-switch",
            host="127.0.0.1",
            port=port,
            username="rom",
            password=SecretStr(PASSWORD),
            host_key=device.public_key,
            options={},
        )

    @contextmanager
    def open(self, device: str, site: str) -> Iterator[Session]:
        session = CliSession(self._endpoint, load_profile("ios-switch"), self.vault.resolve)
        try:
            yield session
        finally:
            session.close()

    def wanted(self) -> dict[str, Fragment]:
        profile = load_profile("ios-switch")
        context = yaml.safe_load(CONTEXT.read_text())
        return {name: render(profile, name, context) for name in profile.fragments}

    def bring(self, site: str, fragments: Mapping[str, Fragment], **asked: Any) -> Any:
        """Make it the site's intent, let the writer run, return the settled change."""
        with self.engine.begin() as connection:
            intents.keep(connection, device=NAME, site=site, role="access", fragments=fragments)
            number = changes.request(
                connection,
                device=NAME,
                site=site,
                kind=asked.get("kind", "apply"),
                policy=asked.get("policy", Policy.APPLY),
            )
        settings = WriterSettings("test", 30, 120, 64, 0.001)
        DeviceWriter(self.engine, self, settings, self.vault).run(NAME)
        with self.engine.connect() as connection:
            return connection.execute(
                sa.text('SELECT * FROM "change" WHERE id = :n'), {"n": number}
            ).one()

    def type(self, text: str) -> None:
        """Enter configuration lines as an operator would, past the gateway."""

        async def enter() -> None:
            assert self.device.machine.merge(text) == []

        asyncio.run_coroutine_threadsafe(enter(), self._loop).result(30)

    def told(self) -> list[tuple[str, str]]:
        """Return what the switch was told since the last look, as mode and line."""
        lines = [(each.mode, each.line.strip()) for each in self.device.record.lines]
        self.device.record.lines.clear()
        return lines


@pytest.fixture
def switch(database_url: str, tmp_path: Path) -> Iterator[Switch]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    device = CliDevice(NAME, "ios-switch", Credentials("rom", PASSWORD), tmp_path / "state")
    assert device.machine.load(BASELINE.read_text()) == []
    port = asyncio.run_coroutine_threadsafe(device.start(), loop).result(30)
    engine = make_engine(database_url)
    yield Switch(engine, device, port, loop)
    engine.dispose()
    asyncio.run_coroutine_threadsafe(device.stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture
def network(database_url: str, tmp_path: Path) -> Iterator[Network]:
    """An OLT and a BNG that speak NETCONF, with the gateway's parts in front of them."""
    with started(database_url, tmp_path) as made:
        yield made
