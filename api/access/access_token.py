"""OAuth2 access tokens: JWTs (RFC 7519, RFC 9068) that the configured issuer has signed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from api.access.issuer_keys import IssuerKeys
from api.access.principal import Principal, Role

NO_LIMIT = "*"
_MAX_NAME = 100


class NotAuthentic(Exception):
    """The token lets nobody in; the text is safe to show and to log."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Which claims say what; a claim may be a path with dots."""

    name: str
    roles: str
    role_words: Mapping[str, Role]
    customers: str | None = None
    sites: str | None = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """Turns a token into a principal."""

    keys: IssuerKeys
    issuer: str
    audience: str
    algorithms: Sequence[str]
    leeway: int
    claims: Claims

    async def principal(self, token: str) -> Principal:
        """Return whoever the token names.

        Signature, algorithm, ``iss``, ``aud``, ``exp`` and ``nbf`` have to be right, ``exp`` has
        to be there; raises ``NotAuthentic``.
        """
        try:
            header = jwt.get_unverified_header(token)
            algorithm, kid = header.get("alg"), header.get("kid")
        except PyJWTError as error:
            raise NotAuthentic("the token is malformed") from error
        if algorithm not in self.algorithms:
            raise NotAuthentic("the token's algorithm is not taken")
        key = await self.keys.find(kid, str(algorithm))
        if key is None:
            raise NotAuthentic("the token's key is unknown")
        return _principal(self._verified(token, key.key, str(algorithm)), self.claims)

    def _verified(self, token: str, key: Any, algorithm: str) -> Mapping[str, Any]:
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                issuer=self.issuer,
                audience=self.audience,
                leeway=self.leeway,
                options={"require": ["exp", "iss", "aud"]},
            )
        except ExpiredSignatureError as error:
            raise NotAuthentic("the token has expired") from error
        except (PyJWTError, ValueError, TypeError) as error:
            raise NotAuthentic("the token is not valid here") from error
        return claims


def _principal(found: Mapping[str, Any], claims: Claims) -> Principal:
    name = _claim(found, claims.name)
    if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME or not name.isprintable():
        raise NotAuthentic(f"the token's claim {claims.name} is no usable name")
    words = _words(_claim(found, claims.roles))
    return Principal(
        name,
        frozenset(claims.role_words[word] for word in words if word in claims.role_words),
        _limit(found, claims.customers),
        _limit(found, claims.sites),
    )


def _limit(found: Mapping[str, Any], claim: str | None) -> frozenset[str] | None:
    """Return what the client is limited to; a token without the claim reaches nothing."""
    if claim is None:
        return None
    words = _words(_claim(found, claim))
    return None if NO_LIMIT in words else words


def _claim(found: Mapping[str, Any], path: str) -> object:
    if path in found:  # some issuers name their claims by URL, with dots of their own
        return found[path]
    value: object = found
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _words(value: object) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset(value.split())
    if isinstance(value, list):
        return frozenset(word for word in value if isinstance(word, str))
    return frozenset()
