"""The site handler: read the truth, take the next steps that are possible, write, wake.

Level-triggered and idempotent: however often it runs, and wherever it was killed, the next run
goes on from what the database says. Nothing here talks to the network.
"""

from rom.catalog.site_view import SiteView
from rom.devices.directory import DeviceDirectory
from rom.fulfilment.backing_out import BackingOut
from rom.fulfilment.collecting import Collector
from rom.fulfilment.configuring import Configurer, Wake
from rom.fulfilment.reserving import Reserver
from rom.fulfilment.transitions import Transitions
from rom.model.order_states import ItemState, Step
from rom.store.database import Connection
from rom.undo.compensation import Compensation


class SiteHandler:
    """Takes a site's items forward as far as the database alone decides."""

    def __init__(
        self,
        transitions: Transitions,
        devices: DeviceDirectory,
        compensation: Compensation,
        retry_seconds: float,
    ) -> None:
        self._back_out = BackingOut(transitions, compensation)
        self._reserver = Reserver(transitions, retry_seconds)
        self._configurer = Configurer(transitions, devices)
        self._collector = Collector(transitions, self._configurer)

    def advance(self, connection: Connection, view: SiteView, wake: Wake) -> bool:
        """Take every possible step once; ``wake`` gets the devices that have work now.

        Tells whether anything moved, so that the caller runs it again on a fresh view. While a
        failed change goes back, nothing else of the site goes out.
        """
        gone_back = self._back_out.advance(connection, view, wake)
        if gone_back is not None:
            return gone_back
        moved = self._reserver.reserve(
            connection, view, ItemState.ACKNOWLEDGED, ItemState.IN_PROGRESS
        )
        for item in view.open_items:
            if item.state is ItemState.HELD:
                continue
            if item.step is Step.RESERVED:
                moved = self._configurer.queue(connection, view, item, wake) or moved
            elif item.step is Step.QUEUED:
                moved = self._configurer.go_on(connection, view, item, wake) or moved
                moved = self._collector.collect(connection, view, item) or moved
        return moved

    def retry(self, connection: Connection, view: SiteView) -> bool:
        """Try again to reserve for a group that is held for want of resources."""
        return self._reserver.reserve(connection, view, ItemState.HELD)
