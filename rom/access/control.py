"""Access control: who presents a token, and what lies within a client's limits."""

from rom.access import tokens
from rom.model.access import AccessToken, Scope, ScopedKind
from rom.store import scope as limits
from rom.store.database import Engine


class AccessControl:
    """Knows tokens, and what is within a limited client's reach. Blocks; safe in any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def token(self, presented: str) -> AccessToken | None:
        """Return the token that was presented, if it is one of ours and in force."""
        with self._engine.begin() as connection:
            return tokens.find(connection, presented)

    def tokens_made(self) -> bool:
        """Tell whether there has ever been a token, which closes an open lab for good."""
        with self._engine.connect() as connection:
            return tokens.any_made(connection)

    def sees(self, scope: Scope, kind: ScopedKind, identifier: str) -> bool:
        """Tell whether something that is named in a request lies within ``scope``."""
        if not scope.limited:
            return True
        if "\0" in identifier:  # PostgreSQL takes none
            return False
        with self._engine.connect() as connection:
            return limits.sees(connection, scope, kind, identifier)
