"""Until it is known whether there are tokens, nobody is let in."""

import asyncio
import threading
from http import HTTPStatus

import httpx
import pytest

from api.access.access import Access
from api.access.authentication import Authenticator
from rom.model.access import AccessToken
from rom.model.errors import DatabaseUnavailable
from tests.unit.access.issuer import RECORD, AccessInMemory, application

DEVICES = "/rom/v1/devices"


class SlowControl(AccessInMemory):
    """One whose database takes its time to say that there are tokens."""

    def __init__(self) -> None:
        super().__init__(tokens={"rom_x": RECORD})
        self.may_answer = threading.Event()
        self.asked = 0

    def tokens_made(self) -> bool:
        self.asked += 1
        self.may_answer.wait(10)
        return super().tokens_made()


async def statuses(control: AccessInMemory, number: int, *, release: bool) -> list[int]:
    app = application(Access(control, Authenticator(control, None)))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://rom") as client:
        asked = [asyncio.create_task(client.get(DEVICES)) for _ in range(number)]
        while release and not getattr(control, "asked", 1):
            await asyncio.sleep(0)
        if release and isinstance(control, SlowControl):
            control.may_answer.set()
        return [answer.status_code for answer in await asyncio.gather(*asked)]


def test_of_sixty_requests_in_the_first_moment_after_a_start_none_is_served() -> None:
    control = SlowControl()
    found = asyncio.run(statuses(control, 60, release=True))
    assert set(found) == {HTTPStatus.UNAUTHORIZED}
    assert control.asked == 1


class AwayControl(AccessInMemory):
    """One whose database does not answer, until it does."""

    away = True

    def tokens_made(self) -> bool:
        if self.away:
            raise DatabaseUnavailable("its database does not answer", field="gateway")
        return super().tokens_made()


@pytest.mark.parametrize("tokens", [{}, {"rom_x": RECORD}])
def test_while_the_database_does_not_answer_nobody_is_served_whatever_it_would_say(
    tokens: dict[str, AccessToken],
) -> None:
    control = AwayControl(tokens=tokens)
    assert set(asyncio.run(statuses(control, 5, release=False))) == {HTTPStatus.SERVICE_UNAVAILABLE}


def test_an_open_lab_that_loses_its_database_is_open_no_more_until_it_is_back() -> None:
    clock = [0.0]
    control = AwayControl()
    control.away = False
    authenticator = Authenticator(control, None, lambda: clock[0])

    async def story() -> list[str]:
        found = []
        for away in (False, True, False):
            control.away = away
            clock[0] += 1.0
            found.append((await authenticator.openness()).value)
        return found

    assert asyncio.run(story()) == ["open", "unknown", "open"]


def test_a_database_that_does_not_answer_is_asked_once_a_second_however_many_wait() -> None:
    class Counting(AwayControl):
        looks = 0

        def tokens_made(self) -> bool:
            self.looks += 1
            return super().tokens_made()

    control = Counting()
    asyncio.run(statuses(control, 40, release=False))
    assert control.looks == 1


def test_a_probe_does_not_wait_for_the_database() -> None:
    control = SlowControl()

    async def probed() -> int:
        app = application(Access(control, Authenticator(control, None)))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://rom") as client:
            return (await client.get("/healthz")).status_code

    assert asyncio.run(probed()) == HTTPStatus.OK
    assert control.asked == 0
