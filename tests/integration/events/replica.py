"""One gateway with its HTTP server in this process, and a client of its live stream."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn

from api.access.access import Access
from api.app import create_app
from api.live import Live
from api.serving.claim import listen
from rom.settings import Settings

STREAM = "/rom/v1/events/stream"
SECONDS = 30.0


class Replica:
    """One gateway with its HTTP server; ``url`` is where it listens."""

    def __init__(
        self, settings: Settings, gateway: Any, live: Live, access: Access | None = None
    ) -> None:
        self._listening = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.live = live
        self._gateway = gateway
        app = create_app(gateway, settings, live, access)
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        watching = asyncio.create_task(self.live.run(self._gateway.events))
        await self._server.serve(sockets=[self._listening])
        watching.cancel()

    @contextmanager
    def running(self) -> Iterator["Replica"]:
        self._thread.start()
        try:
            yield self
        finally:
            self.live.closed = True
            self._server.should_exit = True
            self._thread.join()
            self._listening.close()


class Followed:
    """A client of the live stream; ``read`` returns the next events as (id, type, data)."""

    def __init__(
        self, url: str, query: str = "", last: str | None = None, token: str | None = None
    ) -> None:
        headers = {} if last is None else {"Last-Event-ID": last}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.Client(trust_env=False, timeout=SECONDS)
        self._context = self._client.stream("GET", f"{url}{STREAM}{query}", headers=headers)

    def __enter__(self) -> "Followed":
        self.answer = self._context.__enter__()
        assert self.answer.status_code == 200, self.answer.read()
        self._lines = self.answer.iter_lines()
        assert next(self._lines) == ": follow"  # it follows from here on
        return self

    def __exit__(self, *_: object) -> None:
        self._context.__exit__(None, None, None)
        self._client.close()

    def rest(self) -> Iterator[str]:
        """Return what is sent until the end, heartbeats left out."""
        return (line for line in self._lines if line and not line.startswith((":", "retry")))

    def read(self, count: int) -> list[tuple[str, str, dict[str, Any]]]:
        found = []
        fields: dict[str, str] = {}
        while len(found) < count:
            line = next(self._lines)
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                found.append((fields["id"], fields["event"], json.loads(fields["data"])))
                fields = {}
        return found
