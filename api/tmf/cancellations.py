"""TMF652 v4 cancelResourceOrder: ask for a cancellation, list and read them."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.access.principal import actor, principal, requester
from api.body import read_json
from api.context import about
from api.ports import ApiSettings
from api.query import asked_for, page_response, parameters, select_fields
from rom.gateway.orders import CANCEL_UNSEARCHABLE, Orders

_PATHS = (
    "/tmf-api/resourceOrdering/v4/cancelResourceOrder",
    "/tmf-api/resourceOrderingManagement/v4/cancelResourceOrder",
)


def router(orders: Orders, settings: ApiSettings) -> APIRouter:
    """Return the operations under both base paths in use for TMF652 v4."""
    routes = APIRouter(tags=["TMF652 Cancel Resource Order"])

    async def create(request: Request) -> JSONResponse:
        """Take a cancellation: 201; what becomes of it shows in its state and in the order's."""
        found = parameters(request, {"fields"})
        body = await read_json(request, settings.max_body_bytes)
        who = requester(request) or ""
        task = await run_in_threadpool(orders.cancel, body, who, by=actor(request))
        about(order_id=task["resourceOrder"]["id"])
        return JSONResponse(
            select_fields(task, found.get("fields")),
            HTTPStatus.CREATED,
            {"Location": task["href"]},
        )

    async def list_all(request: Request) -> JSONResponse:
        """List the cancellations that fulfil every filter given, newest first."""
        asked = asked_for(request, "CancelResourceOrder", CANCEL_UNSEARCHABLE)
        within = principal(request).scope
        tasks, total = await run_in_threadpool(orders.cancellations_page, asked.listing, within)
        return page_response(tasks, total, asked, settings.base_url)

    async def read(request: Request, cancel_id: str) -> JSONResponse:
        """Return one cancellation."""
        found = parameters(request, {"fields"})
        task = await run_in_threadpool(orders.find_cancellation, cancel_id)
        return JSONResponse(select_fields(task, found.get("fields")))

    for path in _PATHS:
        shown = path == _PATHS[0]
        routes.add_api_route(path, create, methods=["POST"], include_in_schema=shown)
        routes.add_api_route(path, list_all, methods=["GET"], include_in_schema=shown)
        routes.add_api_route(
            f"{path}/{{cancel_id}}", read, methods=["GET"], include_in_schema=shown
        )
    return routes
