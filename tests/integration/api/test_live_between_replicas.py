"""Live events between two replicas, through a real server that speaks Redis' protocol."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from redis.asyncio import Redis

from api.live import STREAM, STREAM_LENGTH, Live, RedisLive, live_events
from tests.valkey import running_valkey


class EmptyOutbox:
    """What a replica sees that has not looked since."""

    def grown(self, after: int | None) -> list[tuple[int, str]]:
        return []


class OneEvent:
    """An outbox that grows once, at the second look."""

    def __init__(self) -> None:
        self._looks = 0

    def grown(self, after: int | None) -> list[tuple[int, str]]:
        self._looks += 1
        return [(41, "RO-1")] if self._looks == 2 else []


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with running_valkey() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


def test_what_one_replica_sees_wakes_who_waits_at_another(redis_url: str) -> None:
    async def scene() -> None:
        here, there = live_events(redis_url), live_events(redis_url)
        with there.waiter("RO-1") as woken:
            async with asyncio.TaskGroup() as group:
                running = [
                    group.create_task(there.run(EmptyOutbox())),
                    group.create_task(here.run(OneEvent())),
                ]
                await asyncio.wait_for(woken.wait(), 10)
                for task in running:
                    task.cancel()
        assert there.latest == 41

    asyncio.run(scene())


def test_the_stream_is_trimmed_and_strange_messages_are_passed_over(redis_url: str) -> None:
    async def scene() -> None:
        async with Redis.from_url(redis_url) as redis:
            async with redis.pipeline() as batch:
                for number in range(STREAM_LENGTH * 2):
                    batch.xadd(STREAM, {"order": "RO-0", "sequence": number})
                await batch.execute()
            live = RedisLive.at(redis_url)
            listening = asyncio.create_task(live.run(EmptyOutbox()))
            with live.waiter("RO-9") as woken:
                while not woken.is_set():  # listening begins somewhen
                    await redis.xadd(STREAM, {"colour": "red"})
                    await RedisLive(redis).publish("RO-9", 1)
                    await asyncio.wait([asyncio.ensure_future(woken.wait())], timeout=0.2)
            listening.cancel()
            assert await redis.xlen(STREAM) < STREAM_LENGTH * 1.2

    asyncio.run(scene())


def test_without_redis_waiters_of_this_process_are_still_woken() -> None:
    async def scene() -> None:
        live = RedisLive.at("redis://127.0.0.1:9/0")
        started = time.monotonic()
        with live.waiter("RO-1") as woken:
            await live.publish("RO-1", 3)
            assert woken.is_set()
        assert time.monotonic() - started < 5

    asyncio.run(scene())


def test_no_url_means_no_redis() -> None:
    assert type(live_events(None)) is Live
