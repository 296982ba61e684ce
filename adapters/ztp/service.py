"""The HTTP service routers fetch their first configuration from.

Whoever asks wrongly learns nothing: an unknown token, an unknown serial number, a wrong circuit
and a malformed request are all the same empty 403.
"""

import re
from collections.abc import Callable
from typing import Protocol

from fastapi import APIRouter, Request, Response

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SERIAL = re.compile(r"[A-Za-z0-9-]{4,32}")
_EVENT = re.compile(r"started|failed|completed")
_DETAIL = re.compile(r"[A-Za-z0-9._ -]{0,200}")


class ZtpRefused(Exception):
    """The bootstrap server does not serve this request; the reason stays inside."""


Serial = Callable[[str], str]
"""Returns the serial number that the request names in a header; raises ZtpRefused without one."""


class BootstrapServer(Protocol):
    """Who decides what a router gets; the engine fulfils it.

    Every method raises ZtpRefused for a token, serial number or circuit it does not serve.
    ``client`` is the address the request came from. Answers are the same bytes on every call
    until the order item is completed. Methods are called from worker threads.
    """

    def script(self, token: str, serial: Serial, client: str) -> bytes:
        """Return the day-0 file of the platform that is coming."""

    def config(self, token: str, serial: str, client: str) -> bytes:
        """Return the day-1 configuration file with its secrets."""

    def sha512(self, token: str, serial: str, client: str) -> str:
        """Return the SHA-512 (hex) of what ``config`` returns."""

    def exec_lines(self, token: str, serial: str, client: str) -> bytes:
        """Return configuration lines that no file can hold, one a line."""

    def event(self, token: str, serial: str, client: str, name: str, detail: str) -> None:
        """Take note of ``started``, ``failed`` or ``completed``."""


def peer(request: Request) -> str:
    """Return the address of the other end of the connection."""
    return request.client.host if request.client else ""


def router(bootstrap: BootstrapServer, client_of: Callable[[Request], str] = peer) -> APIRouter:
    """Return the routes below ``/ztp/v1/{token}/``.

    ``client_of`` tells the address a request came from, which proves the circuit; behind a proxy
    it has to be the proxy's word.
    """
    routes = APIRouter(prefix="/ztp/v1/{token}", include_in_schema=False)

    def who(token: str, serial: str, request: Request) -> tuple[str, str, str]:
        return _checked(_TOKEN, token), _checked(_SERIAL, serial), client_of(request)

    @routes.get("/ztp.py")
    def script(token: str, request: Request) -> Response:
        def serial(header: str) -> str:
            return _checked(_SERIAL, request.headers.get(header, ""))

        def day0() -> bytes:
            return bootstrap.script(_checked(_TOKEN, token), serial, client_of(request))

        return _answer(day0)

    @routes.get("/config/{serial}")
    def config(token: str, serial: str, request: Request) -> Response:
        return _answer(lambda: bootstrap.config(*who(token, serial, request)))

    @routes.get("/sha512/{serial}")
    def sha512(token: str, serial: str, request: Request) -> Response:
        return _answer(lambda: bootstrap.sha512(*who(token, serial, request)).encode() + b"\n")

    @routes.get("/exec/{serial}")
    def exec_lines(token: str, serial: str, request: Request) -> Response:
        return _answer(lambda: bootstrap.exec_lines(*who(token, serial, request)))

    @routes.get("/event/{serial}/{name}")
    def event(token: str, serial: str, name: str, request: Request, d: str = "") -> Response:
        def noted() -> bytes:
            known, detail = _checked(_EVENT, name), _checked(_DETAIL, d)
            bootstrap.event(*who(token, serial, request), known, detail)
            return b"ok\n"

        return _answer(noted)

    return routes


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ZtpRefused
    return text


def _answer(produce: Callable[[], bytes]) -> Response:
    headers = {"cache-control": "no-store"}
    try:
        return Response(produce(), media_type="text/plain", headers=headers)
    except ZtpRefused:
        return Response(status_code=403, headers=headers)
