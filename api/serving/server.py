"""Starts everything in order, serves, and stops everything in reverse order."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI

from api.access.access import Access, AccessMisconfigured, open_access
from api.access.authentication import Openness
from api.app import create_app
from api.live import live_events
from api.serving import lab
from api.serving.child import Child
from api.serving.claim import listen, only_server_of, published_address
from api.serving.door import door
from api.serving.errors import ServeError
from api.serving.signals import StopSignals
from api.traces import traces_sent
from rom.gateway.access import Access as AccessPart
from rom.gateway.gateway import Gateway
from rom.runtime import open_gateway
from rom.settings import Settings

GRACE_SECONDS = 10
"""How long requests under way may take once the server shall stop."""
_LOOK_SECONDS = 0.2
OPEN_LAB = (
    "ACCESS IS OPEN: whoever reaches {url} may order and read everything, without any password. "
    "This is a lab mode; 'rom token create' ends it"
)

_log = structlog.get_logger(__name__)
Say = Callable[[str], None]


def serve(settings: Settings, topology: Path | None, say: Say) -> int:
    """Run until SIGINT or SIGTERM; return 0 for a clean stop, 1 when the lab was lost.

    ``say`` is called with one line when the server listens, one when anybody may come in, and one
    when orders are taken. Raises
    ``ServeError`` when the server cannot start.
    """
    with ExitStack() as stack:
        stop = stack.enter_context(StopSignals())
        stack.enter_context(traces_sent(settings.traces_url))
        stack.enter_context(only_server_of(settings.data_dir))
        listening = stack.enter_context(listen(settings.host, settings.port))
        settings = settings.model_copy(update={"port": listening.getsockname()[1]})
        devices = None
        if topology is not None:
            state = settings.data_dir / "lab"
            devices = stack.enter_context(lab.running(topology, state, lambda: stop.requested))
            settings = settings.model_copy(update={"lab_ready_file": state / lab.READY_FILE})
        gateway = stack.enter_context(open_gateway(settings))
        access = _access(settings, gateway.access, listening.getsockname()[0])
        stack.callback(gateway.stop)
        gateway.start()
        supervisor = _Supervisor(settings, gateway, access, devices, stop, say)
        return asyncio.run(supervisor.run(listening))


def _access(settings: Settings, control: AccessPart, address: str) -> Access:
    """Return who may come in at ``address``; raises ``ServeError`` when that may not be opened."""
    redis = settings.redis_url
    try:
        return open_access(
            settings, control, address, None if redis is None else redis.get_secret_value()
        )
    except AccessMisconfigured as error:
        raise ServeError(str(error)) from error


class _Supervisor:
    """Serves HTTP and watches what runs beside it."""

    def __init__(
        self,
        settings: Settings,
        gateway: Gateway,
        access: Access,
        devices: Child | None,
        stop: StopSignals,
        say: Say,
    ) -> None:
        self._settings = settings
        self._gateway = gateway
        self._devices = devices
        self._stop = stop
        self._say = say
        redis = settings.redis_url
        self._live = live_events(None if redis is None else redis.get_secret_value())
        self._access = access
        self._app: FastAPI = create_app(gateway, settings, self._live, access)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._app,
                http=door(settings.max_connections, settings.max_connections_of_address),
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # a router's address is checked, so no header may name it
                lifespan="off",
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )

    async def run(self, listening: socket.socket) -> int:
        """Serve on ``listening`` until told to stop."""
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(work)
                for work in (self._watch(), self._announce(), self._live.run(self._gateway.events))
            ]
            await self._server.serve(sockets=[listening])
            for task in beside:
                task.cancel()
        lost = self._devices is not None and self._devices.exit_code is not None
        return 1 if lost else 0

    async def _watch(self) -> None:
        while True:
            if self._devices is not None and self._devices.exit_code is not None:
                _log.error("the lab ended by itself", log=str(self._devices.log))
                self._server.should_exit = True
            if self._stop.requested:
                self._server.should_exit = True
            if self._server.should_exit:
                self._live.close()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _announce(self) -> None:
        while not self._server.started:
            await asyncio.sleep(_LOOK_SECONDS / 4)
        url = self._settings.base_url
        self._say(f"Listening on {url}")
        if await self._access.authenticator.openness() is Openness.OPEN:
            self._say(OPEN_LAB.format(url=url))
            _log.warning("access is open: everybody may do everything", url=url)
        told: list[str] = []
        while problems := await asyncio.to_thread(self._gateway.problems):
            if problems != told:
                _log.warning("orders cannot be taken yet", problems=problems)
                told = problems
            await asyncio.sleep(_LOOK_SECONDS)
        with published_address(self._settings.data_dir, url):
            self._say(f"Ready: orders are taken at {url}")
            await asyncio.Event().wait()
