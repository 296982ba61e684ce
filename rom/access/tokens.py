"""Tokens of the gateway's own, for the lab and for clients without an identity provider.

A token reads ``rom_ID_SECRET``. The secret is 256 random bits and is kept only as its SHA-256: a
slow hash makes guessing a password dear, while nobody guesses 256 bits, and every request would
pay for it. The id, which is no secret, finds the row; the digests are compared in constant time.
"""

import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from rom.access.model import Role, Scope
from rom.store.access_tables import access_token

PREFIX = "rom"
USE_NOTED_EVERY = "1 minute"
"""How exact the time of the last use is; to the request would be a write for every request."""
_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_ID_LENGTH = 10
_SECRET_BYTES = 32
_FORM = re.compile(rf"{PREFIX}_([{_ID_ALPHABET}]{{{_ID_LENGTH}}})_([A-Za-z0-9_-]{{43}})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What is known of a token; its secret is not."""

    id: str
    name: str
    roles: frozenset[Role]
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def create(
    connection: sa.Connection,
    name: str,
    roles: frozenset[Role],
    scope: Scope,
    expires_at: datetime | None,
) -> str:
    """Keep a new token and return it; nobody can read it again.

    Several tokens may have one name, so that a client can change over without a pause. Raises
    ``ValueError`` for a name that is none, no role, or an expiry without a time zone.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError("a name is 1 to 64 letters, digits, '.', '_', '@' or '-'")
    if not roles:
        raise ValueError("a token needs a role")
    if expires_at is not None and expires_at.tzinfo is None:
        raise ValueError("the expiry needs a time zone")
    identifier = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    connection.execute(
        sa.insert(access_token).values(
            id=identifier,
            name=name,
            digest=_digest(secret),
            roles=sorted(roles),
            customers=_column(scope.customers),
            sites=_column(scope.sites),
            expires_at=expires_at,
        )
    )
    return f"{PREFIX}_{identifier}_{secret}"


def looks_own(presented: str) -> bool:
    """Tell whether a bearer token claims to be one of these."""
    return presented.startswith(f"{PREFIX}_")


def find(connection: sa.Connection, presented: str) -> TokenRecord | None:
    """Return the token that was presented, if it is one and in force, and note its use."""
    form = _FORM.fullmatch(presented)
    if form is None:
        return None
    identifier, secret = form.groups()
    in_force = sa.and_(
        access_token.c.revoked_at.is_(None),
        sa.or_(access_token.c.expires_at.is_(None), access_token.c.expires_at > sa.func.now()),
    )
    row = connection.execute(
        sa.select(access_token).where(access_token.c.id == identifier, in_force)
    ).one_or_none()
    known = b"" if row is None else bytes(row.digest)
    if not hmac.compare_digest(known, _digest(secret)) or row is None:
        return None
    _note_use(connection, identifier)
    return _record(row)


def _note_use(connection: sa.Connection, identifier: str) -> None:
    pause = sa.text(f"interval '{USE_NOTED_EVERY}'")
    used = access_token.c.last_used_at
    connection.execute(
        sa.update(access_token)
        .where(access_token.c.id == identifier)
        .where(sa.or_(used.is_(None), used < sa.func.now() - pause))
        .values(last_used_at=sa.func.now())
    )


def listed(connection: sa.Connection) -> list[TokenRecord]:
    """Return every token there has been, by name and age."""
    rows = connection.execute(
        sa.select(access_token).order_by(access_token.c.name, access_token.c.created_at)
    )
    return [_record(row) for row in rows]


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


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()


def _column(limit: frozenset[str] | None) -> list[str] | None:
    return None if limit is None else sorted(limit)


def _limit(column: list[str] | None) -> frozenset[str] | None:
    return None if column is None else frozenset(column)


def _record(row: sa.Row[Any]) -> TokenRecord:
    return TokenRecord(
        row.id,
        row.name,
        frozenset(Role(word) for word in row.roles),
        Scope(_limit(row.customers), _limit(row.sites)),
        row.created_at,
        row.expires_at,
        row.revoked_at,
        row.last_used_at,
    )
