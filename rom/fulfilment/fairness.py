"""First in, first out over all orders: who came later takes nothing from whoever came before.

Things are tried for in the order of arrival, which is enough: a thing that the earlier one could
not use takes nothing from it. Amounts are different, because half of what the earlier one needs may
be plenty for a later one; so nobody takes from a pool of amounts in which an earlier one is short.
"""

from collections.abc import Collection, Sequence

from inventory.model import ResourceExhausted, ResourceRequest, Shortage
from rom.model.order import Item
from rom.store import site_items
from rom.store.database import Connection


class Overtaking(ResourceExhausted):
    """There would be enough, but an earlier order is short of it; nothing was reserved."""

    def __init__(self, name: str, pool_name: str, order_id: str) -> None:
        super().__init__((Shortage(name=name, pool=pool_name, wanted=1, free=0),))
        self.args = (f"{name}: pool {pool_name}: order {order_id} came before and is short of it",)


def refuse_overtaking(
    connection: Connection,
    group: Sequence[Item],
    requests: Collection[ResourceRequest],
) -> None:
    """Raise ``Overtaking`` if what was just reserved is what an earlier order waits for."""
    amounts = [request.name for request in requests if request.amount is not None]
    if not amounts:
        return
    found = site_items.overtaken_by(connection, group, amounts)
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
