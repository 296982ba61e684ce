"""TMF652 Resource Order Management v4: list and read orders."""

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.errors import not_found
from api.ports import OrderGateway
from api.query import invalid_parameter, page, page_response, parameters, select_fields
from rom.orders.states import OrderState

BASE_PATHS = (
    "/tmf-api/resourceOrdering/v4/resourceOrder",  # data model repository and conformance kit
    "/tmf-api/resourceOrderingManagement/v4/resourceOrder",  # published swagger
)
ORDER_STATES = frozenset(state.value for state in OrderState)


def router(gateway: OrderGateway) -> APIRouter:
    """Return the operations under both base paths in use for TMF652 v4."""
    routes = APIRouter(tags=["TMF652 Resource Order"])

    async def list_all(request: Request) -> JSONResponse:
        """List orders, newest first, filtered by ``state`` if given."""
        found = parameters(request, {"offset", "limit", "fields", "state"})
        state = found.get("state")
        if state is not None and state not in ORDER_STATES:
            choices = ", ".join(sorted(ORDER_STATES))
            raise invalid_parameter("state", f"is no order state: {state}", f"Known: {choices}")
        asked = page(found)
        orders, total = await run_in_threadpool(
            lambda: gateway.list_orders(offset=asked.offset, limit=asked.limit, state=state)
        )
        return page_response(orders, total, asked, found.get("fields"))

    async def read(request: Request, order_id: str) -> JSONResponse:
        """Return one order."""
        found = parameters(request, {"fields"})
        structlog.contextvars.bind_contextvars(order_id=order_id)
        order = await run_in_threadpool(gateway.find_order, order_id)
        if order is None:
            raise not_found("resourceOrder", order_id)
        return JSONResponse(select_fields(order, found.get("fields")))

    for path in BASE_PATHS:
        shown = path == BASE_PATHS[0]
        routes.add_api_route(path, list_all, methods=["GET"], include_in_schema=shown)
        routes.add_api_route(f"{path}/{{order_id}}", read, methods=["GET"], include_in_schema=shown)
    return routes
