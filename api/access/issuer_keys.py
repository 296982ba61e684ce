"""An issuer's public keys (JWK Set, RFC 7517), from a file or an https URL."""

import asyncio
import ipaddress
import json
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWTError

MAX_BYTES = 262_144
MAX_KEYS = 100
FETCH_SECONDS = 5.0
FLOOR_SECONDS = 30.0
"""Shortest pause between two fetches, however many tokens name keys that nobody knows."""
MAX_AGE_SECONDS = 900.0
"""Keys older than this are fetched again, so that the issuer can take one back."""
_MIN_RSA_BITS = 2048
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
# An elliptic key signs with one algorithm only (RFC 7518 section 3.4, RFC 8037 section 3.1).
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA",
           "Ed448": "EdDSA"}  # fmt: skip

_log = structlog.get_logger(__name__)


class KeysUnreachable(Exception):
    """The issuer's keys cannot be had; the text says why."""


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """One public key and the algorithms that it may have signed with."""

    kid: str | None
    algorithms: frozenset[str]
    key: Any  # of the cryptography library, by kind of key


class IssuerKeys:
    """The keys at ``location``; raises ``ValueError`` for one that is neither file nor https.

    Plain http is taken from this machine only: whoever can change an answer on its way could sign
    tokens. Keys are fetched when first needed, when they are old, and when a token names an
    unknown one, but never twice within ``FLOOR_SECONDS``. Answers are bounded in size and time and
    redirects are not followed. When the issuer cannot be reached the keys known stay in use.
    """

    def __init__(self, location: str, clock: Callable[[], float] = monotonic) -> None:
        self._location = location
        self._url = _checked_url(location)
        self._clock = clock
        self._lock = asyncio.Lock()
        self._keys: tuple[IssuerKey, ...] = ()
        self._tried_at: float | None = None
        self._fetched_at: float | None = None

    async def find(self, kid: str | None, algorithm: str) -> IssuerKey | None:
        """Return the key a token names; without a name the only one for the algorithm.

        Raises ``KeysUnreachable`` as long as there has never been an answer with keys.
        """
        if self._fetched_at is None or self._clock() - self._fetched_at > MAX_AGE_SECONDS:
            await self._refresh()
        if self._fetched_at is None:
            message = f"{self._location} has not answered yet"
            raise KeysUnreachable(message)
        found = self._find(kid, algorithm)
        if found is None and await self._refresh():
            found = self._find(kid, algorithm)
        return found

    def _find(self, kid: str | None, algorithm: str) -> IssuerKey | None:
        fitting = [key for key in self._keys if algorithm in key.algorithms]
        if kid is not None:
            fitting = [key for key in fitting if key.kid == kid]
        return fitting[0] if len(fitting) == 1 else None

    async def _refresh(self) -> bool:
        """Fetch the keys unless that was tried just now; tell whether there are new ones."""
        asked_at = self._clock()
        async with self._lock:
            if self._fetched_at is not None and self._fetched_at > asked_at:
                return True  # somebody else did while this one waited
            if self._tried_at is not None and asked_at - self._tried_at < FLOOR_SECONDS:
                return False
            self._tried_at = self._clock()
            try:
                self._keys = tuple(_usable(await self._document()))
            except KeysUnreachable as error:
                _log.warning("issuer keys cannot be had", reason=str(error), known=len(self._keys))
                return False
            self._fetched_at = self._clock()
            return True

    async def _document(self) -> object:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                raw = await (_fetch(self._url) if self._url else _read(Path(self._location)))
            return json.loads(raw)
        except (OSError, httpx.HTTPError, ValueError, RecursionError) as error:
            raise KeysUnreachable(f"{self._location}: {type(error).__name__}") from error


def _checked_url(location: str) -> str | None:
    parts = urlsplit(location)
    if parts.scheme not in ("http", "https"):
        if "://" in location:
            raise ValueError(f"{location} is neither a file nor an https URL")
        return None
    if parts.username or parts.password:
        raise ValueError("a URL of keys holds no password")
    if parts.scheme == "http" and not _is_here(parts.hostname or ""):
        raise ValueError(f"{location} has to be https: its answer decides who is let in")
    return location


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _fetch(url: str) -> bytes:
    # The system's store of authorities, where an operator has added those of the company.
    trust = ssl.create_default_context()
    received = bytearray()
    async with (
        httpx.AsyncClient(verify=trust, trust_env=False, timeout=FETCH_SECONDS) as client,
        client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise KeysUnreachable(f"{url} answers {answer.status_code}")
        async for chunk in answer.aiter_bytes():
            received += chunk
            if len(received) > MAX_BYTES:
                raise KeysUnreachable(f"{url} answers more than {MAX_BYTES} bytes")
    return bytes(received)


async def _read(file: Path) -> bytes:
    def bounded() -> bytes:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)

    raw = await asyncio.to_thread(bounded)
    if len(raw) > MAX_BYTES:
        raise KeysUnreachable(f"{file} holds more than {MAX_BYTES} bytes")
    return raw


def _usable(document: object) -> Iterator[IssuerKey]:
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or len(entries) > MAX_KEYS:
        raise KeysUnreachable("what was read is no JWK Set")
    for entry in entries:
        key = _key(entry) if isinstance(entry, dict) else None
        if key is not None:
            yield key


def _key(entry: dict[str, Any]) -> IssuerKey | None:
    """Return a public key that verifies signatures, or ``None``: a set may hold others as well."""
    kid = entry.get("kid")
    algorithms = _algorithms(entry)
    meant = entry.get("use", "sig") == "sig" and "verify" in entry.get("key_ops", ["verify"])
    if not (algorithms and meant and isinstance(kid, str | None)) or "d" in entry:
        return None
    try:
        key = PyJWK(entry, algorithm=min(algorithms)).key
    except (PyJWTError, ValueError, TypeError):
        return None
    if getattr(key, "key_size", _MIN_RSA_BITS) < _MIN_RSA_BITS and entry["kty"] == "RSA":
        return None
    return IssuerKey(kid, algorithms, key)


def _algorithms(entry: dict[str, Any]) -> frozenset[str]:
    if entry.get("kty") == "RSA":
        possible = frozenset(_RSA)
    elif entry.get("kty") in ("EC", "OKP"):
        possible = frozenset({_CURVES.get(str(entry.get("crv")), "")} - {""})
    else:  # a symmetric key in a public place is nobody's secret
        possible = frozenset()
    named = entry.get("alg")
    return possible if named is None else possible & {named}
