"""Runs event delivery beside the workers: takes in new events, a lane for each listener with work.

Several gateways on one database share it: one at a time takes in events, and each listener belongs
to one of them for the length of a lease. Whatever is killed anywhere loses nothing; at worst an
event is sent again, under the same ``eventId``.
"""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog
from pydantic import SecretStr

from rom.events.callback import CallbackPolicy
from rom.events.fan_out import fan_out
from rom.events.lane import Lane
from rom.events.queue import DeliveryQueue
from rom.events.settings import EventSettings
from rom.events.upkeep import bury_old, prune, remove_lapsed
from rom.model.event import Subscription
from rom.store.database import DatabaseAway, Engine
from rom.vault.vault import Vault

log = structlog.get_logger()

LOOK_SECONDS = 0.1
IDLE_LOOK_SECONDS = 0.5
"""A look that found nothing makes the next one later, up to this: an idle gateway costs little."""
_BURY_SECONDS = 5.0
_PRUNE_SECONDS = 60.0
_RETRY_SECONDS = 1.0
_THREADS = 4


class Dispatcher:
    """Delivers in a thread of its own from ``start`` to ``stop``."""

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        policy: CallbackPolicy,
        settings: EventSettings,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._policy = policy
        self._settings = settings
        self._queue = DeliveryQueue(engine, settings, holder=str(uuid4()))
        # Made once: reading the authorities takes longer than many a delivery.
        self._tls = ssl.create_default_context(cafile=settings.callback_ca_file)
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """Send nothing more, and return when what is under way has been answered."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=self._settings.event_timeout_seconds + 5)

    def _run(self) -> None:
        with ThreadPoolExecutor(_THREADS, "events") as threads:
            asyncio.run(self._deliver(partial(_in_thread, threads)))

    async def _deliver(self, in_thread: Callable[..., Awaitable[Any]]) -> None:
        chores = {
            self._chore(in_thread, LOOK_SECONDS, self._look, slowest=IDLE_LOOK_SECONDS),
            self._chore(in_thread, self._settings.event_timeout_seconds / 4, self._renew),
            self._chore(in_thread, _BURY_SECONDS, self._bury),
            self._chore(in_thread, _PRUNE_SECONDS, self._prune),
        }
        await asyncio.gather(*chores)
        for lane in self._lanes.values():
            lane.stop()
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _chore(
        self,
        in_thread: Callable[..., Awaitable[Any]],
        seconds: float,
        work: Callable[[Callable[..., Awaitable[Any]]], Awaitable[bool | None]],
        slowest: float | None = None,
    ) -> None:
        """Do something every few seconds, whatever went wrong the last time.

        Work that tells that there was none is done ever later, down to every ``slowest`` seconds.
        """
        pause = seconds
        while not self._stopping.is_set():
            try:
                idle = await work(in_thread) is False
                pause = min(2 * pause, slowest) if idle and slowest is not None else seconds
            except DatabaseAway as error:
                log.warning("database.away", where="events", error=type(error).__name__)
                pause = max(seconds, _RETRY_SECONDS)
            except Exception:  # the supervised boundary of delivery, which must go on
                log.exception("events.failed", chore=work.__name__)
                pause = max(seconds, _RETRY_SECONDS)
            await self._rest(pause)

    async def _rest(self, seconds: float) -> None:
        until = monotonic() + seconds
        while not self._stopping.is_set() and (left := until - monotonic()) > 0:
            await asyncio.sleep(min(left, LOOK_SECONDS))

    async def _look(self, in_thread: Callable[..., Awaitable[Any]]) -> bool:
        """Take in what is new and open lanes; tells whether there was anything to do."""
        found = False
        while await in_thread(fan_out, self._engine):
            found = True
        held_until = monotonic() + self._settings.event_lease_seconds
        for listener in await in_thread(self._queue.take, list(self._lanes)):
            found = True
            try:
                lane = self._lane(listener, in_thread, held_until)
            except Exception:  # supervised: other listeners have lanes nevertheless
                log.exception("lane.failed", listener=listener.id)
                continue
            self._lanes[listener.id] = lane
            task = asyncio.create_task(self._supervised(listener.id, lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return found

    def _lane(
        self, listener: Subscription, in_thread: Callable[..., Awaitable[Any]], held_until: float
    ) -> Lane:
        return Lane(
            listener,
            self._secret(listener),
            self._queue,
            self._policy,
            self._settings,
            self._tls,
            in_thread,
            held_until,
        )

    async def _supervised(self, listener_id: str, lane: Lane) -> None:
        try:
            await lane.run()
        except DatabaseAway as error:
            log.warning("database.away", where="lane", error=type(error).__name__)
            await self._rest(_RETRY_SECONDS)
        except Exception:  # the supervised boundary of one lane; it is taken up again
            log.exception("lane.failed", listener=listener_id)
            await self._rest(_RETRY_SECONDS)
        finally:
            self._lanes.pop(listener_id, None)

    def _secret(self, listener: Subscription) -> SecretStr | None:
        if listener.sealed_secret is None:
            return None
        return SecretStr(self._vault.unseal(listener.sealed_secret).decode())

    async def _renew(self, in_thread: Callable[..., Awaitable[Any]]) -> None:
        lanes = dict(self._lanes)
        if not lanes:
            return
        held_until = monotonic() + self._settings.event_lease_seconds
        ours = await in_thread(self._queue.renew, list(lanes))
        for listener_id, lane in lanes.items():
            if listener_id in ours:
                lane.held_until = held_until
            else:
                lane.stop()

    async def _bury(self, in_thread: Callable[..., Awaitable[Any]]) -> None:
        await in_thread(bury_old, self._engine, self._settings.event_give_up_seconds)
        await in_thread(remove_lapsed, self._engine)

    async def _prune(self, in_thread: Callable[..., Awaitable[Any]]) -> None:
        while await in_thread(prune, self._engine, self._settings.event_keep_seconds):
            continue


async def _in_thread(threads: ThreadPoolExecutor, work: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(threads, partial(work, *arguments))
