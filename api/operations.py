"""What operators and their monitoring ask: alive, ready, numbers."""

from http import HTTPStatus

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from rom.gateway.gateway import Gateway
from rom.metrics.collector import EngineStatistics


def router(gateway: Gateway) -> APIRouter:
    """Return ``/healthz``, ``/readyz`` and ``/metrics``."""
    routes = APIRouter(tags=["operations"])
    own = CollectorRegistry()  # of this application; two in one process count apart
    own.register(EngineStatistics(gateway.statistics))

    @routes.get("/healthz")
    async def alive() -> JSONResponse:
        """Answer 200 as long as the process serves requests at all."""
        return JSONResponse({"status": "alive"})

    @routes.get("/readyz")
    async def ready() -> JSONResponse:
        """Answer 200 when orders can be taken, else 503 with the reasons."""
        problems = await run_in_threadpool(gateway.problems)
        if problems:
            body = {"status": "notReady", "problems": problems}
            return JSONResponse(body, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "2"})
        return JSONResponse({"status": "ready", "problems": []})

    @routes.get("/metrics")
    def metrics() -> Response:
        """Return everything in the Prometheus text format."""
        text = generate_latest(REGISTRY) + generate_latest(own)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return routes
