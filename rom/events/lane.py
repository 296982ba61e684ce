"""A listener's lane: sends what is due to it, each stream's events one after the other.

Lanes know nothing of each other, so a slow or dead listener delays nobody else. Within a lane a
few streams go at once; one that fails waits alone, unless nothing gets through at all.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import structlog
from pydantic import SecretStr

from rom.events.callback import CallbackPolicy
from rom.events.query import parse_query
from rom.events.queue import DeliveryQueue
from rom.events.sender import Sender
from rom.events.settings import EventSettings
from rom.model.event import DueDelivery, Subscription

log = structlog.get_logger()

_DOWN = 2
"""So many streams have to fail, and none succeed, until the listener itself counts as down."""


class Lane:
    """Delivers to one listener while this gateway holds it."""

    def __init__(
        self,
        listener: Subscription,
        secret: SecretStr | None,
        queue: DeliveryQueue,
        policy: CallbackPolicy,
        settings: EventSettings,
        tls: ssl.SSLContext,
        in_thread: Callable[..., Awaitable[Any]],
        held_until: float,
    ) -> None:
        self.held_until = held_until
        """When the lease ends, by this process's own clock."""
        self._listener = listener
        self._secret = secret
        self._queue = queue
        self._policy = policy
        self._settings = settings
        self._tls = tls
        self._in_thread = in_thread
        self._query = parse_query(listener.api, listener.query)
        self._failures = listener.failures
        self._failed = self._succeeded = 0
        self._stopping = False

    def stop(self) -> None:
        """Send nothing more; what is under way ends."""
        self._stopping = True

    async def run(self) -> None:
        """Deliver until nothing is due or nothing gets through."""
        settings = self._settings
        sender = Sender(
            self._policy,
            seconds=settings.event_timeout_seconds,
            connections=settings.event_parallel,
            tls=self._tls,
        )
        try:
            while not self._stopping:
                due = await self._in_thread(self._queue.due, self._listener.id)
                if not due or not await self._round(sender, due):
                    break
        finally:
            await sender.close()
            await self._in_thread(self._queue.give_back, self._listener.id)

    async def _round(self, sender: Sender, due: list[DueDelivery]) -> bool:
        """Send one batch; tells whether to go on with the next."""
        streams: dict[str, list[DueDelivery]] = {}
        for each in due:
            streams.setdefault(each.stream, []).append(each)
        self._failed = self._succeeded = 0
        # One that was down is asked by one request until it answers.
        abreast = asyncio.Semaphore(1 if self._failures else self._settings.event_parallel)
        async with asyncio.TaskGroup() as group:
            for stream in streams.values():
                group.create_task(self._stream(sender, stream, abreast))
        if self._succeeded:
            self._failures = 0
        elif self._is_down:
            self._failures += 1
            await self._in_thread(self._queue.pause, self._listener.id, self._failures)
        return self._may_send and self._failures == 0

    async def _stream(
        self, sender: Sender, due: list[DueDelivery], abreast: asyncio.Semaphore
    ) -> None:
        async with abreast:
            for each in due:
                if self._is_down or not self._may_send:
                    return
                if not await self._send(sender, each):
                    return

    async def _send(self, sender: Sender, due: DueDelivery) -> bool:
        event = self._query.select(due.payload)
        outcome = await sender.send(self._callback(event), event, self._secret)
        if outcome.taken:
            self._succeeded += 1
            if not await self._in_thread(self._queue.delivered, self._listener.id, due.id):
                self.stop()
        else:
            self._failed += 1
            log.warning(
                "event.not_taken",
                listener=self._listener.id,
                event_id=due.payload.get("eventId"),
                error=outcome.error,
            )
            await self._in_thread(self._queue.failed, self._listener.id, due.id, outcome.error)
        return outcome.taken

    def _callback(self, event: dict[str, Any]) -> str:
        callback = self._listener.callback
        if not (self._settings.callback_append_name and callback.endswith("/")):
            return callback
        name = str(event["eventType"])
        return f"{callback}listener/{name[:1].lower()}{name[1:]}"

    @property
    def _is_down(self) -> bool:
        enough = 1 if self._failures else _DOWN
        return self._failed >= enough and not self._succeeded

    @property
    def _may_send(self) -> bool:
        """An answer has to come before the lease may pass to another gateway."""
        return (
            not self._stopping
            and monotonic() + self._settings.event_timeout_seconds < self.held_until
        )
