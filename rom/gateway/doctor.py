"""Looks at everything a gateway needs, whether one is running or not, and changes nothing."""

import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from device_profiles.profile import load_profile
from inventory import queries
from rom.answers.health import Examined, Finding, Health, Size
from rom.settings import Settings
from rom.settings.file import settings_file, unknown_variables
from rom.settings.gateway import secret_names
from rom.store import state
from rom.store.database import Connection, DatabaseError, Engine, has_table, in_words
from rom.vault.master_key import present_key

OLDEST_POSTGRESQL = 14
REACH_SECONDS = 2.0
APART_SECONDS = 2.0
"""How far the clocks of gateway and database may be apart: leases and tokens go by both."""
LEAST_FREE = 1 << 30
_AT_ONCE = 16
_NO_CONNECTION = frozenset({"snmp"})
"""Drivers whose protocol has no connection to try."""
_LARGEST = 8
_NAMED = 5


@dataclass(frozen=True)
class Doctor:
    """Examines one installation; ``engine`` is ``None`` where there is no database yet."""

    settings: Settings
    engine: Engine | None
    why: str = ""
    """Why there is no database."""

    def examine(self) -> Health:
        """Look at everything; what fails is a finding, never an error."""
        findings = [self._settings(), self._disk()]
        tables: tuple[Size, ...] = ()
        if self.engine is None:
            findings.append(_note("database", self.why))
        else:
            try:
                with self.engine.connect() as connection:
                    findings += self._database(connection)
                    if has_table(connection, "alembic_version"):
                        tables = _sizes(connection)
            except DatabaseError as error:
                mend = "Start it, or correct ROM_DATABASE_URL"
                findings.append(_fails("database", in_words(error), mend))
        return Health(findings=tuple(findings), tables=tables)

    def _settings(self) -> Examined:
        file = settings_file()
        told = "environment only" if file is None else f"{file} and the environment"
        strange = unknown_variables(Settings.model_fields, secret_names())
        if strange:
            text = f"no settings: {', '.join(strange)}"
            return _note("settings", text, "; ".join(dict.fromkeys(strange.values())))
        return _ok("settings", told)

    def _disk(self) -> Examined:
        place = self.settings.data_dir
        while not place.exists():
            place = place.parent
        found = shutil.disk_usage(place)
        text = f"{found.free / 2**30:.1f} GiB of {found.total / 2**30:.1f} GiB free at {place}"
        if found.free < LEAST_FREE:
            return _fails("disk", text, "Make room, or move ROM_DATA_DIR")
        if not os.access(place, os.W_OK):
            return _fails("disk", f"{place} cannot be written", "Give the gateway's user the right")
        return _ok("disk", text)

    def _database(self, connection: Connection) -> Iterator[Examined]:
        version = state.server_version(connection)
        which = "embedded" if self.settings.database_url is None else "of ROM_DATABASE_URL"
        if version < OLDEST_POSTGRESQL:
            mend = f"Use PostgreSQL {OLDEST_POSTGRESQL} or later"
            yield _fails("database", f"PostgreSQL {version}, {which}", mend)
        else:
            yield _ok("database", f"PostgreSQL {version}, {which}")
        yield _clock(connection)
        found, wanted = state.revisions(connection)
        if found is None:
            yield _note("migrations", "the database is empty", "The first start fills it")
            return
        if found != wanted:
            newer = found > (wanted or "")
            mend = "Install the release that made it" if newer else "The next start brings it up"
            text = f"schema {found}, this release has {wanted}"
            yield _fails("migrations", text, mend) if newer else _note("migrations", text, mend)
            return
        yield _ok("migrations", f"schema {found}")
        yield self._key(connection)
        yield self._retention(connection)
        yield from _devices(connection)

    def _key(self, connection: Connection) -> Examined:
        try:
            shown = present_key(connection, self.settings.data_dir, self.settings.master_key)
        except ValueError as error:
            return _fails("master key", str(error), "Put the right key in place")
        return _ok("master key", f"fingerprint {shown}" if shown else "not in use yet")

    def _retention(self, connection: Connection) -> Examined:
        oldest = state.oldest_snapshot(connection)
        kept = f"{self.settings.history_days:g} days and {self.settings.history_orders} orders"
        if oldest is None:
            return _ok("retention", f"{kept} are kept; there is no snapshot yet")
        age = (datetime.now(UTC) - oldest).days
        return _ok("retention", f"{kept} are kept; the oldest snapshot is {age} days old")


def _clock(connection: Connection) -> Examined:
    before = datetime.now(UTC)
    theirs = state.clock(connection)
    after = datetime.now(UTC)
    ours = before + (after - before) / 2
    apart = abs((theirs - ours).total_seconds())
    text = f"{apart:.1f} s apart from the database's"
    if apart > APART_SECONDS:
        return _fails("clock", text, "Let both machines follow one time server (NTP)")
    return _ok("clock", text)


def _devices(connection: Connection) -> Iterator[Examined]:
    known = {
        name: (found.host, found.port)
        for name, found in queries.endpoints(connection).items()
        if found.port and found.host and load_profile(found.profile).driver not in _NO_CONNECTION
    }
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        reached = dict(zip(known, threads.map(_reach, known.values()), strict=True))
    away = sorted(name for name, problem in reached.items() if problem is not None)
    if not known:
        yield _note("devices", "none has an address", "Add one with rom device add --help")
    elif away:
        named = ", ".join(f"{name} ({reached[name]})" for name in away[:_NAMED])
        more = f" and {len(away) - _NAMED} more" if len(away) > _NAMED else ""
        text = f"{len(away)} of {len(known)} take no connection: {named}{more}"
        yield _fails("devices", text, "Look at the way to them, and at their addresses")
    else:
        yield _ok("devices", f"{len(known)} take connections")


def _reach(place: tuple[str, int]) -> str | None:
    try:
        with socket.create_connection(place, timeout=REACH_SECONDS):
            return None
    except OSError as error:
        return error.strerror or "no answer"


def _sizes(connection: Connection) -> tuple[Size, ...]:
    return tuple(
        Size(table=each.name, size=each.size, rows=each.rows)
        for each in state.table_sizes(connection)[:_LARGEST]
    )


def _ok(name: str, text: str) -> Examined:
    return Examined(name=name, finding=Finding.OK, text=text)


def _note(name: str, text: str, mend: str = "") -> Examined:
    return Examined(name=name, finding=Finding.NOTE, text=text, mend=mend)


def _fails(name: str, text: str, mend: str) -> Examined:
    return Examined(name=name, finding=Finding.FAILS, text=text, mend=mend)
