"""What the wake-ups do: run the fulfiller or the writer, then wake whoever has work by that.

Each site, each device and each step of the sweep is by itself: what fails on one is noted there,
and the others go on.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

import structlog

from inventory import holding
from rom.drift.periodic import PeriodicAudit
from rom.fulfilment.fulfiller import Fulfiller, Work
from rom.fulfilment.incidents import Incidents
from rom.housekeeping.housekeeping import Housekeeping
from rom.jobs.pauses import Pauses
from rom.jobs.wakes import SweepFailed
from rom.ledger.writer import DeviceWriter
from rom.metrics.failures import noted
from rom.orders.cancel.runner import CancelRunner
from rom.store import cancellations, change_list, clock, order_items, rollbacks, site_items
from rom.store.database import Connection, DatabaseAway, Engine
from rom.undo.rollback import RollbackRunner
from rom.vault.site_secrets import SiteSecrets

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
        incidents: Incidents,
        site_secrets: SiteSecrets,
    ) -> None:
        self._engine = engine
        self._housekeeping = housekeeping
        self._audit = audit
        self._rollbacks = rollbacks
        self._cancellations = cancellations
        self._fulfiller = fulfiller
        self._writer = writer
        self._wakes = wakes
        self._incidents = incidents
        self._site_secrets = site_secrets
        self._pauses = Pauses()

    def advance_site(self, site: str) -> None:
        """Take a site's items their next steps; what is taken back goes before all of them."""
        if not self._pauses.over(site) or not self._may_go_on(site):
            return
        try:
            self._site_secrets.settle(site)
            work = self._fulfiller.run(site)
        except Exception as error:  # noqa: BLE001 - the supervised boundary of one site
            self._incidents.strike(site, "site", error)
            return
        self._wake(work, site)

    def _may_go_on(self, site: str) -> bool:
        """Take back what is to be taken back; tells whether other work may be done at the site.

        Nothing is, while that fails: it is tried again, after ever longer pauses.
        """
        try:
            if self._rollbacks.advance(site, self._wakes.device):
                return False
            step = self._cancellations.advance(site)
        except Exception as error:  # noqa: BLE001 - the supervised boundary of one way back
            if noted("undo", error, site=site) is not None:
                self._pauses.begin(site)
            return False
        self._pauses.end(site)
        self._wake(Work(devices=step.devices, sites=step.sites - {site}), site)
        return not step.blocked

    def measure_site(self, site: str) -> None:
        """Measure a site's service, however long that takes."""
        try:
            work = self._fulfiller.measure(site)
        except Exception as error:  # noqa: BLE001 - the supervised boundary of one measurement
            self._incidents.strike(site, "measurement", error)
            return
        self._wake(work, site)

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
        """Wake what is due; a thorough sweep also finds what a crash has left unwoken.

        Raises ``SweepFailed`` when steps have failed, after all have been tried.
        """
        sites: set[str] = set()
        devices: set[str] = set()
        steps: list[Callable[[], None]] = [
            self._audit.look,
            self._housekeeping.look,
            self._follow_the_clock,
            self._end_quarantines,
            lambda: sites.update(self._fulfiller.retry_held()),
            lambda: devices.update(self._look_up(change_list.due_devices)),
            lambda: sites.update(self._look_up(site_items.due_sites)),
        ]
        if thorough:
            steps += [
                lambda: sites.update(self._look_up(site_items.unwoken_sites)),
                lambda: sites.update(self._look_up(rollbacks.sites_under_way)),
                lambda: sites.update(self._look_up(cancellations.sites_under_way)),
                lambda: sites.update(self._site_secrets.under_way()),
                lambda: sites.update(self._fulfiller.sites_with_silent_routers()),
            ]
        steps.append(lambda: self._wake(Work(devices=devices, sites=sites), ""))
        failed = [incident for incident in map(_tried, steps) if incident is not None]
        if failed:
            raise SweepFailed(f"{len(failed)} of {len(steps)} steps: {', '.join(failed)}")

    def _look_up(self, query: Callable[[Connection], set[str] | list[str]]) -> set[str]:
        with self._engine.connect() as connection:
            return set(query(connection))

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


def _tried(step: Callable[[], None]) -> str | None:
    """Take one step of the sweep; returns the id of its failure."""
    try:
        step()
    except DatabaseAway:
        raise
    except Exception as error:  # noqa: BLE001 - the supervised boundary of one step
        return noted("sweep", error)
    return None
