"""The metrics there are: names, labels, and what each counts."""

from collections.abc import Mapping
from typing import NamedTuple

Counts = Mapping[tuple[str, ...], float]
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
HELD = Family("rom_items_held", "Order items that wait for people or resources", ("reason",))
OLDEST_HELD = Family("rom_oldest_held_seconds", "For how long the oldest of them is held", ())
DRIFT = Family(
    "rom_drift", "Sites on devices by what the last look at the fleet has found", ("result",)
)
LEASES = Family("rom_leases", "Devices that a writer holds now", ("holder",))
DURATIONS = Family(
    "rom_device_transaction_seconds",
    "How long the device transactions of the last hour took",
    ("role", "quantile"),
)
TABLE_SIZES = Family("rom_table_bytes", "Bytes of a table with its indexes", ("table",))
POOL_FREE = Family("rom_pool_free", "Entries or bit/s that are free", ("pool",))
POOL_WATERMARK = Family("rom_pool_watermark", "What planning wants to keep free", ("pool",))
POOLS = (POOL_FREE, POOL_WATERMARK)
FAMILIES = (
    ORDERS, ITEMS, HELD, OLDEST_HELD, TRANSACTIONS, DURATIONS, WAITING, ERRORS, DRIFT, LEASES,
    DELIVERIES, FAILING, TABLE_SIZES, *POOLS,
)  # fmt: skip
