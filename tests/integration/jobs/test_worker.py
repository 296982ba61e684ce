"""The worker against a database that fails and workers that were killed."""

import asyncio
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

import pytest
import sqlalchemy as sa
from procrastinate import App, PsycopgConnector

from rom.jobs import wakes
from rom.jobs.wakes import SweepFailed, Wakes, Worker, install
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
        self.sweep_fails: Exception | None = None
        self.sweep_holds = threading.Event()
        self.sweep_holds.set()

    def advance_site(self, site: str) -> None:
        self.sites.put(site)

    def measure_site(self, site: str) -> None:
        self.measured.put(site)
        self.hold.wait(30)

    def write_device(self, device: str) -> None:
        raise RuntimeError(device)

    def sweep(self, *, thorough: bool) -> None:
        self.sweeps.put(thorough)
        self.sweep_holds.wait(30)
        if self.sweep_fails is not None:
            raise self.sweep_fails


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


def eventually(found: Callable[[], list[str]], wanted: Callable[[list[str]], bool]) -> list[str]:
    until = monotonic() + 15
    while monotonic() < until:
        told = found()
        if wanted(told):
            return told
        sleep(0.02)
    pytest.fail(f"still {found()}")


def test_a_sweep_that_fails_or_does_not_end_keeps_the_gateway_from_being_ready(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakes, "SWEEP_SECONDS", 0.05)
    monkeypatch.setattr(wakes, "SWEEP_LATE_SECONDS", 0.3)
    handlers = Recorder()
    worker = Worker(url, handlers, 1)
    assert worker.troubles() == ["worker is not running"]
    worker.start()
    try:
        assert worker.troubles() == []
        handlers.sweep_fails = SweepFailed("1 of 9 steps: 0123456789ab")
        told = eventually(worker.troubles, bool)
        assert told == ["the sweep fails: 1 of 9 steps: 0123456789ab"]
        handlers.sweep_fails = KeyError("x")
        eventually(worker.troubles, lambda now: bool(now) and now != told)
        handlers.sweep_fails = None
        eventually(worker.troubles, lambda now: not now)
        handlers.sweep_holds.clear()
        (late,) = eventually(worker.troubles, bool)
        assert late.startswith("the sweep has not ended for")
        handlers.sweep_holds.set()
        eventually(worker.troubles, lambda now: not now)
    finally:
        handlers.sweep_holds.set()
        worker.stop()


def test_a_wake_up_that_finds_no_database_is_left_to_the_sweep(
    scratch_root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = scratch_root / uuid4().hex[:8]
    with EmbeddedPostgres(place, durable=False) as server:
        engine = make_engine(server.url)
        install(engine, plain_url(server.url))
        engine.dispose()
        waker = Wakes(plain_url(server.url), wait_seconds=1)
        server.stop()
        waker.site("MELB")
        waker.close()


def test_the_worker_goes_on_after_the_database_was_away(
    scratch_root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
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
            (told,) = eventually(worker.troubles, bool)
            assert told in (
                "worker is not running",
                "the sweep fails: the database does not answer",
            )
            server.start()
            asyncio.run(_defer(plain_url(server.url)))
            assert handlers.sites.get(timeout=30) == "MELB"
            eventually(worker.troubles, lambda now: not now)
        finally:
            worker.stop()
    assert "Traceback" not in caplog.text


async def _defer(url: str) -> None:
    async with App(connector=PsycopgConnector(conninfo=url)).open_async() as app:
        job = app.configure_task(wakes.SITE_TASK, allow_unknown=True, queue="rom")
        await job.defer_async(site="MELB")
