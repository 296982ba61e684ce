"""Devices over HTTP: what there is, and whether it holds what the sites should have on it."""

from collections.abc import Collection
from typing import Literal, Protocol, cast

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from api.body import read_json
from api.errors import not_found
from api.ports import ApiSettings, Document, OrderGateway
from api.query import parameters
from api.site_rollback import parsed


class DeviceGateway(OrderGateway, Protocol):
    """The engine as these operations see it; ``rom.gateway.Gateway`` says what each one raises."""

    def devices(self) -> list[Document]:
        """List every device."""

    def check_devices(self, names: Collection[str] | None = None) -> Document:
        """Return the drift report of some devices or of all."""


class CheckRequest(BaseModel):
    """The body of ``POST /rom/v1/deviceCheck``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    devices: list[str] | Literal["all"]


def router(gateway: OrderGateway, settings: ApiSettings) -> APIRouter:
    """Return the operations."""
    engine = cast(DeviceGateway, gateway)  # the application's own type knows orders only
    routes = APIRouter(prefix="/rom/v1", tags=["ROM"])

    @routes.get("/devices")
    async def list_all(request: Request) -> JSONResponse:
        """List the devices with their sites and their last transaction; asks none of them."""
        parameters(request, ())
        return JSONResponse(await run_in_threadpool(engine.devices))

    @routes.post("/deviceCheck")
    async def check(request: Request) -> JSONResponse:
        """Read devices and report by site what is missing, changed or foreign; sends nothing."""
        parameters(request, ())
        asked = parsed(CheckRequest, await read_json(request, settings.max_body_bytes))
        names = None if asked.devices == "all" else asked.devices
        known = {entry["device"]: entry for entry in await run_in_threadpool(engine.devices)}
        for name in names or ():
            if name not in known:
                raise not_found("device", name)
        # A device that no site has anything on has nothing to differ from.
        if names is not None:
            names = [name for name in names if known[name]["sites"]]
        return JSONResponse(await run_in_threadpool(engine.check_devices, names))

    return routes
