"""Requests of routers that were refused, counted by this process."""

from prometheus_client import Counter

REFUSED = Counter(
    "rom_ztp_refused",
    "Requests of routers that were refused, by whether a circuit's token was known",
    ["circuit"],
)


def note(*, circuit_known: bool) -> None:
    """Count one."""
    REFUSED.labels("known" if circuit_known else "unknown").inc()
