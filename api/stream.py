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

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from sse_starlette import EventSourceResponse, ServerSentEvent

from api.access.principal import principal, still_allowed
from api.errors import ApiError
from api.events_port import EventsGateway, events_of
from api.live import EVERY_STREAM, Live
from api.ports import OrderGateway
from api.query import invalid_parameter, parameters, whole_number
from rom.model.event import EventFilter, PlacedEvent
from rom.model.event_types import api_of

PATH = "/rom/v1/events/stream"
HEARTBEAT_SECONDS = 15
ACCESS_SECONDS = 15.0
"""How long a stream goes on at most after its token has been revoked or has expired."""
MOST_STREAMS = 200
"""Open at once in one process; each looks into the database now and then."""
_LOOK_SECONDS = 1.0
_BATCH = 200
_HIGHEST = 2**63 - 1


def router(gateway: OrderGateway, live: Live) -> APIRouter:
    """Return the stream."""
    engine = events_of(gateway)
    routes = APIRouter(tags=["Events"])
    followers: set[object] = set()

    @routes.get(PATH)
    async def follow(request: Request) -> EventSourceResponse:
        """Send events as they happen, narrowed down to an order, a site or event types.

        Begins after ``Last-Event-ID`` or ``after``, without either with what happens from now on.
        """
        wanted, start = _asked(request)
        if len(followers) >= MOST_STREAMS:
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "tooManyStreams",
                f"stream: {MOST_STREAMS} are open already",
                "Try again later",
                {"Retry-After": "10"},
            )
        if start is None:
            start = await run_in_threadpool(engine.events.log.newest)

        async def counted() -> AsyncIterator[ServerSentEvent]:
            ticket = object()
            followers.add(ticket)
            try:
                async for event in _events(engine, live, wanted, start, request):
                    yield event
            finally:
                followers.discard(ticket)

        return EventSourceResponse(
            counted(), ping=HEARTBEAT_SECONDS, headers={"X-Accel-Buffering": "no"}
        )

    return routes


def _asked(request: Request) -> tuple[EventFilter, int | None]:
    found = parameters(request, {"order", "site", "eventType", "after"})
    types = frozenset(name for name in found.get("eventType", "").split(",") if name)
    for name in sorted(types):
        if api_of(name) is None:
            raise invalid_parameter("eventType", f"is no event: {name}", "See the SOM guide")
    wanted = EventFilter(
        order=found.get("order"),
        site=found.get("site"),
        event_types=types,
        scope=principal(request).scope,
    )
    resumed = request.headers.get("Last-Event-ID", "").strip()
    if resumed:
        found["after"] = resumed
    if "after" not in found:
        return wanted, None
    return wanted, whole_number(found, "after", 0, lowest=0, highest=_HIGHEST)


async def _events(
    engine: EventsGateway, live: Live, wanted: EventFilter, position: int, request: Request
) -> AsyncIterator[ServerSentEvent]:
    allowed_at = monotonic()
    with live.waiter(EVERY_STREAM) as woken:
        yield ServerSentEvent(comment="follow", retry=2000)
        while not live.closed:
            if monotonic() - allowed_at >= ACCESS_SECONDS:
                if not await still_allowed(request):
                    return
                allowed_at = monotonic()
            woken.clear()
            found, position = await run_in_threadpool(
                engine.events.log.after, position, wanted, _BATCH
            )
            for each in found:
                yield _shown(each)
            if len(found) < _BATCH and not live.closed:
                with suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), _LOOK_SECONDS)


def _shown(event: PlacedEvent) -> ServerSentEvent:
    text = json.dumps(event.payload, ensure_ascii=False, separators=(",", ":"))
    return ServerSentEvent(text, event=event.event_type, id=str(event.position))
