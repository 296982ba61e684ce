"""Whoever a request comes from."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import Scope as AsgiScope

from api.context import current_request_id
from rom.model.access import NOBODY, Owner, Role, Scope
from rom.model.deed import Actor, ActorKind

__all__ = [
    "OPEN_LAB",
    "Principal",
    "Role",
    "actor",
    "attach",
    "owner",
    "principal",
    "requester",
    "still_allowed",
]
_KEY, _STILL = "rom.principal", "rom.principal.still"
Still = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Principal:
    """A client that is known by name; ``None`` limits nothing."""

    name: str
    roles: frozenset[Role]
    customers: frozenset[str] | None = None
    sites: frozenset[str] | None = None
    by_token: bool = False
    """Known by a token of the gateway's own."""

    @property
    def scope(self) -> Scope:
        """What the client may see, for the conditions of ``rom.store.scope``."""
        return Scope(self.customers, self.sites)


OPEN_LAB = Principal("lab", frozenset(Role))
"""Everybody, where no authentication is configured."""


def attach(scope: AsgiScope, who: Principal, still: Still) -> None:
    """Make ``who`` the principal of the request of ``scope``; ``still`` asks for it again."""
    scope[_KEY] = who
    scope[_STILL] = still
    if who is not OPEN_LAB:
        scope.setdefault("state", {})["principal"] = who


def principal(request: HTTPConnection) -> Principal:
    """Return whoever the request comes from; the open lab's principal without authentication."""
    found: Principal = request.scope.get(_KEY, OPEN_LAB)
    return found


async def still_allowed(request: HTTPConnection) -> bool:
    """Tell whether a request that lasts would still be let in, with the same rights."""
    still: Still | None = request.scope.get(_STILL)
    return still is None or await still()


def owner(request: HTTPConnection) -> Owner:
    """Return whose is what the request makes to last."""
    who = principal(request)
    return NOBODY if who is OPEN_LAB else Owner(who.name, who.by_token)


def actor(request: HTTPConnection) -> Actor:
    """Return who does what the request asks for, as the trail has it."""
    who = principal(request)
    kind = ActorKind.TOKEN if who.by_token else ActorKind.ISSUER
    return Actor(
        who.name,
        ActorKind.OPEN if who is OPEN_LAB else kind,
        request.client.host if request.client else "",
        current_request_id(),
    )


def requester(request: HTTPConnection) -> str | None:
    """Return the name the request proves; ``None`` in the open lab, where a body names anyone."""
    who = principal(request)
    return None if who is OPEN_LAB else who.name
