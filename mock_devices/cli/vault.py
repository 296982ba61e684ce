"""How a device keeps and shows secrets: type 9 (scrypt, one-way) and type 6 (AES, reversible).

Both are the same every time for one device and one secret, so that entering a secret again changes
nothing. The device's key follows from its name: this is a simulation, it protects nothing.
"""

import base64
import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

_ITOA64 = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_CISCO = bytes.maketrans(_BASE64, _ITOA64)


class Vault:
    """One device's secrets."""

    def __init__(self, device: str) -> None:
        self._key = hashlib.sha256(f"simulated device {device}".encode()).digest()
        self._cipher = AESSIV(self._key)

    def hidden(self, secret: str, kind: str) -> str:
        """Return the secret as the configuration shows it; one shown already stays as it is."""
        if kind == "9":
            return secret if secret.startswith("$9$") else self._hashed(secret)
        return secret if self.revealed(secret) is not None else self._encrypted(secret)

    def matches(self, shown: str, password: str) -> bool:
        """Tell whether ``password`` is the one behind a type 9 hash."""
        parts = shown.split("$")
        if len(parts) != 4:
            return False
        return hmac.compare_digest(_scrypt(password, parts[2]), parts[3])

    def revealed(self, shown: str) -> str | None:
        """Return the secret behind a type 6 text, None when this device did not encrypt it."""
        try:
            padded = shown + "=" * (-len(shown) % 4)
            return self._cipher.decrypt(base64.urlsafe_b64decode(padded), None).decode()
        except (InvalidTag, ValueError):
            return None

    def _encrypted(self, secret: str) -> str:
        return (
            base64.urlsafe_b64encode(self._cipher.encrypt(secret.encode(), None))
            .decode()
            .rstrip("=")
        )

    def _hashed(self, secret: str) -> str:
        digest = hmac.digest(self._key, secret.encode(), "sha256")
        salt = base64.b64encode(digest).translate(_CISCO).decode()[:14]
        return f"$9${salt}${_scrypt(secret, salt)}"


def _scrypt(password: str, salt: str) -> str:
    raw = hashlib.scrypt(password.encode(), salt=salt.encode(), n=16384, r=1, p=1, dklen=32)
    return base64.b64encode(raw).translate(_CISCO).decode().rstrip("=")
