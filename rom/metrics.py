"""What monitoring asks of the engine, counted in the database at the moment of the scrape."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import sqlalchemy as sa
import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from inventory.queries import pool_status
from rom.model.order_states import OrderState
from rom.store.event_tables import delivery, hub_subscription
from rom.store.tables import change, device_txn, order_item, resource_order, site_intent

log = structlog.get_logger(__name__)

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


def statistics(connection: sa.Connection) -> dict[str, Counts]:
    """Return the counts of every family by its name; one query each."""
    role = (
        sa.select(site_intent.c.device, sa.func.min(site_intent.c.role).label("role"))
        .group_by(site_intent.c.device)
        .subquery()
    )
    role_name = sa.func.coalesce(role.c.role, "none")
    queries = {
        ORDERS: sa.select(resource_order.c.state, sa.func.count())
        .where(resource_order.c.deleted_at.is_(None))
        .group_by(resource_order.c.state),
        ITEMS: sa.select(order_item.c.step, order_item.c.state, sa.func.count()).group_by(
            order_item.c.step, order_item.c.state
        ),
        TRANSACTIONS: sa.select(role_name, device_txn.c.state, sa.func.count())
        .select_from(device_txn.outerjoin(role, role.c.device == device_txn.c.device))
        .group_by(role_name, device_txn.c.state),
        WAITING: sa.select(change.c.device, sa.func.count())
        .where(change.c.state.in_(("blocked", "waiting", "claimed")))
        .group_by(change.c.device),
        ERRORS: sa.select(change.c.reason, sa.func.count())
        .where(change.c.reason.is_not(None))
        .group_by(change.c.reason),
        DELIVERIES: sa.select(hub_subscription.c.api, delivery.c.state, sa.func.count())
        .select_from(delivery.join(hub_subscription))
        .group_by(hub_subscription.c.api, delivery.c.state),
        FAILING: sa.select(hub_subscription.c.api, sa.func.count())
        .where(hub_subscription.c.failures > 0)
        .group_by(hub_subscription.c.api),
    }
    found = {
        family.name: {tuple(row[:-1]): row[-1] for row in connection.execute(query)}
        for family, query in queries.items()
    }
    none: Counts = {(state,): 0 for state in OrderState}
    return found | {ORDERS.name: {**none, **found[ORDERS.name]}, **_pools(connection)}


def _pools(connection: sa.Connection) -> dict[str, Counts]:
    known = pool_status(connection)
    return {
        POOL_FREE.name: {(pool.name,): pool.free for pool in known if pool.free is not None},
        POOL_WATERMARK.name: {
            (pool.name,): pool.watermark for pool in known if pool.watermark is not None
        },
    }


class EngineStatistics(Collector):
    """Yields the engine's counts; a database that does not answer leaves them out of the scrape."""

    def __init__(self, counted: Callable[[], Mapping[str, Counts]]) -> None:
        self._counted = counted

    def describe(self) -> Iterator[Metric]:
        """Name the metrics without asking the database."""
        for family in FAMILIES:
            yield GaugeMetricFamily(family.name, family.text, labels=family.labels)

    def collect(self) -> Iterator[Metric]:
        """Yield one gauge a family."""
        try:
            counted = self._counted()
        except sa.exc.SQLAlchemyError as error:
            log.warning("statistics.missing", error=type(error).__name__)
            return
        for family in FAMILIES:
            gauge = GaugeMetricFamily(family.name, family.text, labels=family.labels)
            for labels, number in counted.get(family.name, {}).items():
                gauge.add_metric(labels, number)
            yield gauge
