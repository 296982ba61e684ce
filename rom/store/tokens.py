"""Tokens of the gateway's own as they are kept: with a digest in place of the secret."""

from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from rom.model.access import AccessToken, Role, Scope
from rom.store.access_tables import access_token
from rom.store.scope import limit_column, scope_from_columns

USE_NOTED_EVERY = "1 minute"
"""How exact the time of the last use is; to the request would be a write for every request."""


class KeptToken(NamedTuple):
    """A token with the SHA-256 of its secret."""

    token: AccessToken
    digest: bytes


def add(
    connection: sa.Connection,
    identifier: str,
    *,
    name: str,
    digest: bytes,
    roles: frozenset[Role],
    scope: Scope,
    expires_at: datetime | None,
) -> None:
    """Keep a new token."""
    connection.execute(
        sa.insert(access_token).values(
            id=identifier,
            name=name,
            digest=digest,
            roles=sorted(roles),
            customers=limit_column(scope.customers),
            sites=limit_column(scope.sites),
            expires_at=expires_at,
        )
    )


def in_force(connection: sa.Connection, identifier: str) -> KeptToken | None:
    """Return the token of an id unless it is revoked, has expired or was never made."""
    expiry = access_token.c.expires_at
    row = connection.execute(
        sa.select(access_token).where(
            access_token.c.id == identifier,
            access_token.c.revoked_at.is_(None),
            sa.or_(expiry.is_(None), expiry > sa.func.now()),
        )
    ).one_or_none()
    return None if row is None else KeptToken(_token(row), bytes(row.digest))


def note_use(connection: sa.Connection, identifier: str) -> None:
    """Note that a token is used now, as exactly as ``USE_NOTED_EVERY`` says."""
    pause = sa.text(f"interval '{USE_NOTED_EVERY}'")
    used = access_token.c.last_used_at
    connection.execute(
        sa.update(access_token)
        .where(access_token.c.id == identifier)
        .where(sa.or_(used.is_(None), used < sa.func.now() - pause))
        .values(last_used_at=sa.func.now())
    )


def every(connection: sa.Connection) -> list[AccessToken]:
    """Return every token there has been, by name and age."""
    rows = connection.execute(
        sa.select(access_token).order_by(access_token.c.name, access_token.c.created_at)
    )
    return [_token(row) for row in rows]


def revoke(connection: sa.Connection, name_or_id: str) -> int:
    """Take back every token of a name, or the one of an id; return how many were in force."""
    done = connection.execute(
        sa.update(access_token)
        .where(sa.or_(access_token.c.name == name_or_id, access_token.c.id == name_or_id))
        .where(access_token.c.revoked_at.is_(None))
        .values(revoked_at=sa.func.now())
    )
    return done.rowcount


def any_made(connection: sa.Connection) -> bool:
    """Tell whether there has ever been a token, revoked ones included."""
    return bool(connection.scalar(sa.select(sa.exists().select_from(access_token))))


def _token(row: sa.Row[Any]) -> AccessToken:
    return AccessToken(
        id=row.id,
        name=row.name,
        roles=frozenset(Role(word) for word in row.roles),
        scope=scope_from_columns(row.customers, row.sites),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
    )
