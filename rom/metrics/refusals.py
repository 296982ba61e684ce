"""Requests of routers that were refused, counted by this process."""

from prometheus_client import Counter

from device_profiles.words import Word


class Circuit(Word):
    """What a refused request had proven of the circuit that it came from."""

    PROVEN = "proven"
    """It knew the circuit's token and came from the address reserved there."""
    ELSEWHERE = "elsewhere"
    """It knew a circuit's token and came from another address."""
    UNKNOWN = "unknown"


REFUSED = Counter(
    "rom_ztp_refused",
    "Requests of routers that were refused, by what they had proven of their circuit",
    ["circuit"],
)


def note(circuit: Circuit) -> None:
    """Count one."""
    REFUSED.labels(circuit).inc()
