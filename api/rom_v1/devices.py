"""Devices: what there is, and whether it holds what the sites should have on it."""

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from api.dependencies import DevicesPart
from api.errors import ERRORS
from api.strict_route import StrictRoute
from rom.answers.devices import DeviceLine, DriftReport

routes = APIRouter(prefix="/rom/v1", tags=["ROM"], route_class=StrictRoute, responses=ERRORS)


class CheckRequest(BaseModel):
    """The body of ``POST /rom/v1/deviceCheck``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    devices: list[str] | Literal["all"]


@routes.get("/devices", operation_id="listDevices")
def list_all(devices: DevicesPart) -> tuple[DeviceLine, ...]:
    """List the devices with their sites and their last transaction; asks none of them."""
    return devices.all()


@routes.post("/deviceCheck", operation_id="checkDevices")
def check(asked: CheckRequest, devices: DevicesPart) -> DriftReport:
    """Read devices and report by site what is missing, changed or foreign; sends nothing."""
    return devices.check(None if asked.devices == "all" else asked.devices)
