"""TMF652 v4 cancelResourceOrder: ask for a cancellation, list and read them."""

from http import HTTPStatus
from typing import Protocol, cast

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.access.principal import principal
from api.body import read_json
from api.errors import ApiError, not_found
from api.order_writes import requester
from api.ports import ApiSettings, Document, OrderGateway
from api.query import asked_for, listing_refused, page_response, parameters, select_fields
from api.tmf652 import BASE_PATHS
from inventory.conditions import ListingRefused
from rom.orders.cancel.cancellation import CancelImpossible

UNSEARCHABLE = (("href",), ("resourceOrder", "href"))
_PATHS = tuple(path.removesuffix("resourceOrder") + "cancelResourceOrder" for path in BASE_PATHS)


class Cancels(Protocol):
    """Who cancels; ``rom.orders.cancel.cancellation.Cancellations`` says what it raises."""

    def request(self, body: object, requester: str = "") -> Document:
        """Take a cancellation."""

    def find(self, task_id: str) -> Document | None:
        """Return one."""


class CancellingGateway(OrderGateway, Protocol):
    """The engine as these operations see it."""

    @property
    def cancellations(self) -> Cancels:
        """Who cancels."""


def router(gateway: OrderGateway, settings: ApiSettings) -> APIRouter:
    """Return the operations under both base paths in use for TMF652 v4."""
    engine = cast(CancellingGateway, gateway)  # the application's own type knows reading only
    routes = APIRouter(tags=["TMF652 Cancel Resource Order"])

    async def create(request: Request) -> JSONResponse:
        """Take a cancellation: 201; what becomes of it shows in its state and in the order's."""
        found = parameters(request, {"fields"})
        body = await read_json(request, settings.max_body_bytes)
        who = requester(request) or ""
        try:
            task = await run_in_threadpool(lambda: engine.cancellations.request(body, who))
        except LookupError as error:
            raise not_found("resourceOrder", str(error.args[0])) from error
        except CancelImpossible as error:
            raise cancel_impossible(error) from error
        structlog.contextvars.bind_contextvars(order_id=task["resourceOrder"]["id"])
        return JSONResponse(
            select_fields(task, found.get("fields")),
            HTTPStatus.CREATED,
            {"Location": task["href"]},
        )

    async def list_all(request: Request) -> JSONResponse:
        """List the cancellations that fulfil every filter given, newest first."""
        asked = asked_for(request, "CancelResourceOrder", UNSEARCHABLE)
        within = principal(request).scope
        try:
            tasks, total = await run_in_threadpool(
                engine.queries.cancellations, asked.listing, within
            )
        except ListingRefused as error:
            raise listing_refused(error) from error
        return page_response(tasks, total, asked, settings.base_url)

    async def read(request: Request, cancel_id: str) -> JSONResponse:
        """Return one cancellation."""
        found = parameters(request, {"fields"})
        task = await run_in_threadpool(engine.cancellations.find, cancel_id)
        if task is None:
            raise not_found("cancelResourceOrder", cancel_id)
        return JSONResponse(select_fields(task, found.get("fields")))

    for path in _PATHS:
        shown = path == _PATHS[0]
        routes.add_api_route(path, create, methods=["POST"], include_in_schema=shown)
        routes.add_api_route(path, list_all, methods=["GET"], include_in_schema=shown)
        routes.add_api_route(
            f"{path}/{{cancel_id}}", read, methods=["GET"], include_in_schema=shown
        )
    return routes


def cancel_impossible(error: CancelImpossible) -> ApiError:
    """Return the answer to a cancellation that cannot be taken."""
    return ApiError(HTTPStatus.CONFLICT, error.code, f"resourceOrder: {error.reason}", error.fix)
