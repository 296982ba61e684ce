"""Tells who asks: by a token of the gateway's own, by an access token, or as the open lab."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import ParamSpec, Protocol, TypeVar

import structlog
from fastapi.concurrency import run_in_threadpool

from api.access.access_token import NotAuthentic, Verifier
from api.access.bearer import unauthorized
from api.access.issuer_keys import KeysUnreachable
from api.access.principal import OPEN_LAB, Principal
from api.context import current_request_id
from api.errors import of_domain
from device_profiles.words import Word
from rom.gateway.access import looks_own
from rom.model.access import AccessToken, Scope, ScopedKind
from rom.model.deed import Actor, ActorKind
from rom.model.errors import DatabaseUnavailable, IssuerUnavailable

_LOOK_SECONDS = 1.0
_MOST_NAMES = 10_000
_log = structlog.get_logger(__name__)


class AccessPort(Protocol):
    """What access asks of the database; ``rom.gateway.access.Access``. Methods block."""

    def token(self, presented: str) -> AccessToken | None:
        """Return the token that was presented, if it is in force."""

    def tokens_made(self) -> bool:
        """Tell whether there has ever been a token."""

    def sees(self, scope: Scope, kind: ScopedKind, identifier: str) -> bool:
        """Tell whether something lies within ``scope``."""

    def note_limits(self, name: str, scope: Scope, by: Actor) -> None:
        """Limit what an issuer's client has registered as the client itself is now."""


Answer = TypeVar("Answer")
Arguments = ParamSpec("Arguments")


async def ask(
    action: Callable[Arguments, Answer], *args: Arguments.args, **kwargs: Arguments.kwargs
) -> Answer:
    """Ask in a thread; raises ``ApiError`` (503) when the database does not answer."""
    try:
        return await run_in_threadpool(action, *args, **kwargs)
    except DatabaseUnavailable as error:
        raise of_domain(error) from error


class Openness(Word):
    """Whether everybody may do everything."""

    UNKNOWN = "unknown"
    OPEN = "open"
    CLOSED = "closed"


class Authenticator:
    """Knows clients by their tokens.

    Without an issuer, and as long as no token has ever been made, the gateway is an open lab. The
    first token closes it, for good and without a restart: revoking the last one opens nothing.
    Until the database has said which of the two it is, nobody is let in.
    """

    def __init__(
        self,
        control: AccessPort | None,
        verifier: Verifier | None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._control = control
        self._verifier = verifier
        self._clock = clock
        self._closed = verifier is not None
        self._known = Openness.OPEN if control is None else Openness.UNKNOWN
        self._looked_at: float | None = None
        self._looking = asyncio.Lock()
        self._limits: dict[str, Scope] = {}

    @property
    def known(self) -> Openness:
        """What is known of it without asking: probes wait for no database."""
        return Openness.CLOSED if self._closed else self._known

    async def openness(self) -> Openness:
        """Return what is known of it; looks for a first token once a second."""
        if self._closed:
            return Openness.CLOSED
        if self._control is None:
            return Openness.OPEN
        # Who comes while somebody looks waits for what is found.
        async with self._looking:
            if self._looked_at is None or self._clock() - self._looked_at >= _LOOK_SECONDS:
                self._known = await self._look(self._control)
                self._looked_at = self._clock()
            return self._known

    async def _look(self, control: AccessPort) -> Openness:
        try:
            self._closed = await run_in_threadpool(control.tokens_made)
        except DatabaseUnavailable:
            return Openness.UNKNOWN
        if self._closed:
            _log.info("access is closed: there are tokens")
        return Openness.CLOSED if self._closed else Openness.OPEN

    async def principal(self, presented: str | None) -> Principal:
        """Return whoever has presented this token; raises ``ApiError`` (401, 503)."""
        openness = await self.openness()
        if openness is Openness.OPEN:
            return OPEN_LAB
        if openness is Openness.UNKNOWN:
            message = "whether a token is needed is not known: the database does not answer"
            raise of_domain(DatabaseUnavailable(message, field="gateway"))
        if presented is None:
            fix = "Send 'Authorization: Bearer TOKEN'"
            raise unauthorized("Authorization: a token is needed", fix)
        try:
            return await self._named(presented)
        except KeysUnreachable as error:
            raise of_domain(IssuerUnavailable("no token can be judged now")) from error
        except NotAuthentic as error:
            _log.info("access refused", reason=str(error))
            reason = f"Authorization: {error}"
            raise unauthorized(reason, "Get a new token", error="invalid_token") from error

    async def _named(self, presented: str) -> Principal:
        if self._control is not None and looks_own(presented):
            found = await ask(self._control.token, presented)
            if found is None:
                raise NotAuthentic("the token is not valid here")
            scope = found.scope
            return Principal(found.name, found.roles, scope.customers, scope.sites, by_token=True)
        if self._verifier is None:
            raise NotAuthentic("the token is not valid here")
        who = await self._verifier.principal(presented)
        await self._remember(who)
        return who

    async def _remember(self, who: Principal) -> None:
        """Let what the client has registered be limited as the client is now."""
        if self._control is None or self._limits.get(who.name) == who.scope:
            return
        by = Actor(who.name, ActorKind.ISSUER, request_id=current_request_id())
        await ask(self._control.note_limits, who.name, who.scope, by)
        if len(self._limits) >= _MOST_NAMES:
            self._limits.clear()
        self._limits[who.name] = who.scope
