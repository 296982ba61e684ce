"""A small plant: an access node, a BNG and a router in this process, and the engine before them.

Orders go the real way, from their reservation to the writers of devices; what is left out is HTTP,
jobs and the proof of a service, in whose place an order is simply completed.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path as FilePath
from typing import Any, cast

import sqlalchemy as sa
from pydantic import SecretStr

from adapters.errors import AdapterError, DeviceTimeout, Unreachable
from adapters.fleet import Fleet
from adapters.seam import Endpoint, Session
from device_profiles.fragment import Fragment
from device_profiles.references import Users
from device_profiles.tree import PRESENT, Path, Tree
from inventory import queries
from inventory import tables as inventory_tables
from inventory.load import load_content
from rom.catalog.loader import Catalog
from rom.catalog.site_view import SiteView, load_view
from rom.catalog.specification import Specification
from rom.devices.directory import DeviceDirectory
from rom.fulfilment.backing_out import BackingOut
from rom.fulfilment.completing import complete
from rom.fulfilment.site import SiteHandler
from rom.fulfilment.transitions import Transitions
from rom.ledger.group import WriterSettings
from rom.ledger.writer import DeviceWriter
from rom.model.change import Change, ChangeKind
from rom.model.order import Action, Item, NewItem, NewOrder, Order
from rom.model.order_states import ItemState, Step
from rom.store import change_list, changes, intents, order_items, orders, site_items, snapshots
from rom.store.database import Connection
from rom.undo import tasks
from rom.undo.compensation import Compensation
from rom.undo.give_back import GiveBack
from rom.undo.preview import RollbackPreview
from rom.undo.rollback import RollbackRunner
from rom.undo.tasks import Wanted
from rom.vault.vault import Vault
from tests.rules.device import FakeDevice
from tests.rules.kept import Kept
from tests.rules.sites import entry

PLATFORMS = FilePath(__file__).parent / "platforms"
OLT, BNG, CE = "OLT-1", "BNG-1", "FDO1"
SITE, OTHER = "S1", "S2"
CAPACITY = 1000

SPECIFICATIONS: dict[str, dict[str, Any]] = {
    "line": {
        "reserve": [
            {"name": "bearer", "kind": "line"},
            {"name": "tag", "kind": "tag"},
        ],
        "configure": [{"role": "access", "fragment": "line"}, {"role": "bng", "fragment": "line"}],
    },
    "speed": {
        "characteristics": [{"name": "rate", "type": "integer", "required": True}],
        "reserve": [{"name": "rate", "kind": "rate", "amount": "rate"}],
        "configure": [
            {"role": "access", "fragment": "speed"},
            {"role": "bng", "fragment": "speed"},
        ],
        "preconditions": [{"before": "verify", "needs": ["line"]}],
    },
    "label": {
        "characteristics": [{"name": "text", "type": "string", "default": "none"}],
        "reserve": [{"name": "mark", "kind": "tag", "when": "text == 'marked'"}],
        "configure": [
            {"role": "bng", "fragment": "label"},
            {"role": "access", "fragment": "label", "optional": True},
        ],
    },
    "router": {
        "reserve": [{"name": "ce", "kind": "cpe"}],
        "configure": [{"role": "ce", "fragment": "router"}],
    },
    "sla": {"characteristics": [{"name": "loss", "type": "integer", "default": 1}]},
}
INVENTORY = {
    "new_kinds": ["line", "tag", "rate"],
    "network": {"cpe_profiles": {"ISR": {"ce": "plain-ce"}}},
    "customers": [
        {"id": "C1", "name": "One", "number": 1, "vpn": "V", "autonomous_system": 65001}
    ],
    "sites": [
        {"key": key, "name": key, "customer": "C1", "timezone": "UTC"} for key in (SITE, OTHER)
    ],
    "devices": [
        {"name": OLT, "role": "access", "profile": "plain-access", "endpoint": {"host": "h"}},
        {"name": BNG, "role": "bng", "profile": "plain-bng", "endpoint": {"host": "h"}},
    ],
    "pools": [
        {
            "name": "Lines", "kind": "line", "quarantine": "1h",
            "item_attributes": {"device": OLT, "bng": BNG, "option82": "access"},
            "items": [{"value": "L1"}, {"value": "L2"}],
        },
        {"name": "Tags", "kind": "tag", "values": [f"T{n}" for n in range(1, 9)]},
        {"name": "Rates", "kind": "rate", "mode": "quantity", "capacity": CAPACITY},
        {
            "name": "Stock", "kind": "cpe", "item_attributes": {"model": "ISR"},
            "items": [
                {"value": CE, "attributes": {"serial": CE}},
                {"value": "FDO2", "attributes": {"serial": "FDO2"}},
            ],
        },
    ],
}  # fmt: skip


def catalog() -> Catalog:
    return Catalog(
        Specification.model_validate(
            {
                "id": f"RFS:{key}",
                "key": key,
                "name": key,
                "version": "1.0",
                "resource_type": {"category": "Logical", "label": key, "shows": f"'{key}'"},
                **content,
            }
        )
        for key, content in SPECIFICATIONS.items()
    )


@dataclass(frozen=True)
class Ask:
    """One item of an order."""

    key: str
    action: Action = Action.ADD
    values: Mapping[str, Any] = field(default_factory=dict)


def add(key: str, **values: Any) -> Ask:
    return Ask(key, Action.ADD, values)


def modify(key: str, **values: Any) -> Ask:
    return Ask(key, Action.MODIFY, values)


def delete(key: str, **values: Any) -> Ask:
    return Ask(key, Action.DELETE, values)


SERVICE = (add("line"), add("speed", rate=100))
TEMPLATE = ("templates", "template[name='R100']")
SERVED: dict[str, dict[Path, str]] = {
    OLT: {
        entry(SITE): PRESENT,
        (*entry(SITE), "tag"): "T1",
        (*entry(SITE), "rate"): "100",
    },
    BNG: {
        TEMPLATE: PRESENT,
        (*TEMPLATE, "rate"): "100",
        entry(SITE): PRESENT,
        (*entry(SITE), "tag"): "T1",
        (*entry(SITE), "policy"): "R100",
    },
}
"""What devices hold once the site is served."""


class Shown:
    """Shows an order by its id: what events carry is no rule of these tests."""

    def render(self, connection: Connection, rows: list[Order]) -> list[dict[str, Any]]:
        return [
            {
                "id": row.id,
                "href": row.id,
                "state": row.state,
                "orderItem": [
                    {"id": item.item_id, "state": item.state}
                    for item in order_items.items_of_orders(connection, [row.id])
                ],
            }
            for row in rows
        ]


class Readers:
    """What a preview reads through: the plant's devices."""

    def __init__(self, plant: "Plant") -> None:
        self._plant = plant

    def read(
        self, endpoints: Collection[Endpoint], scopes: Mapping[str, Collection[Path]]
    ) -> Mapping[str, Tree | AdapterError]:
        return {
            each.device: self._plant.dead(each.device)
            or self._plant.devices[each.device].read(scopes[each.device])
            for each in endpoints
        }

    def users(
        self, endpoints: Collection[Endpoint], entries: Mapping[str, Collection[Path]]
    ) -> Mapping[str, Users | AdapterError]:
        return {
            each.device: self._plant.dead(each.device)
            or self._plant.silent(each.device)
            or self._plant.devices[each.device].users(entries[each.device])
            for each in endpoints
        }


class Plant:
    """The devices and everything before them."""

    def __init__(self, engine: sa.Engine, kept: Kept) -> None:
        self.engine = engine
        self._kept = kept
        self.devices = {name: FakeDevice() for name in (OLT, BNG, CE, "FDO2")}
        self.unreachable: set[str] = set()
        self.mute: set[str] = set()
        """Devices that answer what they hold and not who refers to it."""
        self.failure: dict[str, AdapterError] = {}
        self.written: list[str] = []
        """The devices that were written to, one after the other."""
        self.vault = Vault(engine, SecretStr("k" * 40))
        fleet = cast("Fleet", Readers(self))
        self.directory = DeviceDirectory(engine, fleet, self.vault)
        self.catalog = catalog()
        self.transitions = Transitions(Shown())
        self.compensation = Compensation(self.directory, self.vault, self.catalog)
        self.give_back = GiveBack(self.catalog)
        self.back_out = BackingOut(self.transitions, self.compensation)
        self.handler = SiteHandler(self.transitions, self.directory, self.compensation, 0.0)
        self.runner = RollbackRunner(engine, self.directory, self.vault, self.give_back)
        self.preview = RollbackPreview(engine, fleet, self.directory, self.vault, self.give_back)
        if "loaded" in kept:
            kept.restore("loaded")
        else:
            with engine.begin() as connection:
                load_content(connection, INVENTORY, "plant")
            kept.keep("loaded")

    def serve(self) -> None:
        """Bring the first order about, from which most tests begin."""
        assert not self.written, "it is the first"
        if "served" in self._kept:
            with self.engine.begin() as connection:
                for table in reversed(inventory_tables.metadata.sorted_tables):
                    connection.execute(sa.delete(table))
            self._kept.restore("served")
            for device, held in SERVED.items():
                self.devices[device].running = dict(held)
            self.written = [BNG, OLT]
        else:
            self.order("A", *SERVICE)
            assert self.running() == {name: SERVED.get(name, {}) for name in self.devices}
            self._kept.keep("served")

    # Devices

    def dead(self, device: str) -> AdapterError | None:
        if device in self.unreachable:
            return Unreachable("no route", device=device)
        return self.failure.get(device)

    def silent(self, device: str) -> AdapterError | None:
        return DeviceTimeout("no answer", device=device) if device in self.mute else None

    @contextmanager
    def open(self, device: str, site: str) -> Iterator[Session]:
        dead = self.dead(device)
        if dead is not None:
            raise dead
        yield self.devices[device]

    def write(self, device: str) -> None:
        """Let the device's writer run until nothing waits for it."""
        before = len(self.devices[device].batches)
        settings = WriterSettings("rules", 30, 120, 64, 0.0)
        DeviceWriter(self.engine, self, settings, self.vault).run(device)
        if len(self.devices[device].batches) > before:
            self.written.append(device)

    def running(self) -> dict[str, dict[Path, str]]:
        return {name: dict(device.running) for name, device in self.devices.items()}

    def on(self, device: str, site: str = SITE) -> dict[str, str]:
        """What a site's entry holds on a device, by leaf."""
        held = self.devices[device].running
        return {path[-1]: value for path, value in held.items() if path[:-1] == entry(site)}

    def running_rates(self) -> dict[str, str]:
        """What the site's rate is on both devices."""
        return {OLT: self.on(OLT)["rate"], BNG: self.on(BNG)["policy"]}

    def ask(
        self,
        connection: Connection,
        device: str,
        wanted: Mapping[str, Fragment],
        site: str = SITE,
    ) -> None:
        """Somebody else's errand: what the site shall have on a device, by no order."""
        intents.keep(connection, device=device, site=site, role="access", fragments=wanted)
        changes.request(connection, device=device, site=site, kind=ChangeKind.RECONCILE)

    def by_hand(self, device: str, leaf: str, value: str, site: str = SITE) -> None:
        """Somebody types something in, past the gateway."""
        self.devices[device].running[(*entry(site), leaf)] = value

    # Orders

    def place(self, name: str, *asked: Ask, site: str = SITE) -> None:
        """Write an order, as it comes in."""
        items = tuple(
            NewItem(
                each.key, each.action, f"RFS:{each.key}", "1.0", site, each.key, each.values,
                key=each.key,
            )
            for each in asked
        )  # fmt: skip
        with self.engine.begin() as connection:
            orders.insert_order(connection, NewOrder({}, items), name)

    def view(self, connection: Connection, site: str = SITE) -> SiteView:
        return load_view(connection, self.catalog, site, "")

    def advance(self, site: str = SITE) -> set[str]:
        """Take the site as far as the database alone decides; returns the devices to write to."""
        woken: set[str] = set()
        moved = True
        while moved:
            with self.engine.begin() as connection:
                moved = self.handler.advance(connection, self.view(connection, site), woken.add)
        return woken

    def go(self, site: str = SITE) -> None:
        """Take the site and its devices as far as they go without a proof."""
        while woken := self.advance(site):
            for device in sorted(woken):
                self.write(device)

    def prove(self, site: str = SITE) -> bool:
        """Complete what is on its devices; tells whether there was anything."""
        with self.engine.begin() as connection:
            view = self.view(connection, site)
            found = [
                item
                for item in view.open_items
                if item.step is Step.VERIFYING and item.state is ItemState.IN_PROGRESS
            ]
            for item in found:
                complete(connection, self.transitions, view, item)
        return bool(found)

    def order(self, name: str, *asked: Ask, site: str = SITE) -> int:
        """Bring an order about; returns the number of the site's last snapshot."""
        self.place(name, *asked, site=site)
        self.go(site)
        while self.prove(site):
            self.go(site)
        assert set(self.states(name).values()) == {"completed"}, self.notes(name)
        return self.number(site)

    def number(self, site: str = SITE) -> int:
        with self.engine.connect() as connection:
            return max((each.number for each in snapshots.entries(connection, site)), default=0)

    def items(self, name: str) -> dict[str, Item]:
        with self.engine.connect() as connection:
            return {item.item_id: item for item in order_items.items_of_orders(connection, [name])}

    def states(self, name: str) -> dict[str, str]:
        return {key: item.state.value for key, item in self.items(name).items()}

    def notes(self, name: str) -> list[str]:
        with self.engine.connect() as connection:
            return [each.text for each in orders.notes_of_orders(connection, [name])]

    def in_force(self, site: str = SITE) -> set[str]:
        """What makes up the site now, as order and key."""
        with self.engine.connect() as connection:
            found = site_items.items_in_force(connection, site)
            return {f"{item.order_id}/{item.key}" for item in found}

    def changes_of(self, name: str) -> list[Change]:
        with self.engine.connect() as connection:
            return [
                change
                for key in sorted(self.items(name))
                for change in change_list.of_item(connection, name, key)
            ]

    def of_task(self, task_id: str) -> dict[str, Change]:
        with self.engine.connect() as connection:
            return {each.device: each for each in change_list.of_task(connection, task_id)}

    def intent(self, device: str, site: str = SITE) -> dict[str, Fragment]:
        with self.engine.connect() as connection:
            return intents.fragments(connection, device, site)

    # Inventory

    def held(self, site: str = SITE) -> dict[str, tuple[str, str]]:
        """What the site holds by name: value and state."""
        with self.engine.connect() as connection:
            return {
                each.name: (each.value, str(each.state))
                for each in queries.holdings(connection, site)
            }

    def rests(self, value: str) -> str:
        """Whether a thing is held, available, or rests: ``quarantined``, or so ``without end``."""
        rows = self.rows("SELECT state, quarantine_until FROM resource WHERE value = :v", v=value)
        ((state, until),) = rows
        return "without end" if state == "quarantined" and until is None else str(state)

    def rests_for(self, value: str) -> str:
        """How long a thing rests from now on, where that is the hour of its pool."""
        ((left,),) = self.rows(
            "SELECT quarantine_until - now() FROM resource WHERE value = :v", v=value
        )
        return "an hour" if timedelta(minutes=50) < left <= timedelta(hours=1) else str(left)

    def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.engine.begin() as connection:
            done = connection.execute(sa.text(statement), values)
            return [tuple(row) for row in done] if done.returns_rows else []

    # The way back

    def ask_back(self, **asked: Any) -> str:
        """Ask for a rollback of the site; returns the task's id."""
        wanted = Wanted(SITE, **asked)
        shown = self.preview.of_site(SITE, to=wanted.to, before=wanted.before, policy=wanted.policy)
        return tasks.create(self.engine, self.vault, self.give_back, wanted, shown)

    def turn(self) -> tuple[bool, list[str]]:
        """Take the site's rollback one step further; tells whether it is open, and who is woken."""
        woken: list[str] = []
        return self.runner.advance(SITE, woken.append), woken

    def finish(self, task_id: str) -> dict[str, Any]:
        """Take a rollback to its end and return the task."""
        for _ in range(30):
            still, woken = self.turn()
            for device in woken or (OLT, BNG):
                self.write(device)
            if not still:
                break
        with self.engine.connect() as connection:
            found = tasks.find(connection, task_id)
        assert found is not None
        return found.on_the_wire()

    def roll_back(self, **asked: Any) -> dict[str, Any]:
        return self.finish(self.ask_back(**asked))
