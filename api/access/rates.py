"""How often a client may ask: a moving window each for reads, writes and booting routers.

The windows are this process's own or, with ``ROM_REDIS_URL``, shared by all replicas. A Redis that
does not answer costs nobody a request: the process counts for itself until it is back.
"""

import math
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Literal

import structlog
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

from api.errors import ApiError

DEFAULT_READS = "1000/10 seconds"
DEFAULT_WRITES = "200/10 seconds"
OFF = "off"
RETRY_REDIS_SECONDS = 5.0
_REDIS_SECONDS = 0.5
_PREFIX = "rom:rate"
DEFAULT_BOOTS = "600/60 seconds"
"""From one address; a router needs ten requests, and a relay may speak for some of them."""
Kind = Literal["reads", "writes", "boots"]
_log = structlog.get_logger(__name__)


def rate(text: str | None, default: str | None) -> RateLimitItem | None:
    """Return the limit that ``text`` means; raises ``ValueError``."""
    chosen = default if text is None else text
    return None if chosen is None or chosen.strip().lower() == OFF else parse(chosen)


class Rates:
    """Counts requests by client. Belongs to one event loop."""

    def __init__(
        self,
        reads: RateLimitItem | None,
        writes: RateLimitItem | None,
        redis_url: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        boots: RateLimitItem | None = None,
    ) -> None:
        self._limits = {"reads": reads, "writes": writes, "boots": boots}
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._shared = None if redis_url is None else _shared(redis_url)
        self._clock = clock
        self._alone_until = 0.0
        self._alone = False

    async def admit(self, client: str, kind: Kind) -> None:
        """Count one request; raises ``ApiError`` (429) with ``Retry-After`` above the limit."""
        limit = self._limits[kind]
        if limit is None:
            return
        seconds = await self._wait(limit, kind, client)
        if seconds:
            raise ApiError(
                HTTPStatus.TOO_MANY_REQUESTS,
                "tooManyRequests",
                f"client: more {kind} than {limit}",
                f"Wait {seconds} s, and ask less often",
                {"Retry-After": str(seconds)},
            )

    async def _wait(self, limit: RateLimitItem, kind: str, client: str) -> int:
        """Return 0 when the request may go, else the seconds until another may."""
        if self._shared is not None and self._clock() >= self._alone_until:
            try:
                seconds = await _counted(self._shared, limit, kind, client)
            except StorageError as error:
                self._lost(error)
            else:
                self._found()
                return seconds
        return await _counted(self._own, limit, kind, client)

    def _lost(self, error: StorageError) -> None:
        self._alone_until = self._clock() + RETRY_REDIS_SECONDS
        if not self._alone:
            cause = type(error.storage_error).__name__
            _log.warning("redis does not answer: rates are counted here alone", error=cause)
        self._alone = True

    def _found(self) -> None:
        if self._alone:
            _log.info("redis answers: rates are counted together again")
        self._alone = False


async def _counted(
    limiter: MovingWindowRateLimiter, limit: RateLimitItem, kind: str, client: str
) -> int:
    if await limiter.hit(limit, kind, client):
        return 0
    window = await limiter.get_window_stats(limit, kind, client)
    return max(1, math.ceil(window.reset_time - time.time()))


def _shared(redis_url: str) -> MovingWindowRateLimiter:
    storage = RedisStorage(
        f"async+{redis_url}",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix=_PREFIX,
        socket_connect_timeout=_REDIS_SECONDS,
        socket_timeout=_REDIS_SECONDS,
    )
    return MovingWindowRateLimiter(storage)
