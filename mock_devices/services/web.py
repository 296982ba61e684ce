"""HTTP on loopback for the lab's services: bind first, so that the port is known, then serve."""

import asyncio
import hmac
import socket
from base64 import b64decode
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request


class _Server(uvicorn.Server):
    """A server that leaves signals to the lab, which stops all of its devices in order."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Take no signal."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start as usual and say so."""
        await super().startup(sockets)
        self.ready.set()


class WebService:
    """One ASGI application on one loopback port."""

    def __init__(self, application: Starlette) -> None:
        self._application = application
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.host = ""
        self.port = 0

    @property
    def url(self) -> str:
        """Base address without a slash at its end."""
        return f"http://{self.host}:{self.port}"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the bound port; raises ``OSError`` when it is taken."""
        listener = socket.create_server((host, port))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio would not
        self.host, self.port = listener.getsockname()[:2]
        config = uvicorn.Config(
            self._application,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]))
        await self._server.ready.wait()
        return self.port

    async def stop(self) -> None:
        """Close the port and every connection; safe to call twice."""
        if self._server is None or self._task is None:
            return
        self._server.should_exit = True
        await self._task
        self._server = self._task = None


def bearer_matches(request: Request, token: str) -> bool:
    """Return whether the request carries ``token`` as RFC 6750 bearer."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())


def basic_matches(request: Request, username: str, password: str) -> bool:
    """Return whether the request carries these credentials as RFC 7617 basic."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        decoded = b64decode(given, validate=True)
    except ValueError:
        return False
    return hmac.compare_digest(decoded, f"{username}:{password}".encode())
