"""The control API of a lab: what people and tests do to its devices from outside."""

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mock_devices.lab.faults import FaultUnsupported
from mock_devices.lab.lab import Lab
from mock_devices.lab.nodes import Node
from mock_devices.services.web import WebService, bearer_matches

Handler = Callable[[Request], Awaitable[Response]]


class _NotFound(Exception):
    """No device or router of that name."""


class Control:
    """The control API on a loopback port; every request needs the bearer token."""

    def __init__(self, lab: Lab, token: str) -> None:
        self._lab = lab
        self._token = token
        self._boots: set[asyncio.Task[None]] = set()
        device = "/devices/{name}"
        routes = [
            ("/status", "GET", self._status),
            ("/ce/{serial}/{action}", "POST", self._router),
            ("/onts/{serial}/{action}", "POST", self._ont),
            (f"{device}/restart", "POST", self._restart),
            (f"{device}/faults", "POST", self._fault),
            (f"{device}/running", "GET", self._running),
            (f"{device}/counters", "GET", self._counters),
        ]
        self.web = WebService(
            Starlette(
                routes=[
                    Route(path, self._guarded(handler), methods=[method])
                    for path, method, handler in routes
                ]
            )
        )

    async def start(self) -> None:
        """Listen on any free port."""
        await self.web.start()

    async def stop(self) -> None:
        """Stop listening and waiting for routers to boot."""
        for boot in self._boots:
            boot.cancel()
        await asyncio.gather(*self._boots, return_exceptions=True)
        await self.web.stop()

    def _guarded(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            if not bearer_matches(request, self._token):
                return JSONResponse({"error": "a bearer token is needed"}, 401)
            try:
                return await handler(request)
            except _NotFound as missing:
                return JSONResponse({"error": str(missing)}, 404)
            except FaultUnsupported as fault:
                return JSONResponse({"error": str(fault)}, 409)
            except ValidationError as error:
                faults = [f"{e['loc']}: {e['msg']}" for e in error.errors()]
                return JSONResponse({"error": "; ".join(faults)}, 400)

        return answer

    async def _status(self, _request: Request) -> Response:
        plant = self._lab.plant
        return JSONResponse(
            {
                "topology": self._lab.topology.name,
                "devices": sorted(self._lab.nodes),
                "ce": {
                    serial: {
                        **edge.facts(),
                        "last_discovery": plant.last_discovery.get(serial, "never tried"),
                    }
                    for serial, edge in self._lab.routers.edges.items()
                },
                "onts": {
                    serial: {
                        "olt": ont.olt,
                        "port": ont.port,
                        "connected": serial in plant.connected,
                    }
                    for serial, ont in self._lab.topology.onts.items()
                },
            }
        )

    async def _router(self, request: Request) -> Response:
        edge = self._lab.routers.edges.get(request.path_params["serial"])
        if edge is None:
            raise _NotFound(f"no router {request.path_params['serial']}")
        match request.path_params["action"]:
            case "boot":
                # Provisioning goes on for as long as the router finds no way to its configuration.
                boot = asyncio.create_task(edge.boot())
                self._boots.add(boot)
                boot.add_done_callback(self._boots.discard)
            case "power-off":
                await edge.power_off()
            case "factory-reset":
                await edge.factory_reset()
            case other:
                raise _NotFound(f"no action {other}")
        return JSONResponse({"serial": edge.serial}, 202)

    async def _ont(self, request: Request) -> Response:
        serial = request.path_params["serial"]
        if serial not in self._lab.plant.topology.onts:
            raise _NotFound(f"no ONT {serial}")
        match request.path_params["action"]:
            case "connect":
                self._lab.plant.connected.add(serial)
            case "disconnect":
                self._lab.plant.connected.discard(serial)
            case other:
                raise _NotFound(f"no action {other}")
        return JSONResponse({"serial": serial, "connected": serial in self._lab.plant.connected})

    async def _restart(self, request: Request) -> Response:
        await self._node(request).restart()
        return Response(status_code=204)

    async def _fault(self, request: Request) -> Response:
        self._node(request).fault(await request.body())
        return Response(status_code=204)

    async def _running(self, request: Request) -> Response:
        return PlainTextResponse(self._node(request).running())

    async def _counters(self, request: Request) -> Response:
        return JSONResponse(self._node(request).counters())

    def _node(self, request: Request) -> Node:
        name = request.path_params["name"]
        node = self._lab.node(name)
        if node is None:
            raise _NotFound(f"no device {name}")
        return node
