"""A device that is a dictionary behind the seam, and an engine on a migrated database."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from adapters.errors import CommitRefused, LockDenied, SessionLost, Unreachable
from adapters.seam import (
    ApplyMode,
    Capability,
    Query,
    Receipt,
    Session,
    SiteEdits,
    SiteOutcome,
    SiteReceipt,
)
from device_profiles.fragment import Fragment
from device_profiles.references import Users
from device_profiles.tree import Path, Tree, in_scope, patched
from rom.ledger.group import WriterSettings
from rom.ledger.writer import DeviceWriter
from rom.store import changes, intents
from rom.store.database import make_engine
from rom.vault.vault import Vault


@dataclass
class DictionaryDevice:
    """Applies edits all or nothing, with a confirmed commit and faults to order."""

    running: dict[Path, str] = field(default_factory=dict)
    applied: list[list[str]] = field(default_factory=list)
    refuse: Collection[str] = ()
    lose_reply: bool = False
    lose_before_commit: bool = False
    unreachable: bool = False
    ignores: Collection[Path] = ()
    armed: tuple[str, dict[Path, str]] | None = None
    confirmed: list[str] = field(default_factory=list)
    reads: int = 0
    hears_nothing_of_the_end: bool = False
    persist: bool = True
    """False: a confirmed commit ends with its session, and only that one confirms it."""
    refers: dict[Path, dict[Path, str]] = field(default_factory=dict)
    shown_as: dict[str, str] = field(default_factory=dict)
    breaks_us: Collection[str] = ()
    """Sites on which the adapter raises what it never should."""
    breaks_late: bool = False
    """It does so when the device has taken the change already."""

    @property
    def capabilities(self) -> frozenset[Capability]:
        able = {Capability.TRANSACTION, Capability.CONFIRMED_COMMIT}
        if self.persist:
            able.add(Capability.PERSIST)
        return frozenset(able)

    def read(self, scope: Collection[Path]) -> Tree:
        self.reads += 1
        return in_scope(self.running, scope)

    def users(self, entries: Collection[Path]) -> Users:
        used = {entry: self.refers.get(entry, {}) for entry in entries}
        return {entry: found for entry, found in used.items() if found}

    def apply(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> Receipt:
        if self.lose_before_commit:
            self.lose_before_commit = False
            raise SessionLost("gone before the commit")
        if not self.breaks_late and any(part.site in self.breaks_us for part in batch):
            raise KeyError("early")
        assert mode.before_commit is not None
        mode.before_commit()
        for part in batch:
            if part.site in self.refuse:
                raise CommitRefused("must-violation")
        before = dict(self.running)
        for part in batch:
            taken = patched(self.running, [e for e in part.edits if e.path not in self.ignores])
            self.running = {p: self.shown_as.get(v, v) for p, v in taken.items()}
        self.applied.append([part.site for part in batch])
        self.armed = (mode.transaction, before)
        if self.breaks_late and any(part.site in self.breaks_us for part in batch):
            raise KeyError("late")
        if self.lose_reply:
            self.lose_reply = False
            raise SessionLost("no reply to commit", outcome_unknown=True)
        receipts = tuple(SiteReceipt(part.site, SiteOutcome.APPLIED) for part in batch)
        return Receipt(mode.transaction, receipts, confirming=True, sent="sent")

    def confirm(self, transaction: str) -> None:
        self.armed_by(transaction)
        self.confirmed.append(transaction)
        self.armed = None

    def cancel(self, transaction: str) -> None:
        if self.hears_nothing_of_the_end and self.armed is not None:
            raise LockDenied("a confirmed commit is under way", holder="7")
        self.running = self.armed_by(transaction)
        self.armed = None

    def save(self) -> None:
        return None

    def session_ended(self) -> None:
        if not self.persist and self.armed is not None and not self.hears_nothing_of_the_end:
            self.running, self.armed = self.armed[1], None

    def armed_by(self, transaction: str) -> dict[Path, str]:
        if self.armed is None or self.armed[0] != transaction:
            raise CommitRefused("invalid-value: no such persist-id")
        return self.armed[1]

    def probe(self, queries: Sequence[Query]) -> Mapping[str, str | None]:
        return dict.fromkeys((query.name for query in queries), None)

    def close(self) -> None:
        return None


@dataclass
class Lab:
    """The writer with one dictionary device, and shorthands for what tests do with it."""

    engine: sa.Engine
    device: DictionaryDevice
    name: str = "OLT-1"

    @contextmanager
    def open(self, device: str, site: str) -> Iterator[Session]:
        if self.device.unreachable:
            raise Unreachable("no route", device=device)
        try:
            yield self.device
        finally:
            self.device.session_ended()

    @property
    def vault(self) -> Vault:
        return Vault(self.engine, SecretStr("k" * 40))

    def writer(self, *, retry_seconds: float = 60) -> DeviceWriter:
        return DeviceWriter(
            self.engine, self, WriterSettings("test", 30, 120, 64, retry_seconds), self.vault
        )

    def want(self, site: str, fragment: Fragment) -> int:
        with self.engine.begin() as connection:
            intents.keep(
                connection,
                device=self.name,
                site=site,
                role="access",
                fragments={"bearer": fragment},
            )
            return changes.request(connection, device=self.name, site=site, kind="apply")

    def run(self) -> None:
        self.writer(retry_seconds=0.001).run(self.name)

    def change(self, number: int) -> sa.Row[tuple[str, str | None, str | None, int | None]]:
        with self.engine.connect() as connection:
            return connection.execute(
                sa.text('SELECT state, reason, error, edits FROM "change" WHERE id = :id'),
                {"id": number},
            ).one()

    def scalar(self, text: str) -> object:
        with self.engine.connect() as connection:
            return connection.scalar(sa.text(text))


@pytest.fixture
def lab(database_url: str) -> Iterator[Lab]:
    engine = make_engine(database_url)
    yield Lab(engine, DictionaryDevice())
    engine.dispose()
