"""The counts behind the metrics, as of now."""

from inventory.queries import pool_status
from rom.metrics.families import (
    DELIVERIES,
    DRIFT,
    DURATIONS,
    ERRORS,
    FAILING,
    HELD,
    ITEMS,
    LEASES,
    OLDEST_HELD,
    ORDERS,
    POOL_FREE,
    POOL_WATERMARK,
    TABLE_SIZES,
    TRANSACTIONS,
    WAITING,
    Counts,
)
from rom.model.order_states import OrderState
from rom.store import counts
from rom.store.database import Connection


def statistics(connection: Connection) -> dict[str, Counts]:
    """Return the counts of every family by its name; one query each."""
    none: Counts = {(state,): 0 for state in OrderState}
    return {
        ORDERS.name: {**none, **counts.orders(connection)},
        ITEMS.name: counts.items(connection),
        HELD.name: counts.held(connection),
        OLDEST_HELD.name: {(): counts.oldest_held(connection)},
        DRIFT.name: counts.drift(connection),
        LEASES.name: counts.leases(connection),
        DURATIONS.name: counts.durations(connection),
        TABLE_SIZES.name: counts.table_sizes(connection),
        TRANSACTIONS.name: counts.device_transactions(connection),
        WAITING.name: counts.waiting_changes(connection),
        ERRORS.name: counts.failed_changes(connection),
        DELIVERIES.name: counts.deliveries(connection),
        FAILING.name: counts.failing_listeners(connection),
        **_pools(connection),
    }


def _pools(connection: Connection) -> dict[str, Counts]:
    known = pool_status(connection)
    return {
        POOL_FREE.name: {(pool.name,): pool.free for pool in known if pool.free is not None},
        POOL_WATERMARK.name: {
            (pool.name,): pool.watermark for pool in known if pool.watermark is not None
        },
    }
