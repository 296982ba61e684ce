"""What the gate at the front asks of the database. Methods block and are thread-safe."""

from uuid import UUID

import sqlalchemy as sa

from rom.access import tokens
from rom.access.scope import Scope, order_within, resource_within, site_within, task_within
from rom.access.tokens import TokenRecord


class AccessDesk:
    """Knows tokens, and what lies within a limited client's reach."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def token(self, presented: str) -> TokenRecord | None:
        """Return the token that was presented, if it is one of ours and in force."""
        with self._engine.begin() as connection:
            return tokens.find(connection, presented)

    def tokens_made(self) -> bool:
        """Tell whether there has ever been a token, which closes an open lab for good."""
        with self._engine.connect() as connection:
            return tokens.any_made(connection)

    def sees(self, scope: Scope, kind: str, identifier: str) -> bool:
        """Tell whether an ``order``, ``site``, ``task`` or ``resource`` lies within ``scope``."""
        if not scope.limited:
            return True
        if "\0" in identifier:  # PostgreSQL takes none
            return False
        try:
            condition = _condition(scope, kind, identifier)
        except ValueError:  # no UUID names no resource
            return False
        with self._engine.connect() as connection:
            return bool(connection.scalar(sa.select(condition)))


def _condition(scope: Scope, kind: str, identifier: str) -> sa.ColumnElement[bool]:
    if kind == "resource":
        return resource_within(scope, sa.literal(UUID(identifier)))
    within = {"order": order_within, "site": site_within, "task": task_within}[kind]
    return within(scope, sa.literal(identifier))
