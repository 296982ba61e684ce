"""The periodic audit: checks the fleet now and then and keeps what has changed as verdicts."""

import threading
from time import monotonic

import structlog

from rom.answers.devices import CheckedDevice
from rom.drift.audit import Audit
from rom.model.verdict import DriftResult, VerdictKind
from rom.store import verdicts
from rom.store.database import Connection, Engine

log = structlog.get_logger(__name__)


class PeriodicAudit:
    """Runs the audit every ``seconds`` in a thread of its own; 0 never does."""

    def __init__(self, engine: Engine, audit: Audit, seconds: float) -> None:
        self._engine = engine
        self._audit = audit
        self._seconds = seconds
        self._last = monotonic()
        self._thread: threading.Thread | None = None

    def look(self) -> None:
        """Start an audit if one is due and none is running; returns at once."""
        running = self._thread is not None and self._thread.is_alive()
        if not self._seconds or running or monotonic() - self._last < self._seconds:
            return
        self._last = monotonic()
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            written = self.audit_once()
        except Exception:  # the supervised boundary of the thread; the next one tries again
            log.exception("audit.failed")
            return
        log.info("audit.done", changed=written)

    def audit_once(self) -> int:
        """Check everything; write one verdict where a site's result on a device is another one.

        A site that has nothing on a device any more, nor should have, is gone from there.
        """
        report = self._audit.check()
        written = 0
        with self._engine.begin() as connection:
            latest = verdicts.latest_drift(connection)
            seen = {
                (entry.site, device.device) for entry in report.sites for device in entry.devices
            }
            for key in sorted(latest.keys() - seen):
                if latest[key] is not DriftResult.GONE:
                    site, device = key
                    gone = CheckedDevice(device=device, result=DriftResult.GONE, differences=())
                    _write(connection, site, gone)
                    written += 1
            for entry in report.sites:
                for checked in entry.devices:
                    key = (entry.site, checked.device)
                    if checked.result in (DriftResult.UNDER_WAY, latest.get(key)):
                        continue
                    _write(connection, entry.site, checked)
                    written += 1
        return written


def _write(connection: Connection, site: str, checked: CheckedDevice) -> None:
    verdicts.keep(
        connection,
        order_id="",  # belongs to no order; the device stands where an item's id would
        item_id=checked.device,
        site=site,
        kind=VerdictKind.DRIFT,
        result=checked.result,
        evidence=checked.on_the_wire(),
    )
