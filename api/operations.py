"""What operators and their monitoring ask: alive, ready, numbers."""

from collections.abc import Iterator
from http import HTTPStatus

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.ports import OrderGateway
from api.tmf652 import ORDER_STATES
from rom.metrics import EngineStatistics


class OrderStates(Collector):
    """Counts orders by state at the moment of the scrape, from the database."""

    def __init__(self, gateway: OrderGateway) -> None:
        self._gateway = gateway

    def describe(self) -> Iterator[Metric]:
        """Name the metric without asking the database."""
        yield GaugeMetricFamily("rom_orders", "Orders by TMF652 state", labels=["state"])

    def collect(self) -> Iterator[Metric]:
        """Yield one gauge with a value for every state."""
        family = GaugeMetricFamily("rom_orders", "Orders by TMF652 state", labels=["state"])
        for state in sorted(ORDER_STATES):
            _, total = self._gateway.list_orders(offset=0, limit=1, state=state)
            family.add_metric([state], total)
        yield family


def router(gateway: OrderGateway) -> APIRouter:
    """Return ``/healthz``, ``/readyz`` and ``/metrics``."""
    routes = APIRouter(tags=["operations"])
    own = CollectorRegistry()  # of this application; two in one process count apart
    own.register(OrderStates(gateway))
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
