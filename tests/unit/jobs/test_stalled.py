"""Jobs of killed workers, found by several gateways at once."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from procrastinate.exceptions import ConnectorException
from psycopg.errors import AdminShutdown, RaiseException

from rom.jobs.wakes import _free_stalled


class Queue:
    """Two jobs of the dead; the first cannot be finished, for another reason each time."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause
        self.again: list[str] = []
        self.job_manager = self

    async def get_stalled_jobs(self, **_: Any) -> list[Any]:
        return [
            SimpleNamespace(
                id=number, task_name="rom:site", lock=f"site {number}", queueing_lock=None,
                queue="q", task_kwargs={},
            )
            for number in (1, 2)
        ]  # fmt: skip

    async def finish_job_by_id_async(self, number: int, *_: Any, **__: Any) -> None:
        if number == 1:
            raise ConnectorException from self.cause

    def configure_task(self, _name: str, *, lock: str, **_: Any) -> Any:
        async def defer_async() -> None:
            self.again.append(lock)

        return SimpleNamespace(defer_async=defer_async)


def test_a_job_that_another_gateway_has_freed_first_keeps_nobody_from_the_next() -> None:
    queue: Any = Queue(RaiseException("Job was not found or not in doing or todo status"))
    asyncio.run(_free_stalled(queue))
    assert queue.again == ["site 2"]


def test_any_other_failure_is_one() -> None:
    queue: Any = Queue(AdminShutdown("terminating connection"))
    with pytest.raises(ConnectorException):
        asyncio.run(_free_stalled(queue))
    assert queue.again == []
