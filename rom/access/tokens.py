"""Tokens of the gateway's own, for the lab and for clients without an identity provider.

A token reads ``rom_ID_SECRET``. The secret is 256 random bits and is kept only as its SHA-256: a
slow hash makes guessing a password dear, while nobody guesses 256 bits, and every request would
pay for it. The id, which is no secret, finds the row; the digests are compared in constant time.
"""

import hmac
import re
import secrets
from datetime import datetime
from hashlib import sha256

from rom.model.access import AccessToken, Role, Scope
from rom.model.errors import Invalid
from rom.store import tokens as kept_tokens
from rom.store.database import Connection

PREFIX = "rom"
_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_ID_LENGTH = 10
_SECRET_BYTES = 32
_FORM = re.compile(rf"{PREFIX}_([{_ID_ALPHABET}]{{{_ID_LENGTH}}})_([A-Za-z0-9_-]{{43}})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


def create(
    connection: Connection,
    name: str,
    roles: frozenset[Role],
    scope: Scope,
    expires_at: datetime | None,
) -> str:
    """Keep a new token and return it; nobody can read it again.

    Several tokens may have one name, so that a client can change over without a pause. Raises
    ``Invalid`` for a name that is none, no role, or an expiry without a time zone.
    """
    if _NAME.fullmatch(name) is None:
        raise Invalid("a name is 1 to 64 letters, digits, '.', '_', '@' or '-'")
    if not roles:
        raise Invalid("a token needs a role")
    if expires_at is not None and expires_at.tzinfo is None:
        raise Invalid("the expiry needs a time zone")
    identifier = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    kept_tokens.add(
        connection,
        identifier,
        name=name,
        digest=_digest(secret),
        roles=roles,
        scope=scope,
        expires_at=expires_at,
    )
    return f"{PREFIX}_{identifier}_{secret}"


def id_of(token: str) -> str:
    """Return the part of a whole token that is no secret."""
    return token.split("_", 2)[1]


def looks_own(presented: str) -> bool:
    """Tell whether a bearer token claims to be one of these."""
    return presented.startswith(f"{PREFIX}_")


def find(connection: Connection, presented: str) -> AccessToken | None:
    """Return the token that was presented, if it is one and in force, and note its use."""
    form = _FORM.fullmatch(presented)
    if form is None:
        return None
    identifier, secret = form.groups()
    kept = kept_tokens.in_force(connection, identifier)
    known = b"" if kept is None else kept.digest
    if not hmac.compare_digest(known, _digest(secret)) or kept is None:
        return None
    kept_tokens.note_use(connection, identifier)
    return kept.token


def listed(connection: Connection) -> list[AccessToken]:
    """Return every token there has been, by name and age."""
    return kept_tokens.every(connection)


def revoke(connection: Connection, name_or_id: str) -> int:
    """Take back every token of a name, or the one of an id; return how many were in force."""
    return kept_tokens.revoke(connection, name_or_id)


def any_made(connection: Connection) -> bool:
    """Tell whether there has ever been a token, revoked ones included."""
    return kept_tokens.any_made(connection)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
