"""The master key's fingerprint: tells two keys apart, and helps nobody to guess one.

scrypt (RFC 7914) with a salt of the database's own: trying one key costs 32 MiB and a tenth of a
second, far more than trying it on anything that was sealed with it.
"""

import hmac
import secrets
from hashlib import scrypt

from pydantic import SecretStr

_COST = 2**15
_BLOCKS = 8
_MEMORY = 2 * 128 * _COST * _BLOCKS
_SALT_BYTES = 16
_SHOWN = 8


def new_salt() -> bytes:
    """Return a salt for the fingerprint of a new key."""
    return secrets.token_bytes(_SALT_BYTES)


def fingerprint(key: SecretStr, salt: bytes) -> bytes:
    """Return the fingerprint of a key."""
    return scrypt(
        key.get_secret_value().encode(), salt=salt, n=_COST, r=_BLOCKS, p=1, maxmem=_MEMORY
    )


def fits(key: SecretStr, salt: bytes, known: bytes) -> bool:
    """Tell whether a key has the fingerprint."""
    return hmac.compare_digest(fingerprint(key, salt), known)


def shown(known: bytes) -> str:
    """Return the beginning of a fingerprint, for people to compare."""
    return ":".join(f"{byte:02x}" for byte in known[:_SHOWN])
