"""Wake-ups through Procrastinate, a queue in PostgreSQL itself.

``lock`` keeps handlers of one site (or writers of one device) apart, ``queueing_lock`` folds many
wake-ups into one. They are deferred after the state's transaction has committed, so none is lost
to it; whatever a crash leaves unwoken the sweep finds.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Protocol

import structlog
from opentelemetry.trace import SpanKind
from procrastinate import App, Blueprint, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Status
from psycopg.errors import RaiseException

from rom.jobs.away import is_database_away, log_in_one_line
from rom.metrics.failures import noted, words
from rom.metrics.work import carried, working
from rom.store.database import Engine, has_table

log = structlog.get_logger(__name__)

HEARTBEAT_SECONDS = 1.0
STALLED_SECONDS = 5.0
SWEEP_SECONDS = 1.0
THOROUGH_EVERY = 5  # sweeps
# A wake-up that waits for its lock is not announced when the lock becomes free: look often.
POLL_SECONDS = 0.2
RESTART_SECONDS = 1.0
CONNECTION_SECONDS = 5.0
"""How long a connection to the database is waited for."""
SWEEP_LATE_SECONDS = 30.0
"""A sweep that has not ended for so long keeps the gateway from being ready."""
MEASUREMENTS = 32
"""Measurements at once in a process; each mostly sleeps between two packets."""

SITE_TASK = "rom:site"
DEVICE_TASK = "rom:device"
MEASURE_TASK = "rom:measure"
_NAMESPACE = "rom"
_QUEUE = "rom"
_MEASURE_QUEUE = "rom-measure"


class SweepFailed(Exception):
    """Steps of a sweep have failed, each noted with its id; the text names them."""


class Handlers(Protocol):
    """What the wake-ups call; each runs in a thread of its own."""

    def advance_site(self, site: str) -> None:
        """Take a site's items their next steps."""

    def write_device(self, device: str) -> None:
        """Write what waits for a device."""

    def measure_site(self, site: str) -> None:
        """Measure a site's service; takes minutes."""

    def sweep(self, *, thorough: bool) -> None:
        """Wake what is due, and, now and then, whatever a crash may have left unwoken.

        Raises ``SweepFailed``.
        """


class Wakes:
    """Defers wake-ups; safe in any thread.

    A database that does not answer is waited for ``wait_seconds``; the wake-up is the sweep's then.
    """

    def __init__(self, url: str, *, wait_seconds: float = CONNECTION_SECONDS) -> None:
        connector = SyncPsycopgConnector(conninfo=url, min_size=1, max_size=4, timeout=wait_seconds)
        self._app = App(connector=connector)
        self._app.open()

    def site(self, name: str) -> None:
        """Wake the site's handler."""
        self._defer(SITE_TASK, f"site/{name}", {"site": name})

    def device(self, name: str) -> None:
        """Wake the device's writer."""
        self._defer(DEVICE_TASK, f"device/{name}", {"device": name})

    def measurement(self, site: str) -> None:
        """Wake the site's measurement, which holds up neither its handler nor any device."""
        self._defer(MEASURE_TASK, f"measure/{site}", {"site": site}, queue=_MEASURE_QUEUE)

    def _defer(
        self, task: str, lock: str, arguments: dict[str, str], *, queue: str = _QUEUE
    ) -> None:
        job = self._app.configure_task(
            task, lock=lock, queueing_lock=lock, allow_unknown=True, queue=queue
        )
        try:
            job.defer(**arguments, **carried())
        except AlreadyEnqueued:
            return  # somebody has woken it already and it has not started yet
        except ConnectorException as error:
            # What is to be done stands in the tables: the sweep finds it when the database is back.
            if not is_database_away(error):
                raise
            log.warning("database.away", where="wake", lock=lock)

    def close(self) -> None:
        """Give the connections back."""
        self._app.close()


def install(engine: Engine, url: str) -> None:
    """Create Procrastinate's tables where there are none."""
    with engine.connect() as connection:
        if has_table(connection, "procrastinate_jobs"):
            return
    with App(connector=SyncPsycopgConnector(conninfo=url)).open() as app:
        app.schema_manager.apply_schema()


class Worker:
    """Runs wake-ups in a thread of its own until it is stopped; starts over when it fails."""

    def __init__(self, url: str, handlers: Handlers, concurrency: int) -> None:
        self._url = url
        self._handlers = handlers
        self._concurrency = concurrency
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._told = threading.Event()
        self._working = threading.Event()
        self._stopping = threading.Event()
        self._failure: BaseException | None = None
        self._sweeps = _Sweeps()
        log_in_one_line()

    def start(self) -> None:
        """Start and return when the worker takes jobs; raises what keeps it from that."""
        self._thread.start()
        self._told.wait(timeout=30)
        if self._failure is not None:
            raise self._failure

    def stop(self, seconds: float = 20) -> None:
        """Take no more jobs, let those under way end, return when they have.

        A measurement is given up; the next worker begins it anew.
        """
        self._stopping.set()
        loop, task = self._loop, self._task
        if loop is not None and task is not None and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)
        if self._thread.ident is not None:
            self._thread.join(timeout=seconds)

    @property
    def alive(self) -> bool:
        """Tell whether jobs are being taken."""
        return self._thread.is_alive() and self._working.is_set()

    def troubles(self) -> list[str]:
        """Return why work may be left undone; empty when it is not."""
        if not self.alive:
            return ["worker is not running"]
        return self._sweeps.troubles()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                asyncio.run(self._work())
            except asyncio.CancelledError:
                break
            except Exception as error:  # whatever ended the worker, the next one may live
                self._working.clear()
                if not self._told.is_set():
                    self._failure = error
                    break
                if is_database_away(error):
                    log.warning("database.away", where="worker", error=type(error).__name__)
                else:
                    log.exception("worker.died")
                self._stopping.wait(RESTART_SECONDS)
        self._working.clear()
        self._told.set()

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_default_executor(ThreadPoolExecutor(self._concurrency + 2, "handler"))
        connector = PsycopgConnector(
            conninfo=self._url,
            min_size=1,
            max_size=self._concurrency + 5,
            timeout=CONNECTION_SECONDS,
        )
        app = App(connector=connector)
        app.add_tasks_from(_tasks(self._handlers), namespace=_NAMESPACE)
        async with app.open_async():
            self._task = asyncio.create_task(self._together(app))
            self._working.set()
            self._told.set()
            if self._stopping.is_set():
                self._task.cancel()
            await self._task

    async def _together(self, app: App) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_sweep(app, self._handlers, self._sweeps))
            group.create_task(_queue(app, _QUEUE, self._concurrency, grace=15))
            group.create_task(_queue(app, _MEASURE_QUEUE, MEASUREMENTS, grace=0.1))


class WorkerEnded(Exception):
    """Procrastinate's worker has ended though nobody asked it to."""


async def _queue(app: App, queue: str, concurrency: int, grace: float) -> None:
    await app.run_worker_async(
        queues=[queue],
        concurrency=concurrency,
        install_signal_handlers=False,
        fetch_job_polling_interval=POLL_SECONDS,
        shutdown_graceful_timeout=grace,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=STALLED_SECONDS,
        delete_jobs="always",
    )
    raise WorkerEnded(queue)


def _tasks(handlers: Handlers) -> Blueprint:
    blueprint = Blueprint()

    @blueprint.task(name="site")
    def advance_site(site: str, **since: str) -> None:
        _supervised(handlers.advance_site, site, since, subject="site")

    @blueprint.task(name="device")
    def write_device(device: str, **since: str) -> None:
        _supervised(handlers.write_device, device, since, subject="device")

    @blueprint.task(name="measure")
    async def measure_site(site: str, **since: str) -> None:
        await _apart(partial(_supervised, handlers.measure_site, site, since, subject="site"))

    return blueprint


async def _apart(work: Callable[[], None]) -> None:
    """Run minutes of work in a thread that does not keep the process from ending."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def run() -> None:
        try:
            work()
        finally:
            with suppress(RuntimeError):  # the loop has ended, so nobody waits any more
                loop.call_soon_threadsafe(done.set)

    threading.Thread(target=run, name="measurement", daemon=True).start()
    await done.wait()


def _supervised(
    handler: Callable[[str], None], name: str, since: dict[str, str], *, subject: str
) -> None:
    """Run one handler; whatever it raises is logged, and the sweep tries again later."""
    named = {"site": name} if subject == "site" else {"device": name}
    with working(f"{subject} handler", since, kind=SpanKind.CONSUMER, **named):
        try:
            handler(name)
        except Exception as error:  # noqa: BLE001 - the supervised boundary of all handlers
            noted(handler.__name__, error)


@dataclass(slots=True)
class _Sweeps:
    """How the sweeps go."""

    ended: float = field(default_factory=monotonic)
    failure: str | None = None

    def troubles(self) -> list[str]:
        found = []
        late = monotonic() - self.ended
        if late > SWEEP_LATE_SECONDS:
            found.append(f"the sweep has not ended for {late:.0f} s")
        if self.failure is not None:
            found.append(f"the sweep fails: {self.failure}")
        return found


async def _sweep(app: App, handlers: Handlers, sweeps: _Sweeps) -> None:
    count = 0
    while True:
        try:
            await _free_stalled(app)
            await asyncio.to_thread(handlers.sweep, thorough=count % THOROUGH_EVERY == 0)
            sweeps.failure = None
        except Exception as error:  # noqa: BLE001 - the supervised boundary of the sweep
            sweeps.failure = _said(error)
        sweeps.ended = monotonic()
        count += 1
        await asyncio.sleep(SWEEP_SECONDS)


def _said(error: Exception) -> str:
    """Return what readiness says of a sweep's end; what was not noted yet is."""
    if is_database_away(error):
        log.warning("database.away", where="sweep", error=type(error).__name__)
        return "the database does not answer"
    if isinstance(error, SweepFailed):
        return str(error)
    return words(noted("sweep", error) or "")


async def _free_stalled(app: App) -> None:
    """Give back the locks of killed workers' jobs, and wake whom those were for.

    They are not retried as they are: that fails for ever once the same wake-up waits anew.
    """
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        if job.id is None:
            continue
        try:
            await app.job_manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)
        except ConnectorException as error:
            if not isinstance(error.__cause__, RaiseException):
                raise
            continue  # another gateway has done so, and wakes
        log.warning("job.stalled", task=job.task_name, lock=job.lock)
        again = app.configure_task(
            job.task_name, lock=job.lock, queueing_lock=job.queueing_lock, queue=job.queue
        )
        with suppress(AlreadyEnqueued):
            await again.defer_async(**job.task_kwargs)
