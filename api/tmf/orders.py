"""TMF652 Resource Order Management v4: list, read, create, patch and delete resource orders."""

from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from api.access.principal import actor, principal, requester
from api.body import read_json, read_patch
from api.context import about
from api.errors import ApiError
from api.ports import ApiSettings
from api.query import asked_for, page_response, parameters, select_fields
from rom.gateway.orders import UNSEARCHABLE, Orders

BASE_PATHS = (
    "/tmf-api/resourceOrdering/v4/resourceOrder",  # data model repository and conformance kit
    "/tmf-api/resourceOrderingManagement/v4/resourceOrder",  # published swagger
)
IDEMPOTENCY_KEY = "Idempotency-Key"
_LONGEST_KEY = 255
_log = structlog.get_logger(__name__)


def router(orders: Orders, settings: ApiSettings) -> APIRouter:
    """Return the operations under both base paths in use for TMF652 v4."""
    routes = APIRouter(tags=["TMF652 Resource Order"])
    for path in BASE_PATHS:
        of_base = APIRouter(include_in_schema=path == BASE_PATHS[0])
        _add_reading(of_base, path, orders, settings)
        _add_writing(of_base, path, orders, settings)
        routes.include_router(of_base)
    return routes


def _add_reading(routes: APIRouter, path: str, orders: Orders, settings: ApiSettings) -> None:
    @routes.get(path)
    async def list_all(request: Request) -> JSONResponse:
        """List the orders that fulfil every filter given, newest first unless asked otherwise."""
        asked = asked_for(request, "ResourceOrder", UNSEARCHABLE)
        within = principal(request).scope
        found, total = await run_in_threadpool(orders.page, asked.listing, within)
        return page_response(found, total, asked, settings.base_url)

    @routes.get(f"{path}/{{order_id}}")
    async def read(request: Request, order_id: str) -> JSONResponse:
        """Return one order."""
        found = parameters(request, {"fields"})
        about(order_id=order_id)
        order = await run_in_threadpool(orders.find, order_id)
        return JSONResponse(select_fields(order, found.get("fields")))


def _add_writing(routes: APIRouter, path: str, orders: Orders, settings: ApiSettings) -> None:
    @routes.post(path)
    async def create(request: Request) -> JSONResponse:
        """Take an order: 201 with ``Location`` equal to its ``href``; 200 for a repeated POST."""
        found = parameters(request, {"fields"})
        key = idempotency_key(request)
        body = await read_json(request, settings.max_body_bytes)
        taken = await run_in_threadpool(
            orders.take, body, by=actor(request), key=key, requester=requester(request)
        )
        order = taken.document
        about(order_id=order["id"])
        _log.info("order taken", items=len(order["orderItem"]), is_new=taken.is_new)
        return JSONResponse(
            select_fields(order, found.get("fields")),
            HTTPStatus.CREATED if taken.is_new else HTTPStatus.OK,
            {"Location": order["href"]},
        )

    @routes.patch(f"{path}/{{order_id}}")
    async def patch(request: Request, order_id: str) -> JSONResponse:
        """Change an order by merge patch or JSON Patch, as a whole or not at all."""
        found = parameters(request, {"fields"})
        about(order_id=order_id)
        kind, body = await read_patch(request, settings.max_body_bytes)
        who = requester(request) or ""
        order = await run_in_threadpool(orders.patch, order_id, kind, body, who, by=actor(request))
        return JSONResponse(select_fields(order, found.get("fields")))

    @routes.delete(f"{path}/{{order_id}}", status_code=HTTPStatus.NO_CONTENT)
    async def delete(request: Request, order_id: str) -> Response:
        """Delete a final order: 204; what its sites have and had stays on record."""
        parameters(request, ())
        about(order_id=order_id)
        await run_in_threadpool(orders.delete, order_id, by=actor(request))
        return Response(status_code=HTTPStatus.NO_CONTENT)


def idempotency_key(request: Request) -> str | None:
    """Return the request's Idempotency-Key, ``None`` without one.

    Raises ``ApiError`` (400) for one that is empty, given twice, too long or not printable ASCII.
    """
    given = request.headers.getlist(IDEMPOTENCY_KEY)
    if not given:
        return None
    key = given[0].strip()
    if len(given) > 1 or not key or len(key) > _LONGEST_KEY or not key.isprintable():
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            "invalidHeader",
            f"{IDEMPOTENCY_KEY}: is no usable key",
            f"Send one of 1 to {_LONGEST_KEY} printable characters",
        )
    return key
