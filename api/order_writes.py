"""TMF652 Resource Order Management v4: create, patch and delete resource orders."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol, TypeVar, cast

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from api.access.principal import OPEN_LAB, principal
from api.body import read_json, read_patch
from api.errors import ApiError, not_found
from api.ports import ApiSettings, Document, OrderGateway
from api.query import parameters, select_fields
from api.tmf652 import BASE_PATHS
from inventory.model import ResourceExhausted
from rom.documents.patching import PatchKind, PatchRefused, PatchTestFailed
from rom.model.life import IllegalTransition
from rom.orders.cancel.cancellation import CancelImpossible
from rom.orders.fallout import NotPossible
from rom.orders.intake import Taken
from rom.store.posted import KeyReused

IDEMPOTENCY_KEY = "Idempotency-Key"
_LONGEST_KEY = 255

Done = TypeVar("Done")

_log = structlog.get_logger(__name__)


class Takes(Protocol):
    """Who takes new orders; ``rom.orders.intake.Intake`` says what it raises."""

    def take(self, body: object, *, key: str | None = None, requester: str | None = None) -> Taken:
        """Take an order, or return the one that this POST repeats."""


class Amends(Protocol):
    """Who changes orders; ``rom.orders.patch.amendment.Amendments`` says what it raises."""

    def patch(self, order_id: str, kind: PatchKind, patch: object, requester: str = "") -> Document:
        """Change an order and return it."""

    def delete(self, order_id: str) -> None:
        """Delete a final order."""


class WritingGateway(OrderGateway, Protocol):
    """The engine as these operations see it."""

    @property
    def intake(self) -> Takes:
        """Who takes new orders."""

    @property
    def amendments(self) -> Amends:
        """Who changes orders."""


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

    async def patch(request: Request, order_id: str) -> JSONResponse:
        """Change an order by merge patch or JSON Patch, as a whole or not at all."""
        found = parameters(request, {"fields"})
        structlog.contextvars.bind_contextvars(order_id=order_id)
        kind, body = await read_patch(request, settings.max_body_bytes)
        who = requester(request) or ""
        order = await _changed(order_id, lambda: engine.amendments.patch(order_id, kind, body, who))
        return JSONResponse(select_fields(order, found.get("fields")))

    async def delete(request: Request, order_id: str) -> Response:
        """Delete a final order: 204; what its sites have and had stays on record."""
        parameters(request, ())
        structlog.contextvars.bind_contextvars(order_id=order_id)
        await _changed(order_id, lambda: engine.amendments.delete(order_id))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    for path in BASE_PATHS:
        shown = path == BASE_PATHS[0]
        one = f"{path}/{{order_id}}"
        routes.add_api_route(path, create, methods=["POST"], include_in_schema=shown)
        routes.add_api_route(one, patch, methods=["PATCH"], include_in_schema=shown)
        routes.add_api_route(
            one, delete, methods=["DELETE"], include_in_schema=shown, status_code=204
        )
    return routes


async def _changed(order_id: str, action: Callable[[], Done]) -> Done:
    try:
        return await run_in_threadpool(action)
    except LookupError as error:
        if error.args != (order_id,):
            raise  # a fault of ours, not the answer to an unknown name
        raise not_found("resourceOrder", order_id) from error
    except PatchTestFailed as error:
        raise ApiError(
            HTTPStatus.CONFLICT, "patchTestFailed", f"body: {error}", "Read the order again"
        ) from error
    except PatchRefused as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "invalidPatch", f"body: {error}") from error
    except IllegalTransition as error:
        raise ApiError(
            HTTPStatus.CONFLICT, "illegalTransition", f"state: {error}", "See the lifecycle"
        ) from error
    except ResourceExhausted as error:
        raise ApiError(
            HTTPStatus.CONFLICT, "resourceExhausted", f"orderItem: {error}",
            "The order keeps what it had; ask for less, or add to the named pool",
        ) from error  # fmt: skip
    except NotPossible as error:
        raise not_possible(error) from error
    except CancelImpossible as error:
        raise ApiError(HTTPStatus.CONFLICT, error.code, error.reason, error.fix) from error


def not_possible(error: NotPossible) -> ApiError:
    """Return the answer to what the order's or item's state does not let happen."""
    return ApiError(HTTPStatus.CONFLICT, error.code, error.reason, error.fix)


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
