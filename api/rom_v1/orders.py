"""An order's report and its stream of events."""

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool

from api.dependencies import EventsPart, LivePart, OrdersPart, Place, Wait, naming_order
from api.errors import ERRORS
from api.event_wait import first_events
from api.ports import Document
from api.strict_route import StrictRoute
from rom.answers.orders import OrderReport

routes = APIRouter(
    prefix="/rom/v1/orders/{order_id}",
    tags=["ROM"],
    route_class=StrictRoute,
    responses=ERRORS,
    dependencies=[Depends(naming_order)],
)


@routes.get("/report", operation_id="orderReport")
def report(order_id: str, orders: OrdersPart) -> OrderReport:
    """Return allocations, device transactions, measurements and steps of one order."""
    return orders.report(order_id)


@routes.get("/events", operation_id="orderEvents")
async def events(
    request: Request,
    order_id: str,
    orders: OrdersPart,
    log: EventsPart,
    live: LivePart,
    after: Place = 0,
    wait: Wait = 0,
) -> list[Document]:
    """Return events after sequence ``after``; with none yet, wait up to ``wait`` seconds."""
    await run_in_threadpool(orders.find, order_id)

    async def look() -> list[Document]:
        return await run_in_threadpool(log.of_stream, order_id, after)

    return await first_events(request, live, order_id, look, wait)
