"""Paths and queries are text: UTF-8 without control characters, or the request is refused."""

import re
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import ApiError, error_response

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class WellFormed:
    """ASGI middleware: what is no text is answered 400 before anybody looks at it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            raw_path = scope.get("raw_path") or scope["path"].encode()
            for place, raw in (("path", raw_path), ("query", scope["query_string"])):
                fault = _fault(raw)
                if fault is not None:
                    error = ApiError(
                        HTTPStatus.BAD_REQUEST,
                        "malformedRequest",
                        f"{place}: {fault}",
                        "Send UTF-8 without control characters, percent-encoded (RFC 3986)",
                    )
                    await error_response(error)(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def _fault(raw: bytes) -> str | None:
    try:
        text = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return "is not UTF-8"
    found = _CONTROL.search(text)
    return None if found is None else f"holds the control character U+{ord(found[0]):04X}"
