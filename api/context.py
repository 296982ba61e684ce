"""Gives every request an id, one log line and its measurements."""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from time import perf_counter
from uuid import uuid4

import structlog
from opentelemetry import trace
from prometheus_client import Counter, Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rom.metrics.work import note, working

REQUEST_ID = "X-Request-ID"
_USABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
_WAITING_ROUTES = frozenset({"/rom/v1/orders/{order_id}/events", "/rom/v1/events/stream"})

REQUESTS = Counter(
    "rom_http_requests_total", "HTTP requests answered", ["method", "route", "status"]
)
SECONDS = Histogram(
    "rom_http_request_seconds",
    "Time to answer an HTTP request; event requests wait on purpose and are left out",
    ["method", "route"],
)
_KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_log = structlog.get_logger(__name__)
_SUBJECTS: ContextVar[dict[str, str] | None] = ContextVar("subjects", default=None)


def about(**subjects: str) -> None:
    """Name what the request is about; it stands in its lines of the log, also in the last one."""
    note(**subjects)
    told = _SUBJECTS.get()
    if told is not None:  # a route in a thread has a copy of the context, but the same mapping
        told.update(subjects)


def current_request_id() -> str:
    """Return the id of the request being served, empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


class RequestContext:
    """ASGI middleware; the id of ``X-Request-ID`` is kept when it is usable, else a new one made.

    Logs and metrics name the route's template, never the path: a ZTP path holds a token.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        structlog.contextvars.clear_contextvars()
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _USABLE_ID.fullmatch(given) else uuid4().hex
        # Bound beyond the work below: what has gone wrong is answered outside of it.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        subjects: dict[str, str] = {}
        _SUBJECTS.set(subjects)
        started = perf_counter()
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with working(
            "request", _trace_of(scope), kind=trace.SpanKind.SERVER, request_id=request_id
        ):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                _account(scope, status, perf_counter() - started, subjects)


def _trace_of(scope: Scope) -> dict[str, str]:
    """Return the trace that the client says its request belongs to (W3C Trace Context)."""
    given = Headers(scope=scope)
    return {name: given[name] for name in ("traceparent", "tracestate") if name in given}


def _account(scope: Scope, status: int, seconds: float, subjects: Mapping[str, str]) -> None:
    route = getattr(scope.get("route"), "path", "unmatched")
    method = scope["method"] if scope["method"] in _KNOWN_METHODS else "other"
    REQUESTS.labels(method, route, status).inc()
    if route not in _WAITING_ROUTES:
        SECONDS.labels(method, route).observe(seconds)
    span = trace.get_current_span()
    span.update_name(f"{method} {route}")
    span.set_attributes(
        {"http.request.method": method, "http.route": route, "http.response.status_code": status}
    )
    level = "debug" if route in _QUIET_ROUTES else "info"
    getattr(_log, level)(
        "request",
        method=method,
        route=route,
        status=status,
        seconds=round(seconds, 4),
        **subjects,
    )
