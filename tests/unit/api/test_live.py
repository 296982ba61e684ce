"""Waiting for an order's next event within one process."""

import asyncio
from dataclasses import dataclass, field

from api.live import Live
from rom.model.errors import DatabaseUnavailable


@dataclass
class GrowingOutbox:
    """Answers each look with the next of its answers, then with nothing."""

    answers: list[list[tuple[int, str]] | Exception]
    asked: list[int | None] = field(default_factory=list)

    def grown(self, after: int | None) -> list[tuple[int, str]]:
        self.asked.append(after)
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return answer


async def _woken_by(live: Live, outbox: GrowingOutbox, order_id: str) -> None:
    watching = asyncio.create_task(live.watch(outbox))
    try:
        with live.waiter(order_id) as woken:
            await asyncio.wait_for(woken.wait(), 10)
    finally:
        watching.cancel()


def test_growth_of_the_outbox_wakes_who_waits_for_that_order() -> None:
    outbox = GrowingOutbox([[(7, "RO-1")], [(9, "RO-2")]])
    asyncio.run(_woken_by(Live(), outbox, "RO-2"))
    assert outbox.asked[:2] == [None, 7]


def test_a_database_that_does_not_answer_is_asked_again() -> None:
    lost = DatabaseUnavailable("its database does not answer", field="gateway")
    asyncio.run(_woken_by(Live(), GrowingOutbox([lost, [(1, "RO-1")]]), "RO-1"))


def test_an_event_of_another_order_wakes_nobody() -> None:
    async def scene() -> None:
        live = Live()
        with live.waiter("RO-1") as woken:
            await live.publish("RO-2", 5)
            assert not woken.is_set()
            await live.publish("RO-1", 6)
            assert woken.is_set()

    asyncio.run(scene())


def test_closing_wakes_everybody_and_whoever_comes_later() -> None:
    async def scene() -> None:
        live = Live()
        with live.waiter("RO-1") as first:
            live.close()
            assert first.is_set()
        with live.waiter("RO-2") as late:
            assert late.is_set()

    asyncio.run(scene())
