"""Open sessions by device, lent to one user at a time."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import SecretStr

from adapters.drivers import PooledSession
from adapters.errors import AuthenticationFailed, DeviceTimeout, LoginBroken, Unreachable
from adapters.seam import Endpoint

Opener = Callable[[Endpoint], PooledSession]


@dataclass(slots=True)
class _Idle:
    session: PooledSession = field(repr=False)
    endpoint: Endpoint = field(repr=False)
    since: float


class _Shelf:
    """One device's sessions: idle ones, and how many may be out at once."""

    def __init__(self, limit: int) -> None:
        self.free = threading.BoundedSemaphore(limit)
        self.idle: list[_Idle] = []


class SessionPool:
    """Lends sessions, at most ``per_device`` at once to a device.

    A returned session is used again while it is alive, its endpoint and what ``platform`` says of
    it unchanged, and it did not lie idle for longer than ``idle_seconds``.
    """

    def __init__(
        self,
        opener: Opener,
        per_device: int,
        idle_seconds: float,
        wait: float,
        platform: Callable[[Endpoint], object] = lambda _: None,
    ) -> None:
        self._opener = opener
        self._platform = platform
        self._per_device = per_device
        self._idle_seconds = idle_seconds
        self._wait = wait
        self._lock = threading.Lock()
        self._shelves: dict[str, _Shelf] = {}
        self._opened_for: dict[int, object] = {}
        """What ``platform`` said when a session was opened, by the session's id."""
        self._broken: dict[str, tuple[str, SecretStr]] = {}
        """With which credentials the last login at a device broke off."""
        self._closed = False

    def take(self, endpoint: Endpoint) -> PooledSession:
        """Return a session, opened if none is idle.

        Raises DeviceTimeout when all stay in use, AdapterError of opening.
        """
        shelf = self._shelf(endpoint.device)
        if not shelf.free.acquire(timeout=self._wait):
            raise DeviceTimeout("all sessions are in use", device=endpoint.device)
        try:
            return self._idle_one(shelf, endpoint) or self._new_one(endpoint)
        except BaseException:
            shelf.free.release()
            raise

    def give_back(self, endpoint: Endpoint, session: PooledSession) -> None:
        """Take a session back; a dead one is closed."""
        shelf = self._shelf(endpoint.device)
        keep = session.alive
        with self._lock:
            keep = keep and not self._closed
            if keep:
                shelf.idle.append(_Idle(session, endpoint, time.monotonic()))
        if not keep:
            self._close(session)
        shelf.free.release()
        self.close_idle(self._idle_seconds)

    def close_idle(self, seconds: float = 0.0) -> None:
        """Close what has lain idle for at least ``seconds``."""
        limit = time.monotonic() - seconds
        old: list[_Idle] = []
        with self._lock:
            for shelf in self._shelves.values():
                old += [idle for idle in shelf.idle if idle.since <= limit]
                shelf.idle = [idle for idle in shelf.idle if idle.since > limit]
        for idle in old:
            self._close(idle.session)

    def close(self) -> None:
        """Close all idle sessions; those still lent are closed when they come back."""
        with self._lock:
            self._closed = True
        self.close_idle()

    def _shelf(self, device: str) -> _Shelf:
        with self._lock:
            return self._shelves.setdefault(device, _Shelf(self._per_device))

    def _idle_one(self, shelf: _Shelf, endpoint: Endpoint) -> PooledSession | None:
        while True:
            with self._lock:
                if not shelf.idle:
                    return None
                candidate = shelf.idle.pop()
            fresh = time.monotonic() - candidate.since < self._idle_seconds
            same = candidate.endpoint == endpoint and (
                self._opened_for.get(id(candidate.session)) is self._platform(endpoint)
            )
            if fresh and same and candidate.session.alive:
                return candidate.session
            self._close(candidate.session)

    def _new_one(self, endpoint: Endpoint) -> PooledSession:
        platform = self._platform(endpoint)
        with self._logging_in(endpoint):
            session = self._opener(endpoint)
        self._opened_for[id(session)] = platform
        return session

    @contextmanager
    def _logging_in(self, endpoint: Endpoint) -> Iterator[None]:
        """Let a login that breaks off be tried once more with the same credentials.

        Some devices refuse by hanging up, and count it: a third try could lock the account.
        """
        login = (endpoint.username, endpoint.password)
        try:
            yield
        except LoginBroken as error:
            if self._broken.get(endpoint.device) == login:
                text = "the device ended the conversation at two logins in a row"
                raise AuthenticationFailed(text, device=endpoint.device) from error
            self._broken[endpoint.device] = login
            raise
        except Unreachable:  # it was down in between, so it is no refusal
            self._broken.pop(endpoint.device, None)
            raise
        self._broken.pop(endpoint.device, None)

    def _close(self, session: PooledSession) -> None:
        self._opened_for.pop(id(session), None)
        session.close()


class Lease:
    """A session of the pool on loan to one user, who may ask for it more than once."""

    def __init__(self, pool: SessionPool, endpoint: Endpoint) -> None:
        self._pool = pool
        self._endpoint = endpoint
        self._session: PooledSession | None = None

    def __repr__(self) -> str:
        return f"Lease({self._endpoint.device})"

    def take(self) -> PooledSession:
        """Return the session. Raises what ``SessionPool.take`` raises."""
        if self._session is None:
            self._session = self._pool.take(self._endpoint)
        return self._session

    def end(self) -> None:
        """Give the session back if one was taken."""
        session, self._session = self._session, None
        if session is not None:
            self._pool.give_back(self._endpoint, session)
