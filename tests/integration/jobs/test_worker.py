"""The worker against a database that fails and workers that were killed."""

import asyncio
import queue
import threading
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from procrastinate import App, PsycopgConnector

from rom.jobs import wakes
from rom.jobs.wakes import Wakes, Worker, install
from rom.store.database import make_engine, plain_url
from rom.store.embedded import EmbeddedPostgres


class Recorder:
    """Handlers that only tell what they were called with."""

    def __init__(self) -> None:
        self.sites: queue.Queue[str] = queue.Queue()
        self.measured: queue.Queue[str] = queue.Queue()
        self.sweeps: queue.Queue[bool] = queue.Queue()
        self.hold = threading.Event()
        self.hold.set()

    def advance_site(self, site: str) -> None:
        self.sites.put(site)

    def measure_site(self, site: str) -> None:
        self.measured.put(site)
        self.hold.wait(30)

    def write_device(self, device: str) -> None:
        raise RuntimeError(device)

    def sweep(self, *, thorough: bool) -> None:
        self.sweeps.put(thorough)


@pytest.fixture
def url(database_url: str) -> str:
    engine = make_engine(database_url)
    install(engine, plain_url(database_url))
    engine.dispose()
    return plain_url(database_url)


def leave_a_job_of_a_killed_worker(url: str) -> None:
    """Put a site's job under way at a worker whose heart stopped long ago."""
    engine = make_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as connection:
        worker = connection.scalar(
            sa.text(
                "INSERT INTO procrastinate_workers (last_heartbeat) "
                "VALUES (now() - interval '1 hour') RETURNING id"
            )
        )
        connection.execute(
            sa.text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :worker"),
            {"worker": worker},
        )
    engine.dispose()


def test_a_killed_workers_job_gives_its_lock_back_also_when_the_same_wake_up_waits_anew(
    url: str,
) -> None:
    waker = Wakes(url)
    waker.site("MELB")
    leave_a_job_of_a_killed_worker(url)
    waker.site("MELB")  # the sweep of the next process; it waits for the lock
    handlers = Recorder()
    worker = Worker(url, handlers, 2)
    worker.start()
    try:
        assert handlers.sites.get(timeout=20) == "MELB"
    finally:
        worker.stop()
        waker.close()


def test_a_measurement_holds_up_neither_its_site_nor_the_end_of_the_process(url: str) -> None:
    waker = Wakes(url)
    handlers = Recorder()
    handlers.hold.clear()
    worker = Worker(url, handlers, 1)
    worker.start()
    try:
        waker.measurement("MELB")
        assert handlers.measured.get(timeout=10) == "MELB"
        waker.site("MELB")
        assert handlers.sites.get(timeout=10) == "MELB"
        worker.stop(seconds=10)
        assert not worker.alive
        assert not handlers.hold.is_set()
    finally:
        handlers.hold.set()
        worker.stop()
        waker.close()


def test_a_handler_that_raises_leaves_the_worker_alive(url: str) -> None:
    waker = Wakes(url)
    handlers = Recorder()
    worker = Worker(url, handlers, 1)
    worker.start()
    try:
        waker.device("OLT")
        waker.site("MELB")
        assert handlers.sites.get(timeout=10) == "MELB"
        assert worker.alive
    finally:
        worker.stop()
        waker.close()


def test_the_worker_goes_on_after_the_database_was_away(
    scratch_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakes, "RESTART_SECONDS", 0.1)
    place = scratch_root / uuid4().hex[:8]
    with EmbeddedPostgres(place, durable=False) as server:
        engine = make_engine(server.url)
        install(engine, plain_url(server.url))
        engine.dispose()
        handlers = Recorder()
        worker = Worker(plain_url(server.url), handlers, 1)
        worker.start()
        try:
            server.stop()
            server.start()
            asyncio.run(_defer(plain_url(server.url)))
            assert handlers.sites.get(timeout=30) == "MELB"
        finally:
            worker.stop()


async def _defer(url: str) -> None:
    async with App(connector=PsycopgConnector(conninfo=url)).open_async() as app:
        job = app.configure_task(wakes.SITE_TASK, allow_unknown=True, queue="rom")
        await job.defer_async(site="MELB")
