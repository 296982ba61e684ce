"""Waits for the first events of a stream."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

from fastapi import Request

from api.access.bearer import unauthorized
from api.access.principal import still_allowed
from api.live import Live
from api.ports import Document

MAX_WAIT_SECONDS = 25
"""Longest an event request is kept open; below the idle timeout of common proxies."""
_LOOK_SECONDS = 1.0
"""A waiter looks for itself so often, should a wake-up have been lost."""


async def first_events(
    request: Request,
    live: Live,
    stream: str,
    look: Callable[[], Awaitable[list[Document]]],
    wait: float,
) -> list[Document]:
    """Return what ``look`` finds, at the latest after ``wait`` seconds; then perhaps nothing."""
    deadline = monotonic() + wait
    with live.waiter(stream) as woken:
        while not (events := await look()):
            left = deadline - monotonic()
            if left <= 0 or live.closed or await request.is_disconnected():
                break
            with suppress(TimeoutError):
                await asyncio.wait_for(woken.wait(), min(left, _LOOK_SECONDS))
            woken.clear()
            if not await still_allowed(request):
                raise unauthorized(
                    "Authorization: the token is not valid any more", "Get a new one"
                )
        return events
