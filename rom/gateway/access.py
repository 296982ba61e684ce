"""Access: tokens of the gateway's own, and what lies within a client's limits."""

from dataclasses import dataclass
from datetime import datetime

from rom.access import tokens
from rom.access.tokens import looks_own
from rom.gateway.seam import asking_database
from rom.model.access import AccessToken, Role, Scope, ScopedKind
from rom.store import listener_rights
from rom.store import scope as limits
from rom.store.database import Engine

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

    def note_limits(self, name: str, scope: Scope) -> None:
        """Limit what an issuer's client has registered as the client itself is now."""
        with asking_database(), self.engine.begin() as connection:
            listener_rights.note_limits(connection, name, scope)

    def create(
        self, name: str, roles: frozenset[Role], scope: Scope, expires_at: datetime | None
    ) -> str:
        """Keep a new token and return it; nobody can read it again. Raises ``Invalid``."""
        with self.engine.begin() as connection:
            return tokens.create(connection, name, roles, scope, expires_at)

    def tokens(self) -> list[AccessToken]:
        """Return every token there has been, by name and age."""
        with self.engine.connect() as connection:
            return tokens.listed(connection)

    def revoke(self, name_or_id: str) -> int:
        """Take back every token of a name, or the one of an id; return how many were in force.

        What was registered with them and has no other token goes in the same transaction.
        """
        with self.engine.begin() as connection:
            revoked = tokens.revoke(connection, name_or_id)
            listener_rights.remove_lapsed(connection)
            return revoked
