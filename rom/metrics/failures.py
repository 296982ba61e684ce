"""Faults of the gateway itself: each is logged with an id, and counted by this process."""

from uuid import uuid4

import structlog
from prometheus_client import Counter

from rom.store.database import DatabaseAway

FAILURES = Counter(
    "rom_internal_failures",
    "Faults of the gateway itself, by where they struck; the log has each with its id",
    ["where"],
)
log = structlog.get_logger(__name__)


def noted(where: str, error: Exception, **subject: str) -> str | None:
    """Log and count an unforeseen error; returns its id.

    ``None`` for a database that is away: that is foreseen, and tried again when it is back.
    """
    if isinstance(error, DatabaseAway):
        log.warning("database.away", where=where, error=type(error).__name__, **subject)
        return None
    incident = uuid4().hex[:12]
    FAILURES.labels(where).inc()
    log.error("internal.failure", incident=incident, where=where, exc_info=error, **subject)
    return incident


def words(incident: str) -> str:
    """Return what notes say of an incident."""
    return f"fault {incident} of the gateway, see its log"
