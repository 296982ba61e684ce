"""What people do about held items: retry, complete by hand, cancel, go on without a device."""

from http import HTTPStatus

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import By, OrdersPart, Requester, naming_order
from api.errors import ERRORS
from api.ports import Document
from api.strict_route import StrictRoute
from rom.gateway.orders import Decision
from rom.model.deed import Actor

routes = APIRouter(
    prefix="/rom/v1/orders/{order_id}",
    tags=["ROM"],
    route_class=StrictRoute,
    responses=ERRORS,
    dependencies=[Depends(naming_order)],
)


class RetryRequest(BaseModel):
    """The body of a retry; everything in it is optional."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    reason: str = Field(default="", max_length=500)
    requester: str = Field(default="", max_length=100)

    def decision(self, proven: str | None, by: Actor) -> Decision:
        """Return it in the gateway's words; a ``proven`` name wins over the body's."""
        return Decision(self.reason, proven or self.requester, by)


class DecisionRequest(RetryRequest):
    """The body of what a person answers for: it has a reason."""

    reason: str = Field(min_length=1, max_length=500, pattern=r"\S")


@routes.post("/retry", operation_id="retryOrder")
def retry_order(
    order_id: str, asked: RetryRequest, orders: OrdersPart, who: Requester, by: By
) -> Document:
    """Set everything of the order that is held going again; returns the order."""
    return orders.retry(order_id, asked.decision(who, by))


@routes.post("/items/{item_id}/retry", operation_id="retryItem")
def retry(
    order_id: str, item_id: str, asked: RetryRequest, orders: OrdersPart, who: Requester, by: By
) -> Document:
    """Set a held item going again; returns the order."""
    return orders.retry(order_id, asked.decision(who, by), item_id)


@routes.post("/items/{item_id}/complete", operation_id="completeItem")
def complete(
    order_id: str, item_id: str, asked: DecisionRequest, orders: OrdersPart, who: Requester, by: By
) -> Document:
    """Complete a held item that is on its devices, on somebody's word; returns the order."""
    return orders.complete(order_id, item_id, asked.decision(who, by))


@routes.post(
    "/items/{item_id}/cancel", operation_id="cancelItem", status_code=HTTPStatus.CREATED
)  # fmt: skip
def cancel(
    order_id: str,
    item_id: str,
    asked: DecisionRequest,
    orders: OrdersPart,
    who: Requester,
    by: By,
    response: Response,
) -> Document:
    """Cancel a held item and take back what it has got; returns the cancellation."""
    task = orders.cancel_item(order_id, item_id, asked.decision(who, by))
    response.headers["Location"] = task["href"]
    return task


@routes.post("/devices/{device:path}/giveUp", operation_id="giveUpDevice")
def give_up(
    order_id: str, device: str, asked: DecisionRequest, orders: OrdersPart, who: Requester, by: By
) -> Document:
    """Let the order's cancellation go on without a device it is stuck at; returns it."""
    return orders.give_up(order_id, device, asked.decision(who, by))
