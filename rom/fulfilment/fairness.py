"""First in, first out over all orders: who came later takes nothing from whoever came before.

Things are tried for in the order of arrival, which is enough: a thing that the earlier one could
not use takes nothing from it. Amounts are different, because half of what the earlier one needs may
be plenty for a later one; so nobody takes from a pool of amounts in which an earlier one is short.
"""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from inventory.model import ResourceExhausted, ResourceRequest, Shortage
from inventory.tables import pool, reservation
from rom.orders.reasons import Reason
from rom.orders.states import ItemState
from rom.store.tables import order_item, resource_order


class Overtaking(ResourceExhausted):
    """There would be enough, but an earlier order is short of it; nothing was reserved."""

    def __init__(self, name: str, pool_name: str, order_id: str) -> None:
        super().__init__((Shortage(name=name, pool=pool_name, wanted=1, free=0),))
        self.args = (f"{name}: pool {pool_name}: order {order_id} came before and is short of it",)


def refuse_overtaking(
    connection: sa.Connection,
    group: Sequence[sa.Row[Any]],
    requests: Collection[ResourceRequest],
) -> None:
    """Raise ``Overtaking`` if what was just reserved is what an earlier order waits for."""
    amounts = [request.name for request in requests if request.amount is not None]
    if not amounts:
        return
    waiting = order_item.alias()
    earlier, own = resource_order.alias(), resource_order.alias()
    found = connection.execute(
        sa.select(reservation.c.name, pool.c.name.label("pool"), waiting.c.order_id)
        .select_from(reservation.join(pool, pool.c.id == reservation.c.pool_id))
        .join(waiting, pool.c.name == sa.any_(waiting.c.short_of))
        .join(earlier, earlier.c.id == waiting.c.order_id)
        .join(own, own.c.id == group[0].order_id)
        .where(reservation.c.site == group[0].site, reservation.c.name.in_(amounts))
        .where(reservation.c.state == "reserved")
        .where(waiting.c.state == ItemState.HELD, waiting.c.reason == Reason.RESOURCE_EXHAUSTED)
        .where(
            sa.tuple_(earlier.c.created_at, earlier.c.id) < sa.tuple_(own.c.created_at, own.c.id)
        )
        .order_by(earlier.c.created_at)
        .limit(1)
    ).one_or_none()
    if found is not None:
        raise Overtaking(found.name, found.pool, found.order_id)


def pools_short_of(error: ResourceExhausted, requests: Collection[ResourceRequest]) -> set[str]:
    """Return the pools of amounts that an order waits for from now on."""
    amounts = {request.name for request in requests if request.amount is not None}
    return {
        name
        for shortage in error.shortages
        if shortage.name in amounts
        for name in shortage.pool.split(", ")
    }
