"""Incidents: what becomes of a site's items when the gateway itself has failed on the site.

A fault of ours is no refusal of a device and no error of the caller: it is logged once with an id,
and the items concerned carry the id in their notes. Each is tried once more after a pause, and left
to people when that fails too. Other sites are not concerned.
"""

from datetime import timedelta

import structlog

from rom.fulfilment.transitions import Transitions
from rom.metrics.failures import noted, words
from rom.model.errors import StaleState
from rom.model.order import Item
from rom.model.order_states import CANCELLING_ITEM_STATES, ItemState
from rom.model.reason import Reason
from rom.store import site_items
from rom.store.database import Connection, DatabaseAway, Engine

log = structlog.get_logger(__name__)


class Incidents:
    """Marks the items of a site on which the gateway has failed."""

    def __init__(self, engine: Engine, transitions: Transitions, retry_seconds: float) -> None:
        self._engine = engine
        self._transitions = transitions
        self._pause = timedelta(seconds=retry_seconds)

    def strike(self, site: str, where: str, error: Exception) -> None:
        """Log ``error`` and mark the site's items, each in a transaction of its own."""
        incident = noted(where, error, site=site)
        if incident is None:
            return
        with self._engine.connect() as connection:
            items = site_items.open_items_of_site(connection, site, lock=False)
        for item in items:
            if _is_concerned(item):
                self._mark_alone(item, incident)

    def _mark_alone(self, item: Item, incident: str) -> None:
        try:
            with self._engine.begin() as connection:
                self._mark(connection, item, incident)
        except StaleState as error:  # somebody has decided about it meanwhile
            log.info("site.stale", site=item.site, detail=str(error))
        except DatabaseAway:
            raise
        except Exception as error:  # noqa: BLE001 - supervised: the site's other items are marked
            noted("mark", error, site=item.site, order_id=item.order_id, item_id=item.item_id)

    def _mark(self, connection: Connection, item: Item, incident: str) -> None:
        if item.state is ItemState.HELD or item.reason == Reason.INTERNAL:
            self._transitions.hold(connection, item, Reason.INTERNAL, words(incident))
            return
        self._transitions.move(
            connection,
            item,
            ItemState.IN_PROGRESS,
            reason=Reason.INTERNAL,
            note=f"{Reason.INTERNAL}: {words(incident)}; trying again",
            due_at=self._pause,
            attempts=item.attempts,
        )


def _is_concerned(item: Item) -> bool:
    """Tell whether the item would be looked at again by itself, and has no pause from before."""
    if item.state in CANCELLING_ITEM_STATES:
        return False
    if item.state is ItemState.HELD:
        return item.due_at is not None
    return item.reason != Reason.INTERNAL or item.is_due
