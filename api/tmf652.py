"""TMF652 Resource Order Management v4: list and read orders."""

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.access.principal import principal
from api.errors import not_found
from api.ports import ApiSettings, OrderGateway
from api.query import asked_for, listing_refused, page_response, parameters, select_fields
from inventory.conditions import ListingRefused
from rom.model.order_states import OrderState
from rom.store.order_query import UNSEARCHABLE

BASE_PATHS = (
    "/tmf-api/resourceOrdering/v4/resourceOrder",  # data model repository and conformance kit
    "/tmf-api/resourceOrderingManagement/v4/resourceOrder",  # published swagger
)
ORDER_STATES = frozenset(state.value for state in OrderState)


def router(gateway: OrderGateway, settings: ApiSettings) -> APIRouter:
    """Return the operations under both base paths in use for TMF652 v4."""
    routes = APIRouter(tags=["TMF652 Resource Order"])

    async def list_all(request: Request) -> JSONResponse:
        """List the orders that fulfil every filter given, newest first unless asked otherwise."""
        asked = asked_for(request, "ResourceOrder", UNSEARCHABLE)
        within = principal(request).scope
        try:
            found, total = await run_in_threadpool(gateway.queries.orders, asked.listing, within)
        except ListingRefused as error:
            raise listing_refused(error) from error
        return page_response(found, total, asked, settings.base_url)

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
