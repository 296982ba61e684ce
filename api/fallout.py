"""What people do about held items, as POSTs under ``/rom/v1``: retry, complete by hand, cancel."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol, cast

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.body import read_json
from api.cancel_orders import cancel_impossible
from api.errors import not_found
from api.order_writes import not_possible, requester
from api.ports import ApiSettings, Document, OrderGateway
from api.query import parameters
from api.site_rollback import parsed
from rom.orders.cancel.cancellation import CancelImpossible
from rom.orders.fallout import Decision, NotPossible


class Decides(Protocol):
    """Who carries decisions out; ``rom.orders.fallout.Fallout`` says what it raises."""

    def retry(self, order_id: str, decision: Decision, item_id: str | None = None) -> Document:
        """Set held items going again."""

    def complete(self, order_id: str, item_id: str, decision: Decision) -> Document:
        """Complete an item by hand."""

    def cancel(self, order_id: str, item_id: str, decision: Decision) -> Document:
        """Cancel an item."""

    def give_up(self, order_id: str, device: str, decision: Decision) -> Document:
        """Let a cancellation go on without a device."""


class FalloutGateway(OrderGateway, Protocol):
    """The engine as these operations see it."""

    @property
    def fallout(self) -> Decides:
        """Who carries decisions out."""


class RetryRequest(BaseModel):
    """The body of a retry; everything in it is optional."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    reason: str = Field(default="", max_length=500)
    requester: str = Field(default="", max_length=100)


class DecisionRequest(RetryRequest):
    """The body of what a person answers for: it has a reason."""

    reason: str = Field(min_length=1, max_length=500, pattern=r"\S")


def router(gateway: OrderGateway, settings: ApiSettings) -> APIRouter:
    """Return the operations."""
    engine = cast(FalloutGateway, gateway)  # the application's own type knows reading only
    routes = APIRouter(prefix="/rom/v1/orders/{order_id}", tags=["ROM"])
    limit = settings.max_body_bytes

    @routes.post("/retry")
    async def retry_order(request: Request, order_id: str) -> JSONResponse:
        """Set everything of the order that is held going again; returns the order."""
        decision = await _decision(request, RetryRequest, limit)
        return JSONResponse(
            await _do(order_id, None, lambda: engine.fallout.retry(order_id, decision))
        )

    @routes.post("/items/{item_id}/retry")
    async def retry(request: Request, order_id: str, item_id: str) -> JSONResponse:
        """Set a held item going again; returns the order."""
        decision = await _decision(request, RetryRequest, limit)
        return JSONResponse(
            await _do(order_id, item_id, lambda: engine.fallout.retry(order_id, decision, item_id))
        )

    @routes.post("/items/{item_id}/complete")
    async def complete(request: Request, order_id: str, item_id: str) -> JSONResponse:
        """Complete a held item that is on its devices, on somebody's word; returns the order."""
        decision = await _decision(request, DecisionRequest, limit)
        return JSONResponse(
            await _do(
                order_id, item_id, lambda: engine.fallout.complete(order_id, item_id, decision)
            )
        )

    @routes.post("/items/{item_id}/cancel")
    async def cancel(request: Request, order_id: str, item_id: str) -> JSONResponse:
        """Cancel a held item and take back what it has got; returns the cancellation."""
        decision = await _decision(request, DecisionRequest, limit)
        task = await _do(
            order_id, item_id, lambda: engine.fallout.cancel(order_id, item_id, decision)
        )
        return JSONResponse(task, HTTPStatus.CREATED, {"Location": task["href"]})

    @routes.post("/devices/{device}/giveUp")
    async def give_up(request: Request, order_id: str, device: str) -> JSONResponse:
        """Let the order's cancellation go on without a device it is stuck at; returns it."""
        decision = await _decision(request, DecisionRequest, limit)
        return JSONResponse(
            await _do(order_id, None, lambda: engine.fallout.give_up(order_id, device, decision))
        )

    return routes


async def _decision(request: Request, model: type[RetryRequest], limit: int) -> Decision:
    parameters(request, ())
    body = parsed(model, await read_json(request, limit))
    return Decision(body.reason, requester(request) or body.requester)


async def _do(order_id: str, item_id: str | None, action: Callable[[], Document]) -> Document:
    structlog.contextvars.bind_contextvars(order_id=order_id)
    try:
        return await run_in_threadpool(action)
    except LookupError as error:
        if error.args == (order_id,):
            raise not_found("resourceOrder", order_id) from error
        if error.args == (item_id,):
            raise not_found("orderItem", str(item_id)) from error
        raise  # a fault of ours, not the answer to an unknown name
    except NotPossible as error:
        raise not_possible(error) from error
    except CancelImpossible as error:
        raise cancel_impossible(error) from error
