"""What FastAPI gives to operations: the gateway's parts, who asks, and whole numbers."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from api.access.principal import actor, owner, principal, requester
from api.context import about
from api.event_wait import MAX_WAIT_SECONDS
from api.live import Live
from api.ports import ApiSettings
from api.query import MAX_LIMIT, MAX_OFFSET
from rom.gateway.devices import Devices
from rom.gateway.events import Events
from rom.gateway.gateway import Gateway
from rom.gateway.inventory import Inventory
from rom.gateway.orders import Orders
from rom.gateway.secrets import Secrets
from rom.gateway.sites import Sites
from rom.gateway.trail import Trail
from rom.model.access import Owner, Scope
from rom.model.deed import Actor

MAX_NUMBER = 2**63 - 1
"""PostgreSQL's highest place of an event or a snapshot."""


async def _gateway(request: Request) -> Gateway:
    found: Gateway = request.app.state.gateway
    return found


_Whole = Annotated[Gateway, Depends(_gateway)]


async def _orders(gateway: _Whole) -> Orders:
    return gateway.orders


async def _sites(gateway: _Whole) -> Sites:
    return gateway.sites


async def _devices(gateway: _Whole) -> Devices:
    return gateway.devices


async def _inventory(gateway: _Whole) -> Inventory:
    return gateway.inventory


async def _events(gateway: _Whole) -> Events:
    return gateway.events


async def _trail(gateway: _Whole) -> Trail:
    return gateway.trail


async def _secrets(gateway: _Whole) -> Secrets:
    return gateway.secrets


async def _settings(request: Request) -> ApiSettings:
    found: ApiSettings = request.app.state.settings
    return found


async def _live(request: Request) -> Live:
    found: Live = request.app.state.live
    return found


async def _scope(request: Request) -> Scope:
    return principal(request).scope


async def _requester(request: Request) -> str | None:
    return requester(request)


async def _actor(request: Request) -> Actor:
    return actor(request)


async def _owner(request: Request) -> Owner:
    return owner(request)


OrdersPart = Annotated[Orders, Depends(_orders)]
SitesPart = Annotated[Sites, Depends(_sites)]
DevicesPart = Annotated[Devices, Depends(_devices)]
InventoryPart = Annotated[Inventory, Depends(_inventory)]
EventsPart = Annotated[Events, Depends(_events)]
SecretsPart = Annotated[Secrets, Depends(_secrets)]
TrailPart = Annotated[Trail, Depends(_trail)]
SettingsPart = Annotated[ApiSettings, Depends(_settings)]
LivePart = Annotated[Live, Depends(_live)]
OwnerOfRequest = Annotated[Owner, Depends(_owner)]
"""Whose is what the request makes to last."""
By = Annotated[Actor, Depends(_actor)]
"""Who does what the request asks for, for the trail."""
Within = Annotated[Scope, Depends(_scope)]
"""What the client may see."""
Requester = Annotated[str | None, Depends(_requester)]
"""The name that the request proves; ``None`` in the open lab, where a body may name anybody."""


async def naming_order(order_id: str) -> None:
    """Let the request's log lines name the order."""
    about(order_id=order_id)


async def naming_site(site: str) -> None:
    """Let the request's log lines name the site."""
    about(site=site)


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """Takes ASCII digits between bounds; pydantic would take ``1_0`` and ``5.0`` as well."""

    lowest: int
    highest: int

    def __call__(self, value: object) -> object:
        """Return what pydantic goes on with; what is no text has been checked before."""
        if not isinstance(value, str):
            return value
        mend = {"mend": f"Give {self.lowest} to {self.highest}"}
        if not (value.isascii() and value.isdigit() and len(value) <= len(str(self.highest))):
            raise PydanticCustomError("whole_number", "is no whole number", mend)
        if not self.lowest <= int(value) <= self.highest:
            raise PydanticCustomError("out_of_range", "is out of range", mend)
        return int(value)


Place = Annotated[
    int, BeforeValidator(WholeNumber(0, MAX_NUMBER)), Query(ge=0, le=MAX_NUMBER)
]  # fmt: skip
"""A place in a stream of events, or a snapshot's number."""
Wait = Annotated[
    int, BeforeValidator(WholeNumber(0, MAX_WAIT_SECONDS)), Query(ge=0, le=MAX_WAIT_SECONDS)
]  # fmt: skip
"""Seconds to wait for the first event."""
Offset = Annotated[
    int, BeforeValidator(WholeNumber(0, MAX_OFFSET)), Query(ge=0, le=MAX_OFFSET)
]  # fmt: skip
Limit = Annotated[int, BeforeValidator(WholeNumber(1, MAX_LIMIT)), Query(ge=1, le=MAX_LIMIT)]
