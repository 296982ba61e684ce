"""The writer, the ledger and two strict devices together, and shorthands for telling stories."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from pydantic import SecretStr

from device_profiles.fragment import Fragment
from rom.ledger.group import WriterSettings
from rom.ledger.writer import DeviceWriter
from rom.model.change import Policy
from rom.store import changes, intents
from rom.store.tables import (
    change,
    device_lease,
    device_txn,
    net_effect,
    shared_object,
    shared_owner,
    site_intent,
    snapshot,
)
from rom.undo.target import at_number
from rom.vault.vault import Vault
from tests.laws.devices import Network, baseline, oracle, same, text
from tests.laws.sites import DEVICES, ROLES, Wish, fragments, key

_TABLES = (device_txn, net_effect, shared_owner, shared_object, site_intent, change, device_lease)
INDEX = {key(index): index for index in range(200)}


def empty(engine: sa.Engine) -> None:
    """Forget everything an earlier story left in the database."""
    with engine.begin() as connection:
        for table in _TABLES:
            connection.execute(sa.delete(table))


def writer(engine: sa.Engine, network: object) -> DeviceWriter:
    settings = WriterSettings("laws", 30, 120, 64, 0.001)
    vault = Vault(engine, SecretStr("k" * 40))
    return DeviceWriter(engine, network, settings, vault)  # type: ignore[arg-type]  # a Network


def ledger(engine: sa.Engine) -> dict[str, list[tuple[object, ...]]]:
    """The ledger's lasting part, comparable between runs."""
    with engine.connect() as connection:
        return {
            table.name: sorted(
                (
                    tuple(repr(value) for value in row)
                    for row in connection.execute(
                        sa.select(*(c for c in table.c if c.name != "sequence"))
                    )
                ),
            )
            for table in (net_effect, shared_object, shared_owner)
        }


@dataclass
class World:
    """Devices, database and what the storyteller knows of both without asking the ledger."""

    engine: sa.Engine
    network: Network
    now: dict[tuple[str, int], Wish | None] = field(default_factory=dict)
    """By device and site: what the site is to have there."""
    past: dict[tuple[str, int], list[tuple[int, Wish | None]]] = field(default_factory=dict)
    """By device and site: snapshot numbers with what the site had there at each."""
    before: dict[tuple[str, int], Wish | None] = field(default_factory=dict)
    """``now`` as it was when the writer last ran."""
    seen: int = 0

    def __post_init__(self) -> None:
        self.writer = writer(self.engine, self.network)
        self.vault = Vault(self.engine, SecretStr("k" * 40))

    def begin(self) -> "World":
        empty(self.engine)
        self.network.reset()
        self.now.clear()
        self.past.clear()
        self.before.clear()
        with self.engine.connect() as connection:
            self.seen = connection.scalar(sa.select(sa.func.max(snapshot.c.id))) or 0
        return self

    def ask(
        self,
        connection: sa.Connection,
        device: str,
        site: str,
        wanted: Mapping[str, Fragment],
        policy: Policy = Policy.APPLY,
    ) -> None:
        intents.keep(
            connection, device=device, site=site, role=ROLES[device], fragments=dict(wanted)
        )
        kind = "apply" if policy is Policy.APPLY else "rollback"
        changes.request(connection, device=device, site=site, kind=kind, policy=policy)

    def wish(self, wishes: Mapping[int, Wish | None]) -> None:
        """Ask for sites as they shall be, on both devices."""
        with self.engine.begin() as connection:
            for index, wish in wishes.items():
                for device in DEVICES:
                    self.ask(connection, device, key(index), fragments(device, index, wish))
                    self.now[device, index] = wish

    def roll_back(self, index: int, number: int, policy: Policy = Policy.REFUSE) -> None:
        """Ask for the site as it was at its snapshot ``number``; 0 is before everything."""
        with self.engine.begin() as connection:
            target = at_number(connection, self.vault, key(index), number)
            for device in reversed(DEVICES):
                self.ask(connection, device, key(index), target.get(device, {}), policy)
                self.now[device, index] = self.at(device, index, number)

    def at(self, device: str, index: int, number: int) -> Wish | None:
        """What the storyteller remembers of the site at a snapshot number."""
        known = [w for n, w in self.past.get((device, index), []) if n <= number]
        return known[-1] if known else None

    def numbers(self, index: int) -> list[int]:
        """Snapshot numbers the site can be taken back to, 0 among them."""
        found = {n for device in DEVICES for n, _ in self.past.get((device, index), [])}
        return sorted({0, *found})

    def run(self, devices: Iterable[str] = DEVICES) -> None:
        """Let the writer do everything that waits, and remember the snapshots it has made."""
        before = dict(self.before)
        for device in devices:
            self.writer.run(device)
        self.expect_all_done()
        with self.engine.connect() as connection:
            rows = connection.execute(
                sa.select(snapshot.c.id, snapshot.c.device, snapshot.c.site, snapshot.c.moment)
                .where(snapshot.c.id > self.seen)
                .order_by(snapshot.c.id)
            ).all()
        for row in rows:
            place = (row.device, INDEX[row.site])
            wish = before.get(place) if row.moment == "before" else self.now[place]
            self.past.setdefault(place, []).append((row.id, wish))
            self.seen = row.id
        self.before = dict(self.now)

    def expect_all_done(self) -> None:
        with self.engine.connect() as connection:
            left = connection.execute(
                sa.select(change.c.site, change.c.device, change.c.state, change.c.error).where(
                    change.c.state != "done"
                )
            ).all()
        assert not left, left[:3]

    def expect_oracle(self) -> None:
        """Each device holds exactly the baseline and what the storyteller knows of the sites."""
        for device in DEVICES:
            surviving = {
                index: wish
                for (name, index), wish in self.now.items()
                if name == device and wish is not None
            }
            same(device, self.network.devices[device].running, oracle(device, surviving))

    def expect_baseline(self) -> None:
        """Byte for byte what the devices showed at the start, and an empty ledger."""
        for device in DEVICES:
            found = self.network.devices[device]
            same(device, found.running, baseline(device))
            assert found.text.splitlines() == text(device, baseline(device)).splitlines()
        assert ledger(self.engine) == {"net_effect": [], "shared_object": [], "shared_owner": []}
