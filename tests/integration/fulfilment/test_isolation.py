"""One bad thing stops one thing: where the gateway fails on a site, the others go on."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import structlog
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from rom.drift.periodic import PeriodicAudit
from rom.fulfilment.incidents import Incidents
from rom.housekeeping.housekeeping import Housekeeping
from rom.jobs.handlers import EngineHandlers
from rom.jobs.wakes import SweepFailed
from rom.ledger.writer import DeviceWriter
from rom.orders.cancel.runner import Advance, CancelRunner
from rom.store.embedded import EmbeddedPostgres
from rom.undo.rollback import RollbackRunner
from rom.vault.site_secrets import SiteSecrets
from rom.vault.vault import Vault
from tests.databases import stocked_database
from tests.integration.fulfilment.conftest import Engine

POISONED, HEALTHY = "ENT-1102-MELB", "ENT-1102-SYD1"
PILOT, WAVE = "so-pilot-melbourne", "so-wave1-sydney-1"
INTERNAL = re.compile(
    r"INTERNAL: fault ([0-9a-f]{12}) of the gateway, see its log(; trying again)?"
)


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    with stocked_database(postgres_server) as url:
        yield url


@dataclass
class Beside:
    """What stands beside the fulfiller: it has nothing to do, or fails when told to."""

    sites: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    fails: BaseException | None = None

    def site(self, name: str) -> None:
        self.sites.append(name)

    def device(self, name: str) -> None:
        self.devices.append(name)

    def measurement(self, site: str) -> None:
        raise AssertionError(site)

    def look(self) -> None:
        if self.fails is not None:
            raise self.fails

    def advance(self, site: str, *wake: Any) -> Any:
        if self.fails is not None and site == POISONED:
            raise self.fails
        return False if wake else Advance()


@pytest.fixture
def beside() -> Beside:
    return Beside()


@pytest.fixture
def handlers(rom: Engine, beside: Beside) -> EngineHandlers:
    return EngineHandlers(
        rom.engine,
        rom.fulfiller,
        cast(DeviceWriter, beside),
        cast(RollbackRunner, beside),
        cast(CancelRunner, beside),
        beside,
        cast(PeriodicAudit, beside),
        cast(Housekeeping, Beside()),
        Incidents(rom.engine, rom.transitions, 0.0),
        SiteSecrets(rom.engine, Vault(rom.engine, SecretStr("k" * 40)), lambda _: None),
    )


@pytest.fixture
def said() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as found:
        yield found


def poison(rom: Engine) -> None:
    """Let the line of the pilot's exchange have a value that the engine cannot use."""
    rom.do(
        """UPDATE resource SET attributes = jsonb_set(attributes, '{l2_domain}', '["x"]') """
        "WHERE attributes ->> 'device' = 'OLT-SOUTH-03'"
    )
    rom.do("UPDATE site SET timezone = 'Nowhere/Else' WHERE key = :site", site=POISONED)


def break_on(rom: Engine, monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    """Let a method of the site's handler fail on the poisoned site, as a fault of ours would."""
    handler = rom.fulfiller._handler
    real = getattr(handler, name)

    def broken(connection: Any, view: Any, *rest: Any) -> bool:
        if view.site == POISONED:
            raise error
        return bool(real(connection, view, *rest))

    monkeypatch.setattr(handler, name, broken)


def faults(where: str) -> float:
    return REGISTRY.get_sample_value("rom_internal_failures_total", {"where": where}) or 0.0


def test_a_value_that_the_engine_cannot_use_holds_its_site_and_no_other(
    rom: Engine, handlers: EngineHandlers
) -> None:
    poison(rom)
    bad, good = rom.order(PILOT), rom.order(WAVE)
    for _ in range(3):
        for site in (POISONED, HEALTHY):
            handlers.advance_site(site)
        handlers.sweep(thorough=True)
    assert rom.item(bad).state == "held"
    assert rom.item(bad).reason in ("INTERNAL", "CANNOT_RESERVE", "CANNOT_RENDER")
    assert rom.notes(bad)
    assert rom.item(good).step == "queued"


def test_a_fault_of_ours_is_tried_once_more_then_held_with_an_id_that_the_log_has(
    rom: Engine, handlers: EngineHandlers, said: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id, counted = rom.order(PILOT), faults("site")
    break_on(rom, monkeypatch, "advance", KeyError("geheim"))
    handlers.advance_site(POISONED)
    item = rom.item(order_id)
    assert (item.state, item.reason) == ("inProgress", "INTERNAL")
    handlers.advance_site(POISONED)
    assert (rom.item(order_id).state, rom.item(order_id).reason) == ("held", "INTERNAL")
    handlers.advance_site(POISONED)  # whoever wakes it now finds nothing to do again
    found = [INTERNAL.fullmatch(note) for note in rom.notes(order_id)]
    assert all(found)
    logged = {entry["incident"] for entry in said if entry["event"] == "internal.failure"}
    assert {match[1] for match in found if match} <= logged
    assert not any("geheim" in note for note in rom.notes(order_id))
    assert faults("site") == counted + 3
    monkeypatch.undo()
    rom.do("UPDATE order_item SET state = 'inProgress', reason = NULL")  # as a retry does
    handlers.advance_site(POISONED)
    assert rom.item(order_id).step == "queued"


def test_a_pause_after_a_fault_is_kept_whoever_wakes_the_site(
    rom: Engine, handlers: EngineHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = rom.order(PILOT)
    break_on(rom, monkeypatch, "advance", KeyError("x"))
    handlers.advance_site(POISONED)
    rom.do("UPDATE order_item SET due_at = now() + interval '1 hour'")
    notes = rom.notes(order_id)
    for _ in range(3):
        handlers.advance_site(POISONED)
    assert rom.item(order_id).state == "inProgress"
    assert rom.notes(order_id) == notes


def test_a_database_that_is_away_is_no_fault_and_holds_nothing(
    rom: Engine, handlers: EngineHandlers, said: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id, counted = rom.order(PILOT), faults("site")
    break_on(rom, monkeypatch, "advance", OperationalError("", {}, Exception("gone")))
    handlers.advance_site(POISONED)
    assert rom.item(order_id).state == "acknowledged"
    assert faults("site") == counted
    assert not any("exc_info" in entry for entry in said)


def test_one_who_waits_for_resources_and_breaks_us_does_not_keep_others_from_theirs(
    rom: Engine, handlers: EngineHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = rom.order(PILOT)
    rom.do(
        "UPDATE order_item SET state = 'held', reason = 'RESOURCE_EXHAUSTED', due_at = now() "
        "WHERE order_id = :bad",
        bad=bad,
    )
    break_on(rom, monkeypatch, "retry", KeyError("x"))
    good = rom.order(WAVE)
    handlers.advance_site(HEALTHY)  # who arrives lets those who wait go first
    assert rom.item(good).step == "queued"
    assert (rom.item(bad).state, rom.item(bad).reason) == ("held", "INTERNAL")
    handlers.sweep(thorough=True)
    assert rom.item(bad).due_at is None


def test_a_step_of_the_sweep_that_fails_does_not_keep_the_others_from_theirs(
    rom: Engine, handlers: EngineHandlers, beside: Beside
) -> None:
    rom.order(WAVE)
    rom.do("UPDATE order_item SET due_at = now()")
    beside.fails = KeyError("audit")
    with pytest.raises(SweepFailed, match=r"1 of 13 steps: [0-9a-f]{12}"):
        handlers.sweep(thorough=True)
    assert HEALTHY in beside.sites
    beside.fails = None
    handlers.sweep(thorough=True)


def test_a_way_back_that_breaks_us_pauses_its_site_only(
    rom: Engine, handlers: EngineHandlers, beside: Beside
) -> None:
    bad, good = rom.order(PILOT), rom.order(WAVE)
    counted = faults("undo")
    beside.fails = KeyError("x")
    for _ in range(3):
        handlers.advance_site(POISONED)
        handlers.advance_site(HEALTHY)
    assert faults("undo") == counted + 1
    assert rom.item(bad).state == "acknowledged", "nothing else is done where a way back is open"
    assert rom.item(good).step == "queued"
