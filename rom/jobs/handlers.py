"""What the wake-ups do: run the fulfiller or the writer, then wake whoever has work by that."""

from datetime import UTC, datetime
from typing import Protocol

import structlog

from inventory import holding
from rom.drift.periodic import PeriodicAudit
from rom.fulfilment.fulfiller import Fulfiller, Work
from rom.housekeeping.housekeeping import Housekeeping
from rom.ledger.writer import DeviceWriter
from rom.orders.cancel.runner import CancelRunner
from rom.store import cancellations, change_list, clock, order_items, rollbacks, site_items
from rom.store.database import Engine
from rom.undo.rollback import RollbackRunner

log = structlog.get_logger(__name__)


class Waker(Protocol):
    """Who wakes handlers."""

    def site(self, name: str) -> None:
        """Wake a site's handler."""

    def device(self, name: str) -> None:
        """Wake a device's writer."""

    def measurement(self, site: str) -> None:
        """Wake a site's measurement."""


class EngineHandlers:
    """The engine's two handlers and its sweep."""

    def __init__(
        self,
        engine: Engine,
        fulfiller: Fulfiller,
        writer: DeviceWriter,
        rollbacks: RollbackRunner,
        cancellations: CancelRunner,
        wakes: Waker,
        audit: PeriodicAudit,
        housekeeping: Housekeeping,
    ) -> None:
        self._engine = engine
        self._housekeeping = housekeeping
        self._audit = audit
        self._rollbacks = rollbacks
        self._cancellations = cancellations
        self._fulfiller = fulfiller
        self._writer = writer
        self._wakes = wakes

    def advance_site(self, site: str) -> None:
        """Take a site's items their next steps; what is taken back goes before all of them."""
        if self._rollbacks.advance(site, self._wakes.device):
            return
        step = self._cancellations.advance(site)
        self._wake(Work(devices=step.devices, sites=step.sites - {site}), site)
        if not step.blocked:
            self._wake(self._fulfiller.run(site), site)

    def measure_site(self, site: str) -> None:
        """Measure a site's service, however long that takes."""
        self._wake(self._fulfiller.measure(site), site)

    def _wake(self, work: Work, site: str) -> None:
        for device in sorted(work.devices):
            self._wakes.device(device)
        if work.measure:
            self._wakes.measurement(site)
        for other in sorted(work.sites):
            self._wakes.site(other)

    def write_device(self, device: str) -> None:
        """Write what waits for a device."""
        for site in sorted(self._writer.run(device)):
            self._wakes.site(site)

    def sweep(self, *, thorough: bool) -> None:
        """Wake what is due; a thorough sweep also finds what a crash has left unwoken."""
        self._audit.look()
        self._housekeeping.look()
        self._follow_the_clock()
        with self._engine.connect() as connection:
            devices = change_list.due_devices(connection)
            sites = site_items.due_sites(connection)
            if thorough:
                sites |= site_items.unwoken_sites(connection)
                sites |= set(rollbacks.sites_under_way(connection))
                sites |= set(cancellations.sites_under_way(connection))
        self._end_quarantines()
        sites |= self._fulfiller.retry_held()
        for site in sorted(sites):
            self._wakes.site(site)
        for device in sorted(devices):
            self._wakes.device(device)

    def _follow_the_clock(self) -> None:
        with self._engine.begin() as connection:
            set_back = clock.look(connection)
        if set_back is not None:
            log.warning("clock.set_back", seconds=round(set_back.total_seconds()))

    def _end_quarantines(self) -> None:
        """Make available what has rested long enough, and let those who wait for it know."""
        with self._engine.begin() as connection:
            if holding.sweep_quarantine(connection, datetime.now(UTC)):
                order_items.resources_came(connection)
