"""Deletes what nobody needs any more, now and then, a little at a time."""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from time import monotonic

import structlog

from rom.housekeeping.site_history import forget
from rom.store import retention
from rom.store.database import Connection, Engine

log = structlog.get_logger(__name__)

EVERY_SECONDS = 60.0
SITES_AT_ONCE = 50
ROWS_AT_ONCE = 500

_RECORDS: Mapping[str, Callable[[Connection, timedelta, int], int]] = {
    "transactions": retention.delete_transactions,
    "changes": retention.delete_changes,
    "steps": retention.delete_steps,
    "verdicts": retention.delete_verdicts,
    "posts": retention.delete_posts,
}
"""In this order: a transaction goes after the snapshots that come from it."""


class Housekeeping:
    """Keeps sites' histories for ``days`` and ``orders``, and other records for ``days``."""

    def __init__(self, engine: Engine, days: float, orders: int) -> None:
        self._engine = engine
        self._days = days
        self._orders = orders
        self._last = monotonic()
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Start if it is due and not running; returns at once."""
        running = self._thread is not None and self._thread.is_alive()
        if running or monotonic() - self._last < EVERY_SECONDS:
            return
        self._last = monotonic()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            gone = self.tidy()
        except Exception:  # the supervised boundary of the thread; the next one tries again
            log.exception("housekeeping.failed")
            return
        if any(gone.values()):
            log.info("housekeeping.done", **gone)

    def tidy(self) -> dict[str, int]:
        """Delete everything that is not kept; return how much of each went."""
        gone = {"snapshots": self._forget_history()}
        for name, delete in _RECORDS.items():
            gone[name] = 0
            while count := self._some(delete):
                gone[name] += count
        return gone

    def _forget_history(self) -> int:
        count = 0
        while sites := self._sites():
            count += sum(forget(self._engine, site, self._days, self._orders) for site in sites)
        return count

    def _sites(self) -> list[str]:
        with self._engine.connect() as connection:
            older = timedelta(days=self._days)
            return retention.sites_to_look_at(connection, older, SITES_AT_ONCE)

    def _some(self, delete: Callable[[Connection, timedelta, int], int]) -> int:
        with self._engine.begin() as connection:
            return delete(connection, timedelta(days=self._days), ROWS_AT_ONCE)
