"""An OLT and a BNG that speak NETCONF over SSH, and the gateway's own parts in front of them."""

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml
from pydantic import SecretStr

from adapters.fleet import Fleet
from device_profiles.fragment import Fragment
from device_profiles.profile import load_profile
from inventory.lab_import import import_lab
from inventory.load import load_file
from mock_devices.netconf import NetconfDevice
from rom.catalog.loader import load_catalog
from rom.devices.directory import DeviceDirectory
from rom.drift.audit import Audit
from rom.ledger.group import WriterSettings
from rom.ledger.service_check import ServiceCheck
from rom.ledger.writer import DeviceWriter
from rom.store import changes, intents
from rom.store.database import make_engine
from rom.undo import tasks
from rom.undo.compare import Comparison
from rom.undo.give_back import GiveBack
from rom.undo.preview import RollbackPreview
from rom.undo.rollback import RollbackRunner
from rom.undo.tasks import Wanted
from rom.vault.vault import Vault
from tests.laws.devices import baseline, merged_into, resolve, schema, text, tree
from tests.laws.sites import DEVICES, OLT, PROFILES, ROLES, Wish, fragments, key

KEY = SecretStr("k" * 40)
PASSWORD = "lab-Password-1"
LEAF = ("ietf-interfaces:interfaces", "interface[name='uplink-1']", "description")
"""A leaf that was there before every site, and that every site may write."""
INVENTORY = {
    "customers": [
        {"id": "C1", "name": "One", "number": 1102, "vpn": "ENT-1102", "autonomous_system": 65112}
    ],
    "sites": [
        {"key": key(index), "name": f"Site {index}", "customer": "C1", "timezone": "UTC"}
        for index in range(3)
    ],
    "devices": [{"name": n, "role": ROLES[n], "profile": PROFILES[n]} for n in DEVICES],
}


class Office:
    """The gateway's parts by themselves, opened on a database that knows the devices' endpoints."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self.vault = Vault(self.engine, KEY)
        self.fleet = Fleet(load_profile, self.vault.resolve)
        self.targets = DeviceDirectory(self.engine, self.fleet, self.vault)
        self._give_back = GiveBack(load_catalog())
        self.preview = RollbackPreview(
            self.engine, self.fleet, self.targets, self.vault, self._give_back
        )
        self.comparison = Comparison(self.engine, self.fleet, self.targets, self.vault)
        self.audit = Audit(self.engine, self.fleet, self.targets)
        self._runner = RollbackRunner(self.engine, self.targets, self.vault, self._give_back)

    def close(self) -> None:
        self.fleet.close()
        self.engine.dispose()

    def write(self, device: str, check: ServiceCheck | None = None, *, window: int = 120) -> None:
        settings = WriterSettings("test", 30, window, 64, 0.001)
        DeviceWriter(self.engine, self.targets, settings, self.vault, check).run(device)

    def ask(
        self, device: str, index: int, wanted: Mapping[str, Fragment], kind: str = "apply"
    ) -> int:
        """Make it the site's intent on a device and ask for it; returns the change's number."""
        with self.engine.begin() as connection:
            intents.keep(
                connection, device=device, site=key(index), role=ROLES[device],
                fragments=wanted,
            )  # fmt: skip
            return changes.request(connection, device=device, site=key(index), kind=kind)

    def bring(self, index: int, wish: Wish, note: str | None = None) -> None:
        """Bring a site onto both devices; with a note it writes the leaf that all may write."""
        for device in DEVICES:
            wanted = dict(fragments(device, index, wish))
            if note is not None and device == OLT:
                wanted["note"] = Fragment({LEAF: note})
            number = self.ask(device, index, wanted)
            self.write(device)
            assert self.change(number).state == "done", self.change(number).error

    def change(self, number: int) -> Any:
        (row,) = self.rows('SELECT * FROM "change" WHERE id = :n', n=number)
        return row

    def rows(self, text: str, **values: object) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(sa.text(text), values))

    def roll_back(self, index: int, **asked: Any) -> dict[str, Any]:
        """Take a site back by a task, from the preview to its end, and return the task."""
        wanted = Wanted(key(index), **asked)
        shown = self.preview.of_site(
            wanted.site, to=wanted.to, before=wanted.before, policy=wanted.policy
        )
        task_id = tasks.create(self.engine, self.vault, self._give_back, wanted, shown)
        while self._runner.advance(wanted.site, self.write):
            pass
        with self.engine.connect() as connection:
            found = tasks.find(connection, task_id)
        assert found is not None
        return found.on_the_wire()

    def snapshot(self, index: int) -> int:
        """Return the number of the site's latest snapshot."""
        (row,) = self.rows("SELECT max(id) AS n FROM snapshot WHERE site = :s", s=key(index))
        return int(row.n)

    def has(self, index: int) -> dict[str, set[tuple[str, ...]]]:
        """Return the paths the ledger holds of a site, by device."""
        rows = self.rows("SELECT device, path FROM net_effect WHERE site = :s", s=key(index))
        return {
            device: {tuple(row.path) for row in rows if row.device == device} for device in DEVICES
        }


class Network(Office):
    """The devices in a loop of their own thread, and the office in front of them."""

    def __init__(
        self, url: str, devices: Mapping[str, NetconfDevice], loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(url)
        self.url = url
        self.devices = devices
        self._loop = loop

    def _run(self, work: Any) -> Any:
        async def there() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(there(), self._loop).result(30)

    def running(self) -> dict[str, bytes]:
        return {name: self._run(device.running_xml) for name, device in self.devices.items()}

    def tree(self, device: str) -> dict[tuple[str, ...], str]:
        return tree(device, self.devices[device].running)

    def stop(self, device: str) -> None:
        """The device loses power."""
        asyncio.run_coroutine_threadsafe(self.devices[device].stop(), self._loop).result(30)

    def by_hand(self, device: str, change: Mapping[tuple[str, ...], str]) -> None:
        """Somebody types something in, past the gateway."""

        def typed() -> None:
            stores = self.devices[device]._datastores()
            stores._apply(0, merged_into(device, stores.running, change), "commit")

        self._run(typed)


@contextmanager
def network(url: str, place: Path) -> Iterator[Network]:
    """Yield the network on a migrated database."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def ran(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(60)

    devices = {
        name: NetconfDevice(
            name, schema(name), {"rom": PASSWORD}, place / name, text(name, baseline(name))
        )
        for name in DEVICES
    }
    ready = {
        name: {
            "host": "127.0.0.1",
            "port": ran(device.start()),
            "username": "rom",
            "password": PASSWORD,
            "host_key": device.host_key_public,
        }
        for name, device in devices.items()
    }
    made = Network(url, devices, loop)
    try:
        _tell(made, place, ready)
        yield made
    finally:
        made.close()
        for device in devices.values():
            ran(device.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def _tell(made: Network, place: Path, ready: Mapping[str, Any]) -> None:
    """Load the devices and their endpoints into inventory, their passwords into the vault."""
    (place / "inventory.yaml").write_text(yaml.safe_dump(INVENTORY))
    (place / "ready.json").write_text(json.dumps({"devices": ready}))
    with made.engine.begin() as connection:
        load_file(connection, place / "inventory.yaml")
        import_lab(connection, place / "ready.json", made.vault.remember)
    for index in range(3):
        name = f"bgp/{key(index)}"  # as the oracle knows them
        made.vault.remember(name, resolve(name).get_secret_value())
