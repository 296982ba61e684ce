"""TMF652 Resource Order Management v4: create resource orders."""

from http import HTTPStatus
from typing import Protocol, cast

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.access.principal import OPEN_LAB, principal
from api.body import read_json
from api.errors import ApiError
from api.ports import ApiSettings, OrderGateway
from api.query import parameters, select_fields
from api.tmf652 import BASE_PATHS
from rom.fulfilment.intake import Taken
from rom.store.posted import KeyReused

IDEMPOTENCY_KEY = "Idempotency-Key"
_LONGEST_KEY = 255

_log = structlog.get_logger(__name__)


class Takes(Protocol):
    """Who takes new orders; ``rom.fulfilment.intake.Intake`` says what it raises."""

    def take(self, body: object, *, key: str | None = None, requester: str | None = None) -> Taken:
        """Take an order, or return the one that this POST repeats."""


class WritingGateway(OrderGateway, Protocol):
    """The engine as these operations see it."""

    @property
    def intake(self) -> Takes:
        """Who takes new orders."""


def router(gateway: OrderGateway, settings: ApiSettings) -> APIRouter:
    """Return the operations under both base paths in use for TMF652 v4."""
    engine = cast(WritingGateway, gateway)  # the application's own type knows reading only
    routes = APIRouter(tags=["TMF652 Resource Order"])

    async def create(request: Request) -> JSONResponse:
        """Take an order: 201 with ``Location`` equal to its ``href``; 200 for a repeated POST."""
        found = parameters(request, {"fields"})
        key = idempotency_key(request)
        body = await read_json(request, settings.max_body_bytes)
        try:
            taken = await run_in_threadpool(
                lambda: engine.intake.take(body, key=key, requester=requester(request))
            )
        except KeyReused as error:
            raise ApiError(
                HTTPStatus.CONFLICT,
                "idempotencyKeyReused",
                f"{IDEMPOTENCY_KEY}: {error} was sent with another body before",
                "Send a new key with a new order",
            ) from error
        order = taken.document
        structlog.contextvars.bind_contextvars(order_id=order["id"])
        _log.info("order taken", items=len(order["orderItem"]), is_new=taken.is_new)
        return JSONResponse(
            select_fields(order, found.get("fields")),
            HTTPStatus.CREATED if taken.is_new else HTTPStatus.OK,
            {"Location": order["href"]},
        )

    for path in BASE_PATHS:
        shown = path == BASE_PATHS[0]
        routes.add_api_route(path, create, methods=["POST"], include_in_schema=shown)
    return routes


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


def requester(request: Request) -> str | None:
    """Return who is asking, ``None`` in the open lab, where a body may name anybody."""
    who = principal(request)
    return None if who == OPEN_LAB else who.name
