"""Arrivals: a router that has its configuration and says nothing is looked for by the gateway.

What a router tells of its first boot can be lost with the gateway that it told. Whether it has
arrived shows when the gateway can log in with what only its configuration has brought there.
"""

import structlog

from adapters.errors import AdapterError
from rom.devices.directory import DeviceDirectory
from rom.fulfilment import staging
from rom.model.ticket import TicketState
from rom.store import tickets
from rom.store.database import Engine

log = structlog.get_logger(__name__)

SILENT_PAUSES = 20
"""A router has so many pauses of retry to apply what it has fetched, and to say so."""


class Arrivals:
    """Asks silent routers themselves."""

    def __init__(self, engine: Engine, devices: DeviceDirectory, retry_seconds: float) -> None:
        self._engine = engine
        self._devices = devices
        self._silence = SILENT_PAUSES * retry_seconds

    def sites(self) -> set[str]:
        """Return the sites with routers that have been silent."""
        with self._engine.connect() as connection:
            return tickets.silent_sites(connection, self._silence)

    def look(self, site: str) -> bool:
        """Try to log in to the site's routers that have been silent; tells whether one is there.

        One gateway at a time does so, and then not before they have been silent again.
        """
        with self._engine.begin() as connection:
            silent = tickets.hear_silent(connection, site, self._silence)
        arrived = [serial for serial in silent if self._has_arrived(serial, site)]
        return bool(arrived)

    def _has_arrived(self, serial: str, site: str) -> bool:
        try:
            with self._devices.open(serial, site):
                pass
        except AdapterError as error:
            log.info("ztp.silent", serial=serial, site=site, reason=error.reason)
            return False
        with self._engine.begin() as connection:
            written = staging.note(connection, serial, TicketState.COMPLETED, "found by login")
        log.info("ztp.found", serial=serial, site=site, written=written)
        return written
