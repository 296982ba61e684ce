"""Wake-ups through Procrastinate, a queue in PostgreSQL itself.

``lock`` keeps handlers of one site (or writers of one device) apart, ``queueing_lock`` folds many
wake-ups into one. They are deferred after the state's transaction has committed, so none is lost
to it; whatever a crash leaves unwoken the sweep finds.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Protocol

import sqlalchemy as sa
import structlog
from procrastinate import App, Blueprint, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ProcrastinateException

log = structlog.get_logger()

HEARTBEAT_SECONDS = 2.0
STALLED_SECONDS = 8.0
SWEEP_SECONDS = 1.0
THOROUGH_EVERY = 20  # sweeps

SITE_TASK = "rom:site"
DEVICE_TASK = "rom:device"
_NAMESPACE = "rom"


class Handlers(Protocol):
    """What the wake-ups call; each runs in a thread of its own."""

    def advance_site(self, site: str) -> None:
        """Take a site's items their next steps."""

    def write_device(self, device: str) -> None:
        """Write what waits for a device."""

    def sweep(self, *, thorough: bool) -> None:
        """Wake what is due, and, now and then, whatever a crash may have left unwoken."""


class Wakes:
    """Defers wake-ups; safe in any thread."""

    def __init__(self, url: str) -> None:
        self._app = App(connector=SyncPsycopgConnector(conninfo=url, min_size=1, max_size=4))
        self._app.open()

    def site(self, name: str) -> None:
        """Wake the site's handler."""
        self._defer(SITE_TASK, f"site/{name}", {"site": name})

    def device(self, name: str) -> None:
        """Wake the device's writer."""
        self._defer(DEVICE_TASK, f"device/{name}", {"device": name})

    def _defer(self, task: str, lock: str, arguments: dict[str, str]) -> None:
        job = self._app.configure_task(
            task, lock=lock, queueing_lock=lock, allow_unknown=True, queue="rom"
        )
        try:
            job.defer(**arguments)
        except AlreadyEnqueued:
            return  # somebody has woken it already and it has not started yet

    def close(self) -> None:
        """Give the connections back."""
        self._app.close()


def install(engine: sa.Engine, url: str) -> None:
    """Create Procrastinate's tables where there are none."""
    with engine.connect() as connection:
        if connection.scalar(sa.select(sa.func.to_regclass("procrastinate_jobs"))) is not None:
            return
    with App(connector=SyncPsycopgConnector(conninfo=url)).open() as app:
        app.schema_manager.apply_schema()


class Worker:
    """Runs wake-ups in a thread of its own until it is stopped."""

    def __init__(self, url: str, handlers: Handlers, concurrency: int) -> None:
        self._url = url
        self._handlers = handlers
        self._concurrency = concurrency
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready = threading.Event()
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Start and return when the worker takes jobs."""
        self._thread.start()
        self._ready.wait(timeout=30)
        if self._failure is not None:
            raise self._failure

    def stop(self, seconds: float = 20) -> None:
        """Take no more jobs, let those under way end, return when they have."""
        if self._loop is not None and self._task is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(timeout=seconds)

    @property
    def alive(self) -> bool:
        """Tell whether jobs are being taken."""
        return self._thread.is_alive() and self._failure is None

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            log.exception("worker.died")
            self._failure = error
        finally:
            self._ready.set()

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        connector = PsycopgConnector(conninfo=self._url, min_size=1, max_size=self._concurrency + 3)
        app = App(connector=connector)
        app.add_tasks_from(_tasks(self._handlers), namespace=_NAMESPACE)
        async with app.open_async():
            sweeper = asyncio.create_task(_sweep(app, self._handlers))
            self._task = asyncio.ensure_future(
                app.run_worker_async(
                    queues=["rom"],
                    concurrency=self._concurrency,
                    install_signal_handlers=False,
                    fetch_job_polling_interval=1.0,
                    shutdown_graceful_timeout=15,
                    update_heartbeat_interval=HEARTBEAT_SECONDS,
                    stalled_worker_timeout=STALLED_SECONDS,
                    delete_jobs="always",
                )
            )
            self._ready.set()
            try:
                await self._task
            finally:
                sweeper.cancel()


def _tasks(handlers: Handlers) -> Blueprint:
    blueprint = Blueprint()

    @blueprint.task(name="site")
    def advance_site(site: str) -> None:
        _supervised(handlers.advance_site, site)

    @blueprint.task(name="device")
    def write_device(device: str) -> None:
        _supervised(handlers.write_device, device)

    return blueprint


def _supervised(handler: Callable[[str], None], subject: str) -> None:
    """Run one handler; whatever it raises is logged, and the sweep tries again later."""
    try:
        handler(subject)
    except Exception:  # the supervised boundary of all handlers
        log.exception("handler.failed", handler=handler.__name__, subject=subject)


async def _sweep(app: App, handlers: Handlers) -> None:
    count = 0
    while True:
        try:
            await asyncio.to_thread(handlers.sweep, thorough=count % THOROUGH_EVERY == 0)
            # Jobs of a killed worker keep their locks for ever unless somebody takes them back.
            for job in await app.job_manager.get_stalled_jobs(
                seconds_since_heartbeat=STALLED_SECONDS
            ):
                await app.job_manager.retry_job(job)
        except (sa.exc.SQLAlchemyError, ProcrastinateException):
            log.exception("sweep.failed")
        count += 1
        await asyncio.sleep(SWEEP_SECONDS)
