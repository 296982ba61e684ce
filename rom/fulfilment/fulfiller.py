"""The fulfiller: runs a site's handlers until nothing more can be done for now."""

from collections.abc import Callable

import sqlalchemy as sa
import structlog

from rom.catalog.loader import Catalog
from rom.fulfilment.proof import Prover
from rom.fulfilment.site import SiteHandler
from rom.fulfilment.view import SiteView, load_view
from rom.store.orders import StaleState

log = structlog.get_logger()

_ROUNDS = 50  # more than any order has steps: a fuse, not a limit anybody meets


class Fulfiller:
    """One call takes a site as far as it can go; callers make sure of one call a site at a time."""

    def __init__(
        self,
        engine: sa.Engine,
        catalog: Catalog,
        handler: SiteHandler,
        prover: Prover,
        boot_url: Callable[[str], str],
    ) -> None:
        self._engine = engine
        self._catalog = catalog
        self._handler = handler
        self._prover = prover
        self._boot_url = boot_url

    def run(self, site: str) -> set[str]:
        """Advance and prove until nothing moves; returns the devices that have work now."""
        devices: set[str] = set()
        for _ in range(_ROUNDS):
            with self._engine.begin() as connection:
                view = self._view(connection, site)
                if not view.open_items:
                    return devices
                moved = self._handler.advance(connection, view, devices.add)
            if moved:
                continue
            if devices or not self._prove(site):
                # Devices first: what they have to write should not wait for a measurement.
                return devices
        return devices

    def _prove(self, site: str) -> bool:
        with self._engine.begin() as connection:
            view = self._view(connection, site)
        try:
            return self._prover.prove(view)
        except StaleState as error:
            log.info("site.stale", site=site, detail=str(error))
            return True

    def _view(self, connection: sa.Connection, site: str) -> SiteView:
        return load_view(connection, self._catalog, site, self._boot_url(site))
