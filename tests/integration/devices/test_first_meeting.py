"""The host key of a router from a factory: pinned when it has proven by its serial who it is."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from adapters.errors import AuthenticationFailed, HostKeyMismatch
from adapters.fleet import Fleet
from device_profiles.profile import load_profile
from inventory.tables import reservation, resource
from mock_devices.cli.device import CliDevice, Credentials
from rom.devices.directory import DeviceDirectory
from rom.model.ticket import TicketState
from rom.store import secrets, site_secrets, tickets
from rom.store.database import Engine, make_engine
from rom.store.embedded import EmbeddedPostgres
from rom.trail import trail
from rom.vault.vault import Vault
from tests.databases import stocked_database

SITE, SERIAL = "ENT-1102-MELB", "FDO2340567"
pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def engine(postgres_server: EmbeddedPostgres) -> Iterator[Engine]:
    with stocked_database(postgres_server) as url:
        made = make_engine(url)
        yield made
        made.dispose()


class Place:
    """A site's circuit: whatever box answers at its end, and the gateway's way to it."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.folder = folder
        self.vault = Vault(engine, SecretStr("k" * 40))
        self.fleet = Fleet(load_profile, self.vault.resolve)
        self.devices = DeviceDirectory(engine, self.fleet, self.vault)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._running: list[CliDevice] = []

    def box(self, name: str, serial: str, password: str = "") -> str:
        """Let a box answer there from now on; returns its key."""
        password = password or self.vault.resolve(f"ce-login/{SITE}").get_secret_value()
        device = CliDevice(
            name, "iosxe-ce", Credentials("netops", password), self.folder / name, serial=serial
        )
        port = asyncio.run_coroutine_threadsafe(device.start(), self._loop).result(30)
        self._running.append(device)
        with self.engine.begin() as connection:
            connection.execute(
                sa.text(
                    "UPDATE resource SET access = jsonb_set(access || '{}', '{ssh}', "
                    "coalesce(access->'ssh', '{}') || jsonb_build_object('host', '127.0.0.1', "
                    "'port', cast(:port AS int))) WHERE attributes->>'serial' = :serial"
                ),
                {"port": port, "serial": SERIAL},
            )
        return device.public_key

    def pinned(self) -> str | None:
        with self.engine.connect() as connection:
            found: str | None = connection.scalar(
                sa.select(resource.c.access["ssh"]["host_key"].astext).where(
                    resource.c.attributes["serial"].astext == SERIAL
                )
            )
            return found

    def log_in(self) -> None:
        with self.devices.open(SERIAL, SITE):
            pass

    def provisioned(self, state: TicketState) -> None:
        with self.engine.begin() as connection:
            tickets.stage(
                connection, serial=SERIAL, site=SITE, token="t", order_id="RO-1", item_id="6",
                profile="iosxe-ce", configuration="", exec_lines=(),
            )  # fmt: skip
            tickets.enter(connection, SERIAL, state)

    def close(self) -> None:
        self.fleet.close()
        for device in self._running:
            asyncio.run_coroutine_threadsafe(device.stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)


@pytest.fixture
def place(engine: Engine, tmp_path: Path) -> Iterator[Place]:
    with engine.begin() as connection:
        for name, value in (("ce", SERIAL), ("loopback", None)):
            query = sa.select(resource.c.id, resource.c.pool_id)
            query = (
                query.where(resource.c.attributes["serial"].astext == value)
                if value
                else query.where(resource.c.attributes.has_key("ce"))
            )
            row = connection.execute(query.limit(1)).one()
            connection.execute(
                sa.insert(reservation).values(
                    site=SITE, name=name, pool_id=row.pool_id, resource_id=row.id,
                    exclusive=True, order_id="RO-1",
                )
            )  # fmt: skip
    made = Place(engine, tmp_path)
    yield made
    made.close()


def test_a_router_is_known_by_its_serial_number_before_its_key_is_pinned(place: Place) -> None:
    place.box("somebody-elses", serial="FDO0000000")
    with pytest.raises(HostKeyMismatch, match="no host key in inventory"):
        place.log_in()  # it has not been provisioned
    place.provisioned(TicketState.COMPLETED)
    with pytest.raises(HostKeyMismatch, match="serial number is FDO0000000"):
        place.log_in()
    assert place.pinned() is None

    key = place.box("the-booked-one", serial=SERIAL)
    place.log_in()
    assert place.pinned() == key
    place.log_in()
    (entry,) = trail.export(place.engine)
    assert (entry.deed.kind, entry.deed.actor.name) == ("device.hostKeyPinned", "gateway")
    assert (entry.deed.sites, entry.deed.devices) == ((SITE,), (SERIAL,))

    place.box("another-with-its-serial", serial=SERIAL)
    with pytest.raises(HostKeyMismatch, match="another host key"):
        place.log_in()
    assert place.pinned() == key


@pytest.mark.parametrize("holds", ["former", "new"])
def test_a_router_whose_password_is_being_replaced_is_let_in_to_by_either(
    place: Place, holds: str
) -> None:
    name = f"ce-login/{SITE}"
    values = {"former": place.vault.resolve(name).get_secret_value(), "new": "new-Password-1"}
    with place.engine.begin() as connection:
        new = site_secrets.replace_value(connection, name, SITE)
        secrets.keep(connection, new.reference, place.vault.seal(values["new"].encode()))
    place.provisioned(TicketState.COMPLETED)
    place.box("the-booked-one", SERIAL, values[holds])
    place.log_in()
    with place.engine.begin() as connection:
        site_secrets.drop_former(connection, name)
    if holds == "former":
        with pytest.raises(AuthenticationFailed):
            place.log_in()
    else:
        place.log_in()
