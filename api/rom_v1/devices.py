"""Devices: what there is, whether it can be driven, and whether it holds what sites should have."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.dependencies import By, DevicesPart
from api.errors import ERRORS
from api.strict_route import StrictRoute
from rom.answers.devices import (
    AddedDevice,
    DeviceExamination,
    DeviceLine,
    DriftReport,
    HostKeyLook,
)
from rom.gateway.devices import Pinning

routes = APIRouter(prefix="/rom/v1", tags=["ROM"], route_class=StrictRoute, responses=ERRORS)


class CheckRequest(BaseModel):
    """The body of ``POST /rom/v1/deviceCheck``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    devices: list[str] | Literal["all"]


class TrustRequest(BaseModel):
    """The body of ``POST /rom/v1/devices/{device}/trust``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    dryRun: bool = True  # noqa: N815 - the name on the wire
    fingerprint: str | None = Field(default=None, pattern=r"^SHA256:[A-Za-z0-9+/]{43}$")
    """Of the key that was looked at; a key with another one is not pinned."""
    replace: bool = False
    """Whether another key that is pinned may go; that needs a reason."""
    reason: str = Field(default="", max_length=500)
    ticket: str = Field(default="", max_length=100)

    @model_validator(mode="after")
    def _looked_at(self) -> "TrustRequest":
        if not self.dryRun and self.fingerprint is None:
            raise ValueError("give the fingerprint of the key that was looked at")
        return self


class AddRequest(BaseModel):
    """A device as in an inventory file; the inventory says what is wrong with it."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str = Field(min_length=1, max_length=64)


@routes.get("/devices", operation_id="listDevices")
def list_all(devices: DevicesPart) -> tuple[DeviceLine, ...]:
    """List the devices with their sites and their last transaction; asks none of them."""
    return devices.all()


@routes.post("/devices", operation_id="addDevice")
def add(asked: AddRequest, devices: DevicesPart, by: By) -> AddedDevice:
    """Write a device into the inventory, and say what it lacks before it can be driven."""
    entry: dict[str, Any] = asked.model_dump(exclude_unset=True)
    return devices.add(entry, by=by)


@routes.post("/devices/{device:path}/test", operation_id="testDevice")
def test(device: str, devices: DevicesPart) -> DeviceExamination:
    """Reach a device, log in, and say whether it can be driven; changes nothing on it."""
    return devices.test(device)


@routes.post("/devices/{device:path}/trust", operation_id="trustDevice")
def trust(device: str, asked: TrustRequest, devices: DevicesPart, by: By) -> HostKeyLook:
    """Show a device's SSH host key or, with ``dryRun`` false, pin the one that was looked at."""
    if asked.dryRun or asked.fingerprint is None:
        return devices.look_at_key(device)
    wanted = Pinning(asked.fingerprint, asked.replace, asked.reason, asked.ticket)
    return devices.trust(device, wanted, by=by)


@routes.post("/deviceCheck", operation_id="checkDevices")
def check(asked: CheckRequest, devices: DevicesPart) -> DriftReport:
    """Read devices and report by site what is missing, changed or foreign; sends nothing."""
    return devices.check(None if asked.devices == "all" else asked.devices)
