"""The logistics partner: ships a router to a site, where it is installed and powered on."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mock_devices.services.web import WebService, bearer_matches

Installed = Callable[[str], Awaitable[None]]


class ShipmentState(StrEnum):
    """How far a box is."""

    ORDERED = "ordered"
    DISPATCHED = "dispatched"
    DELIVERED = "delivered"


class ShipmentRequest(BaseModel):
    """What is to be shipped where."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    serial: str = Field(min_length=1, max_length=32)
    site: str = Field(min_length=1, max_length=64)
    address: str = Field(min_length=1, max_length=300)
    contact: str = Field(default="", max_length=300)


class Shipment(BaseModel):
    """A shipment as the partner reports it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    request: ShipmentRequest
    state: ShipmentState = ShipmentState.ORDERED
    ordered: datetime

    def shown(self) -> dict[str, str]:
        """Return the body of an answer."""
        return {
            "id": self.id,
            **self.request.model_dump(),
            "state": self.state.value,
            "ordered": self.ordered.isoformat(),
        }


class Logistics:
    """PUT, GET and DELETE of ``/shipments/{id}`` with a bearer token.

    Half of ``delivery_seconds`` after its order a box is dispatched and can no longer be called
    back; at the end it stands installed at the site and ``installed(serial)`` is awaited.
    Shipments survive a restart, and a box on its way goes on.
    """

    def __init__(
        self,
        state_dir: Path,
        serials: Collection[str],
        token: str,
        delivery_seconds: float,
        installed: Installed,
    ) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        self._file = state_dir / "shipments.json"
        self._serials = frozenset(serials)
        self._token = token
        self._delivery_seconds = delivery_seconds
        self._installed = installed
        self._journeys: dict[str, asyncio.Task[None]] = {}
        self.shipments: dict[str, Shipment] = {}
        if self._file.exists():
            rows = [Shipment.model_validate(row) for row in json.loads(self._file.read_text())]
            self.shipments = {row.id: row for row in rows}
        one = "/shipments/{id}"
        self.web = WebService(
            Starlette(
                routes=[
                    Route(one, self._put, methods=["PUT"]),
                    Route(one, self._get, methods=["GET"]),
                    Route(one, self._delete, methods=["DELETE"]),
                ]
            )
        )

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the bound port."""
        port = await self.web.start(host, port)
        for shipment in self.shipments.values():
            if shipment.state is not ShipmentState.DELIVERED:
                self._send(shipment)
        return port

    async def stop(self) -> None:
        """Close the port; boxes on their way wait for the next start."""
        for journey in self._journeys.values():
            journey.cancel()
        await asyncio.gather(*self._journeys.values(), return_exceptions=True)
        await self.web.stop()

    async def _put(self, request: Request) -> Response:
        if not bearer_matches(request, self._token):
            return _problem(401, "a bearer token is needed")
        try:
            wanted = ShipmentRequest.model_validate_json(await request.body())
        except ValidationError as error:
            fields = "; ".join(f"{e['loc']}: {e['msg']}" for e in error.errors())
            return _problem(400, fields)
        key = request.path_params["id"]
        known = self.shipments.get(key)
        if known is not None:
            if known.request != wanted:
                return _problem(409, f"shipment {key} exists with another content")
            return JSONResponse(known.shown())
        if wanted.serial not in self._serials:
            return _problem(404, f"no router {wanted.serial} in stock")
        shipment = Shipment(id=key, request=wanted, ordered=datetime.now(UTC))
        self._store(shipment)
        self._send(shipment)
        return JSONResponse(shipment.shown(), 201)

    async def _get(self, request: Request) -> Response:
        if not bearer_matches(request, self._token):
            return _problem(401, "a bearer token is needed")
        shipment = self.shipments.get(request.path_params["id"])
        return JSONResponse(shipment.shown()) if shipment else _problem(404, "no such shipment")

    async def _delete(self, request: Request) -> Response:
        if not bearer_matches(request, self._token):
            return _problem(401, "a bearer token is needed")
        shipment = self.shipments.get(request.path_params["id"])
        if shipment is None:
            return _problem(404, "no such shipment")
        if shipment.state is not ShipmentState.ORDERED:
            return _problem(409, f"shipment {shipment.id} is {shipment.state.value}")
        self._journeys.pop(shipment.id).cancel()
        del self.shipments[shipment.id]
        self._save()
        return Response(status_code=204)

    def _send(self, shipment: Shipment) -> None:
        self._journeys[shipment.id] = asyncio.create_task(self._travel(shipment))

    async def _travel(self, shipment: Shipment) -> None:
        if shipment.state is ShipmentState.ORDERED:
            await asyncio.sleep(self._delivery_seconds / 2)
            shipment = shipment.model_copy(update={"state": ShipmentState.DISPATCHED})
            self._store(shipment)
        await asyncio.sleep(self._delivery_seconds / 2)
        self._store(shipment.model_copy(update={"state": ShipmentState.DELIVERED}))
        await self._installed(shipment.request.serial)

    def _store(self, shipment: Shipment) -> None:
        self.shipments[shipment.id] = shipment
        self._save()

    def _save(self) -> None:
        rows = [shipment.model_dump(mode="json") for shipment in self.shipments.values()]
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(rows, indent=2))
        partial.replace(self._file)


def _problem(status: int, text: str) -> JSONResponse:
    return JSONResponse({"error": text}, status)
