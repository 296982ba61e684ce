"""Wakes requests that wait for an order's next event, also those of other replicas.

The outbox in the database is the only truth. One task in each process looks ten times a second
whether it has grown and wakes who waits for those orders; with ``ROM_REDIS_URL`` what one replica
sees goes through a Redis stream to the others, which need not have looked yet. Waiters look for
themselves now and then, so that neither a lost message nor a lost Redis loses an event.
"""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, Self, cast

import structlog
from fastapi.concurrency import run_in_threadpool
from redis.asyncio import Redis
from redis.exceptions import RedisError

from rom.model.errors import DatabaseUnavailable

STREAM = "rom:live"
STREAM_LENGTH = 10_000
"""About so many messages are kept; older ones have long been seen or are found in the database."""
EVERY_STREAM = ""
"""Whoever waits for this is woken by every order's and task's events."""
LOOK_SECONDS = 0.1
IDLE_LOOK_SECONDS = 0.4
"""A look that found nothing makes the next one later, up to this."""
_PAUSE_SECONDS = 1.0
_BLOCK_MILLISECONDS = 1000

_log = structlog.get_logger(__name__)
_Growth = list[tuple[int, str]]
# What the library answers over RESP2 without decoding, one of the shapes its types allow.
_Entries = list[tuple[bytes, dict[bytes, bytes]]]
_Messages = list[tuple[bytes, _Entries]]


class Outbox(Protocol):
    """The part of the gateway that knows its events. Methods block."""

    def grown(self, after: int | None) -> _Growth:
        """Return the last place of every order or task with events after ``after``, rising.

        Without ``after`` only the last one of all, if there is any.
        """


class Live:
    """Wakes waiters of this process. Belongs to one event loop."""

    def __init__(self) -> None:
        self.latest: int | None = None
        """Highest place heard of; ``None`` before the first look."""
        self.closed = False
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)

    def tell(self, order_id: str, sequence: int) -> None:
        """Wake everybody who waits for the order, or for all of them."""
        self.latest = max(sequence, self.latest or 0)
        for stream in {order_id, EVERY_STREAM}:
            for waiter in self._waiting.get(stream, ()):
                waiter.set()

    def close(self) -> None:
        """Wake everybody, and let nobody wait any more."""
        self.closed = True
        for waiter in itertools.chain.from_iterable(self._waiting.values()):
            waiter.set()

    @contextmanager
    def waiter(self, order_id: str) -> Iterator[asyncio.Event]:
        """Yield what is set at the order's next event; enter before looking for events."""
        event = asyncio.Event()
        waiting = self._waiting[order_id]
        waiting.add(event)
        if self.closed:
            event.set()
        try:
            yield event
        finally:
            waiting.discard(event)
            if not waiting:
                self._waiting.pop(order_id, None)

    async def publish(self, order_id: str, sequence: int) -> None:
        """Say that the order has got an event."""
        self.tell(order_id, sequence)

    async def listen(self) -> None:
        """Hear other replicas until cancelled; alone there are none."""

    async def watch(self, outbox: Outbox) -> None:
        """Publish what grows in the outbox until cancelled."""
        pause = LOOK_SECONDS
        while True:
            try:
                found = await run_in_threadpool(outbox.grown, self.latest)
            except DatabaseUnavailable:
                _log.warning("outbox cannot be read")
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            self.latest = self.latest or 0
            for sequence, order_id in found:
                await self.publish(order_id, sequence)
            pause = LOOK_SECONDS if found else min(2 * pause, IDLE_LOOK_SECONDS)
            await asyncio.sleep(pause)

    async def run(self, outbox: Outbox) -> None:
        """Watch and listen until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.watch(outbox))
            group.create_task(self.listen())


class RedisLive(Live):
    """Wakes waiters of every process that has the same Redis."""

    def __init__(self, redis: Redis) -> None:
        super().__init__()
        self._redis = redis

    @classmethod
    def at(cls, url: str) -> Self:
        """Use the Redis of ``url``; connects when first needed."""
        return cls(Redis.from_url(url, protocol=2, socket_connect_timeout=5, socket_timeout=5))

    async def publish(self, order_id: str, sequence: int) -> None:
        """Wake waiters here at once and those of other replicas through the stream."""
        self.tell(order_id, sequence)
        try:
            await self._redis.xadd(
                STREAM,
                {"order": order_id, "sequence": sequence},
                maxlen=STREAM_LENGTH,
                approximate=True,
            )
        except RedisError as error:
            _log.warning("redis cannot be written", error=type(error).__name__)

    async def listen(self) -> None:
        """Wake waiters here for what others publish; goes on where it was when Redis comes back."""
        last: bytes | None = None
        while True:
            try:
                if last is None:
                    last = await self._newest()
                answer = cast(
                    _Messages,
                    await self._redis.xread({STREAM: last}, count=1000, block=_BLOCK_MILLISECONDS),
                )
            except RedisError as error:
                _log.warning("redis cannot be read", error=type(error).__name__)
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            for _, messages in answer or ():
                for last, message in messages:  # noqa: B007 - where to go on reading
                    self._heard(message)

    async def _newest(self) -> bytes:
        found = cast(_Entries, await self._redis.xrevrange(STREAM, count=1))
        return found[0][0] if found else b"0-0"

    def _heard(self, message: dict[bytes, bytes]) -> None:
        try:
            self.tell(message[b"order"].decode(), int(message[b"sequence"]))
        except (KeyError, ValueError):
            _log.warning("redis holds something that is not ours", stream=STREAM)

    async def run(self, outbox: Outbox) -> None:
        """Watch and listen until cancelled, then close the connections."""
        try:
            await super().run(outbox)
        finally:
            await self._redis.aclose()


def live_events(redis_url: str | None, redis: Callable[[str], Live] = RedisLive.at) -> Live:
    """Return what the settings ask for."""
    return Live() if redis_url is None else redis(redis_url)
