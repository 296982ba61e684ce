"""The metrics there are: names, labels, and what each counts."""

from collections.abc import Mapping
from typing import NamedTuple

Counts = Mapping[tuple[str, ...], int]
"""How many there are, by label values."""


class Family(NamedTuple):
    """One metric: its name, what it counts, and its labels."""

    name: str
    text: str
    labels: tuple[str, ...]


ORDERS = Family("rom_orders", "Orders by TMF652 state", ("state",))
ITEMS = Family("rom_items", "Order items by step and TMF652 state", ("step", "state"))
TRANSACTIONS = Family(
    "rom_device_transactions", "Device transactions by state and role", ("role", "state")
)
WAITING = Family("rom_changes_waiting", "Sites' changes that a device has yet to take", ("device",))
ERRORS = Family(
    "rom_southbound_errors", "Changes whose last try at a device failed, by reason", ("reason",)
)
DELIVERIES = Family(
    "rom_event_deliveries",
    "Events that a listener has yet to take, or never will",
    ("api", "state"),
)
FAILING = Family(
    "rom_listeners_failing", "Listeners to which nothing got through the last time", ("api",)
)
POOL_FREE = Family("rom_pool_free", "Entries or bit/s that are free", ("pool",))
POOL_WATERMARK = Family("rom_pool_watermark", "What planning wants to keep free", ("pool",))
POOLS = (POOL_FREE, POOL_WATERMARK)
FAMILIES = (ORDERS, ITEMS, TRANSACTIONS, WAITING, ERRORS, DELIVERIES, FAILING, *POOLS)
