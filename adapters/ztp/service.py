"""The HTTP service routers fetch their first configuration from.

Whoever asks wrongly learns nothing: an unknown token, an unknown serial number, a wrong circuit
and a malformed request are all the same empty 403.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

from fastapi import APIRouter, Request, Response

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SERIAL = re.compile(r"[A-Za-z0-9-]{4,32}")
_EVENT = re.compile(r"started|failed|completed")
_RANGE = re.compile(r"bytes=(\d{0,9})-(\d{0,9})")
"""One range (RFC 9110 section 14.1.2), such as a boot loader asks for when it goes on."""
_FETCH = ["GET", "HEAD"]
_DETAIL = re.compile(r"[A-Za-z0-9._ -]{0,200}")


class ZtpRefused(Exception):
    """The bootstrap server does not serve this request; the reason stays inside."""


Serial = Callable[[str], str]
"""Returns the serial number that the request names in a header; raises ZtpRefused without one."""


class BootstrapServer(Protocol):
    """Who decides what a router gets; the engine fulfils it.

    Every method raises ZtpRefused for a token, serial number or address it does not serve.
    ``client`` is the address the request came from, as the socket says. Answers are the same bytes
    on every call until the router has told that it has its configuration, and then never again.
    Methods are called from worker threads.
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


def router(bootstrap: BootstrapServer) -> APIRouter:
    """Return the routes below ``/ztp/v1/{token}/``.

    The address of the socket's other end is part of the proof, so that no header can name it;
    routers have to reach this service without a proxy in between.
    """
    routes = APIRouter(prefix="/ztp/v1/{token}", include_in_schema=False)

    def who(token: str, serial: str, request: Request) -> tuple[str, str, str]:
        return _checked(_TOKEN, token), _checked(_SERIAL, serial), peer(request)

    @routes.api_route("/ztp.py", methods=_FETCH)
    def script(token: str, request: Request) -> Response:
        def serial(header: str) -> str:
            return _checked(_SERIAL, request.headers.get(header, ""))

        def day0() -> bytes:
            return bootstrap.script(_checked(_TOKEN, token), serial, peer(request))

        return _answer(day0, request)

    @routes.api_route("/config/{serial}", methods=_FETCH)
    def config(token: str, serial: str, request: Request) -> Response:
        return _answer(lambda: bootstrap.config(*who(token, serial, request)), request)

    @routes.api_route("/sha512/{serial}", methods=_FETCH)
    def sha512(token: str, serial: str, request: Request) -> Response:
        return _answer(
            lambda: bootstrap.sha512(*who(token, serial, request)).encode() + b"\n", request
        )

    @routes.api_route("/exec/{serial}", methods=_FETCH)
    def exec_lines(token: str, serial: str, request: Request) -> Response:
        return _answer(lambda: bootstrap.exec_lines(*who(token, serial, request)), request)

    @routes.get("/event/{serial}/{name}")
    def event(token: str, serial: str, name: str, request: Request, d: str = "") -> Response:
        def noted() -> bytes:
            known, detail = _checked(_EVENT, name), _checked(_DETAIL, d)
            bootstrap.event(*who(token, serial, request), known, detail)
            return b"ok\n"

        return _answer(noted, request)

    return routes


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ZtpRefused
    return text


def _answer(produce: Callable[[], bytes], request: Request) -> Response:
    headers = {"cache-control": "no-store", "accept-ranges": "bytes"}
    try:
        content = produce()
    except ZtpRefused:
        return Response(status_code=HTTPStatus.FORBIDDEN, headers={"cache-control": "no-store"})
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None:  # RFC 9110 section 14.2: what is not understood is ignored
        return Response(content, media_type="text/plain", headers=headers)
    part = _part(len(content), *asked.groups())
    if part is None:
        headers["content-range"] = f"bytes */{len(content)}"
        return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
    first, last = part
    headers["content-range"] = f"bytes {first}-{last}/{len(content)}"
    body = content[first : last + 1]
    return Response(body, HTTPStatus.PARTIAL_CONTENT, headers, media_type="text/plain")


def _part(length: int, first: str, last: str) -> tuple[int, int] | None:
    """Return the first and the last byte of a range, ``None`` for one that lies outside."""
    if not first:
        begin, end = max(0, length - int(last or 0)), length - 1
    else:
        begin, end = int(first), min(int(last) if last else length - 1, length - 1)
    return (begin, end) if begin <= end else None
