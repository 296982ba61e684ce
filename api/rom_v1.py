"""What TM Forum has no word for: an order's report and event stream, a site's second run, preview.

Everything here lies under ``/rom/v1``.
"""

from collections.abc import Callable
from http import HTTPStatus

import structlog
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from adapters.errors import AdapterError
from api.errors import ApiError, not_found
from api.event_wait import MAX_WAIT_SECONDS, first_events
from api.live import Live
from api.ports import Document, OrderGateway
from api.query import parameters, whole_number

_MAX_SEQUENCE = 2**63 - 1


def router(gateway: OrderGateway, live: Live) -> APIRouter:
    """Return the operations of this product's own API."""
    routes = APIRouter(prefix="/rom/v1", tags=["ROM"])

    @routes.get("/orders/{order_id}/report")
    async def report(request: Request, order_id: str) -> JSONResponse:
        """Return allocations, device transactions, measurements and steps of one order."""
        parameters(request, ())
        structlog.contextvars.bind_contextvars(order_id=order_id)
        found = await run_in_threadpool(gateway.report, order_id)
        if found is None:
            raise not_found("resourceOrder", order_id)
        return JSONResponse(found)

    @routes.get("/orders/{order_id}/events")
    async def events(request: Request, order_id: str) -> JSONResponse:
        """Return events after sequence ``after``; with none yet, wait up to ``wait`` seconds."""
        found = parameters(request, {"after", "wait"})
        after = whole_number(found, "after", 0, lowest=0, highest=_MAX_SEQUENCE)
        wait = whole_number(found, "wait", 0, lowest=0, highest=MAX_WAIT_SECONDS)
        structlog.contextvars.bind_contextvars(order_id=order_id)
        if await run_in_threadpool(gateway.find_order, order_id) is None:
            raise not_found("resourceOrder", order_id)

        async def look() -> list[Document]:
            return await run_in_threadpool(gateway.events_after, order_id, after)

        return JSONResponse(await first_events(request, live, order_id, look, wait))

    @routes.post("/sites/{site}/reapply")
    async def reapply(request: Request, site: str) -> JSONResponse:
        """Bring the site's intent onto its devices again; what is in place already is not sent."""
        parameters(request, ())
        return JSONResponse(await _of_site(gateway.reapply, site))

    @routes.get("/sites/{site}/rollbackPreview")
    async def rollback_preview(request: Request, site: str) -> JSONResponse:
        """Say what taking the site back would send and release; changes nothing."""
        parameters(request, ())
        return JSONResponse(await _of_site(gateway.rollback_preview, site))

    return routes


async def _of_site(action: Callable[[str], Document], site: str) -> Document:
    structlog.contextvars.bind_contextvars(site=site)
    try:
        return await run_in_threadpool(action, site)
    except LookupError as error:
        if error.args != (site,):
            raise  # a fault of ours, not the answer to an unknown name
        raise not_found("site", site) from error
    except TimeoutError as error:
        raise ApiError(
            HTTPStatus.GATEWAY_TIMEOUT,
            "devicesBusy",
            f"site: {error}",
            "The change stays queued and is brought out when the device can be reached",
        ) from error
    except AdapterError as error:
        raise ApiError(
            HTTPStatus.BAD_GATEWAY, error.reason, f"site: {error}", "Try again later"
        ) from error
