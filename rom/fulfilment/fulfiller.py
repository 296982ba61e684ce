"""The fulfiller: runs a site's handlers until nothing more can be done for now."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import structlog

from rom.catalog.loader import Catalog
from rom.catalog.site_view import SiteView, load_view
from rom.fulfilment.incidents import Incidents
from rom.fulfilment.site import SiteHandler
from rom.fulfilment.verifying import Prover
from rom.metrics.work import working
from rom.model.errors import StaleState
from rom.store import rollbacks, site_items
from rom.store.database import Connection, DatabaseAway, Engine

log = structlog.get_logger(__name__)

_ROUNDS = 50  # more than any order has steps: a fuse, not a limit anybody meets


@dataclass(slots=True)
class Work:
    """What a site's handler leaves for others."""

    devices: set[str] = field(default_factory=set)
    """Devices that have something to write now."""
    sites: set[str] = field(default_factory=set)
    """Other sites for which something has been decided."""
    measure: bool = False
    """The site's service is to be measured."""


class Fulfiller:
    """One call takes a site as far as it can go.

    Callers make sure of one call a site at a time, for speed only: two at once do no harm.
    """

    def __init__(
        self,
        engine: Engine,
        catalog: Catalog,
        handler: SiteHandler,
        prover: Prover,
        boot_url: Callable[[str], str],
        incidents: Incidents,
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._handler = handler
        self._prover = prover
        self._boot_url = boot_url
        self._incidents = incidents

    def run(self, site: str) -> Work:
        """Advance and prove until nothing moves; returns what others have to do now."""
        work = Work()
        self._let_earlier_go_first(site, work)
        for _ in range(_ROUNDS):
            if self._advance(site, work):
                continue
            # Devices first: what they have to write should not wait for checks.
            if work.devices or not self._prove(site, work):
                break
        return work

    def measure(self, site: str) -> Work:
        """Measure what is due at a site, which may take minutes; then go on with the site."""
        with self._engine.begin() as connection:
            view = self._view(connection, site)
        try:
            with _stepping(view):
                self._prover.measure(view)
        except StaleState as error:
            log.info("site.stale", site=site, detail=str(error))
        return Work(sites={site, *self._dependents(site)})

    def sites_with_silent_routers(self) -> set[str]:
        """Return the sites where ``run`` has routers to look for."""
        return self._prover.sites_with_silent_routers()

    def retry_held(self, *, now: bool = False) -> set[str]:
        """Try again for those held for want of resources, first in, first out.

        All are tried once one of them is due, or ``now``. Returns the sites that got all they
        need.
        """
        with self._engine.connect() as connection:
            waiting = site_items.sites_waiting_for_resources(connection)
        served: set[str] = set()
        if not (now or any(row.due for row in waiting)):
            return served
        for row in waiting:
            try:
                with self._engine.begin() as connection:
                    if self._handler.retry(connection, self._view(connection, row.site)):
                        served.add(row.site)
            except StaleState as error:
                log.info("site.stale", site=row.site, detail=str(error))
            except DatabaseAway:
                raise
            except Exception as error:  # noqa: BLE001 - supervised: the others who wait are tried
                self._incidents.strike(row.site, "reservation", error)
        return served

    def _let_earlier_go_first(self, site: str, work: Work) -> None:
        with self._engine.connect() as connection:
            arrives = site_items.is_arriving(connection, site)
        if arrives:
            work.sites |= self.retry_held(now=True) - {site}

    def _advance(self, site: str, work: Work) -> bool:
        """Take every possible step; none while something is being taken back.

        Who lets the site go on has looked for that before. But a run is long, and its gateway may
        have been stopped meanwhile. A way back is begun before an order that is seen here was
        admitted, or it is refused.
        """
        try:
            with self._engine.begin() as connection:
                view = self._view(connection, site)
                if rollbacks.open_of_site(connection, site) is not None:
                    return False
                with _stepping(view):
                    moved = self._handler.advance(connection, view, work.devices.add)
                work.measure = self._prover.measurement_due(view)
        except StaleState as error:
            log.info("site.stale", site=site, detail=str(error))
            return True
        return moved

    def _prove(self, site: str, work: Work) -> bool:
        with self._engine.begin() as connection:
            view = self._view(connection, site)
        try:
            with _stepping(view):
                moved = self._prover.prove(view)
        except StaleState as error:
            log.info("site.stale", site=site, detail=str(error))
            return True
        if moved:
            work.sites |= self._dependents(site)
        return moved

    def _dependents(self, site: str) -> set[str]:
        with self._engine.connect() as connection:
            return set(site_items.sites_depending(connection, site))

    def _view(self, connection: Connection, site: str) -> SiteView:
        return load_view(connection, self._catalog, site, self._boot_url(site))


def _stepping(view: SiteView) -> AbstractContextManager[None]:
    """Name the orders that the site's next steps belong to."""
    orders = {item.order_id for item in view.open_items}
    return working("order step", site=view.site, order_id=orders)
