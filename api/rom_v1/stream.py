"""Events as they happen, as server-sent events (WHATWG HTML, section 9.2) for consoles.

An event's id is its place in the log. A client that reconnects sends the last one as
``Last-Event-ID``, as browsers do by themselves, and misses nothing.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.access.principal import still_allowed
from api.dependencies import MAX_NUMBER, EventsPart, LivePart, Place, Within
from api.errors import ERRORS, ApiError
from api.filters import invalid_parameter
from api.live import EVERY_STREAM, Live
from api.query import whole_number
from api.strict_route import StrictRoute
from rom.gateway.events import Events
from rom.model.event import EventFilter, PlacedEvent
from rom.model.event_types import api_of

PATH = "/rom/v1/events/stream"
HEARTBEAT_SECONDS = 15
ACCESS_SECONDS = 1.0
"""How long a silent stream stays open after its token has been revoked or has expired."""
MOST_STREAMS = 200
"""Open at once in one process; each looks into the database now and then."""
_LOOK_SECONDS = 1.0
_BATCH = 200


routes = APIRouter(tags=["Events"], route_class=StrictRoute, responses=ERRORS)
EventTypes = Annotated[str, Query(alias="eventType")]


class Followers:
    """The streams that are open in one application."""

    def __init__(self) -> None:
        self._open: set[object] = set()

    def refuse_more(self) -> None:
        """Raise ``ApiError`` (503) when there are ``MOST_STREAMS``."""
        if len(self._open) >= MOST_STREAMS:
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "tooManyStreams",
                f"stream: {MOST_STREAMS} are open already",
                "Try again later",
                {"Retry-After": "10"},
            )

    async def counted(
        self, events: AsyncIterator[ServerSentEvent]
    ) -> AsyncIterator[ServerSentEvent]:
        """Yield the events of one more stream."""
        ticket = object()
        self._open.add(ticket)
        try:
            async for event in events:
                yield event
        finally:
            self._open.discard(ticket)


@routes.get(
    PATH,
    operation_id="streamEvents",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def follow(
    request: Request,
    log: EventsPart,
    live: LivePart,
    within: Within,
    order: str | None = None,
    site: str | None = None,
    event_type: EventTypes = "",
    after: Place | None = None,
) -> EventSourceResponse:
    """Send events as they happen, narrowed down to an order, a site or event types.

    Begins after ``Last-Event-ID`` or ``after``, without either with what happens from now on.
    """
    wanted = EventFilter(order=order, site=site, event_types=_types(event_type), scope=within)
    start = _resumed(request, after)
    followers: Followers = request.app.state.followers
    followers.refuse_more()
    if start is None:
        start = await run_in_threadpool(log.newest)
    return EventSourceResponse(
        followers.counted(_events(log, live, wanted, start, request)),
        ping=HEARTBEAT_SECONDS,
        headers={"X-Accel-Buffering": "no"},
    )


def _types(names: str) -> frozenset[str]:
    types = frozenset(name for name in names.split(",") if name)
    for name in sorted(types):
        if api_of(name) is None:
            raise invalid_parameter("eventType", f"is no event: {name}", "See the SOM guide")
    return types


def _resumed(request: Request, after: int | None) -> int | None:
    resumed = request.headers.get("Last-Event-ID", "").strip()
    if not resumed:
        return after
    return whole_number({"after": resumed}, "after", 0, lowest=0, highest=MAX_NUMBER)


async def _events(
    log: Events, live: Live, wanted: EventFilter, position: int, request: Request
) -> AsyncIterator[ServerSentEvent]:
    allowed_at = monotonic()
    with live.waiter(EVERY_STREAM) as woken:
        yield ServerSentEvent(comment="follow", retry=2000)
        while not live.closed:
            woken.clear()
            found, position = await run_in_threadpool(log.after, position, wanted, _BATCH)
            # Before anything is told, and when nothing is, so that the stream ends as well.
            if found or monotonic() - allowed_at >= ACCESS_SECONDS:
                if not await still_allowed(request):
                    return
                allowed_at = monotonic()
            for each in found:
                yield _shown(each)
            if len(found) < _BATCH and not live.closed:
                with suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), _LOOK_SECONDS)


def _shown(event: PlacedEvent) -> ServerSentEvent:
    text = json.dumps(event.payload, ensure_ascii=False, separators=(",", ":"))
    return ServerSentEvent(text, event=event.event_type, id=str(event.position))
