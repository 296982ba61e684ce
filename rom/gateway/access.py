"""Access: tokens of the gateway's own, and what lies within a client's limits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rom.access import tokens
from rom.access.tokens import looks_own
from rom.gateway.seam import asking_database
from rom.model.access import AccessToken, Role, Scope, ScopedKind
from rom.model.deed import Actor, DeedKind
from rom.store import listener_rights
from rom.store import scope as limits
from rom.store.database import Engine
from rom.trail import trail

__all__ = ["Access", "looks_own"]


@dataclass(frozen=True)
class Access:
    """Knows tokens, and what is within a limited client's reach. Blocks; safe in any thread.

    What requests ask raises ``DatabaseUnavailable`` when the database does not answer.
    """

    engine: Engine

    def token(self, presented: str) -> AccessToken | None:
        """Return the token that was presented, if it is one of ours and in force."""
        with asking_database(), self.engine.begin() as connection:
            return tokens.find(connection, presented)

    def tokens_made(self) -> bool:
        """Tell whether there has ever been a token, which closes an open lab for good."""
        with asking_database(), self.engine.connect() as connection:
            return tokens.any_made(connection)

    def sees(self, scope: Scope, kind: ScopedKind, identifier: str) -> bool:
        """Tell whether something that is named in a request lies within ``scope``."""
        if not scope.limited:
            return True
        if "\0" in identifier:  # PostgreSQL takes none
            return False
        with asking_database(), self.engine.connect() as connection:
            return limits.sees(connection, scope, kind, identifier)

    def note_limits(self, name: str, scope: Scope, by: Actor) -> None:
        """Limit what an issuer's client has registered as the client itself is now."""
        with asking_database(), self.engine.begin() as connection:
            changed = listener_rights.note_limits(connection, name, scope)
            if changed:
                limits = _limits(scope)
                trail.record(
                    connection, by, DeedKind.LISTENER_NARROWED, subject=name, details=limits
                )

    def create(
        self,
        name: str,
        roles: frozenset[Role],
        scope: Scope,
        expires_at: datetime | None,
        *,
        by: Actor,
    ) -> str:
        """Keep a new token and return it; nobody can read it again. Raises ``Invalid``."""
        with self.engine.begin() as connection:
            made = tokens.create(connection, name, roles, scope, expires_at)
            expiry = None if expires_at is None else expires_at.isoformat()
            trail.record(
                connection,
                by,
                DeedKind.TOKEN_CREATED,
                subject=name,
                details={
                    "id": tokens.id_of(made),
                    "roles": sorted(roles),
                    "expires": expiry,
                    **_limits(scope),
                },
            )
            return made

    def tokens(self) -> list[AccessToken]:
        """Return every token there has been, by name and age."""
        with self.engine.connect() as connection:
            return tokens.listed(connection)

    def revoke(self, name_or_id: str, *, by: Actor) -> int:
        """Take back every token of a name, or the one of an id; return how many were in force.

        What was registered with them and has no other token goes in the same transaction.
        """
        with self.engine.begin() as connection:
            revoked = tokens.revoke(connection, name_or_id)
            removed = listener_rights.remove_lapsed(connection)
            if revoked:
                trail.record(
                    connection,
                    by,
                    DeedKind.TOKEN_REVOKED,
                    subject=name_or_id,
                    details={"tokens": revoked, "listenersRemoved": removed},
                )
            return revoked


def _limits(scope: Scope) -> dict[str, Any]:
    return {
        "customers": None if scope.customers is None else sorted(scope.customers),
        "sites": None if scope.sites is None else sorted(scope.sites),
    }
