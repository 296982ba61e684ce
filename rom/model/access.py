"""Access: tokens, roles, and what a client is limited to.

The scope of the request being served travels in a context variable, so that no operation on the
way to a query can forget it; workers and timers run without one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from device_profiles.words import Word


class Role(Word):
    """What a client is there for; ``api.access.permissions`` says what each may do."""

    SOM = "som"
    NOC = "noc"
    APPROVER = "approver"
    ADMIN = "admin"
    READER = "reader"


@dataclass(frozen=True, slots=True)
class Scope:
    """Limits by customer and by site key; ``None`` is no limit, an empty set lets nothing pass."""

    customers: frozenset[str] | None = None
    sites: frozenset[str] | None = None

    @property
    def limited(self) -> bool:
        """Whether anything is out of reach."""
        return self.customers is not None or self.sites is not None


class ScopedKind(Word):
    """Kinds of things that lie within a client's limits or outside of them."""

    ORDER = "order"
    SITE = "site"
    TASK = "task"
    """A rollback or a cancellation."""
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What is known of a token of the gateway's own; its secret is not."""

    id: str
    name: str
    roles: frozenset[Role]
    scope: Scope
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose something is that outlives the request it came by."""

    name: str
    by_token: bool = False
    """Known by a token of the gateway's own, so that it ends with that."""


NOBODY = Owner("")
"""The owner of what an open lab has made."""
EVERYTHING = Scope()
_current: ContextVar[Scope] = ContextVar("scope", default=EVERYTHING)


def current_scope() -> Scope:
    """Return the scope of the request being served; everything outside of one."""
    return _current.get()


@contextmanager
def limited_to(scope: Scope) -> Iterator[None]:
    """Serve a request of a client with these limits; threads started for it inherit them."""
    before = _current.set(scope)
    try:
        yield
    finally:
        _current.reset(before)
