"""Secrets: device credentials kept encrypted, site secrets derived from the master key.

A site's BGP key or router password needs no storage: the same name always gives the same value,
so that a router that boots twice gets the same bytes. Nothing but the master key is worth stealing.
"""

import base64
import hmac
from hashlib import sha256

from cryptography.fernet import Fernet
from pydantic import SecretStr

from adapters.errors import SecretUnavailable
from rom.store import secrets, site_secrets
from rom.store.database import Engine

DERIVED = ("bgp", "ce-enable", "ce-login", "tacacs", "snmp-auth", "snmp-priv", "ztp")
BOOT_URL = "ztp-url"
"""What DHCP tells a site's router to fetch; it holds the token that proves the circuit."""
_LENGTH = 24


class Cipher:
    """Encrypts and decrypts at rest under one master key."""

    def __init__(self, key: SecretStr) -> None:
        self._cipher = Fernet(base64.urlsafe_b64encode(_digest(key, "encryption")))

    def seal(self, plain: bytes) -> bytes:
        """Return ``plain`` encrypted under the master key."""
        return self._cipher.encrypt(plain)

    def unseal(self, sealed: bytes) -> bytes:
        """Return what was sealed under the same master key."""
        return self._cipher.decrypt(sealed)


class Vault(Cipher):
    """Resolves secret names to values; keeps what it is told encrypted in the database.

    Site secrets are derived from ``root``; without one from the master key itself.
    """

    def __init__(
        self, engine: Engine, key: SecretStr, base_url: str = "", root: SecretStr | None = None
    ) -> None:
        super().__init__(key)
        self._engine = engine
        self._base_url = base_url
        self._root = root or key

    def remember(self, name: str, value: str) -> None:
        """Keep a secret under its name, replacing an earlier value."""
        sealed = self.seal(value.encode())
        with self._engine.begin() as connection:
            secrets.keep(connection, name, sealed)

    def resolve(self, name: str) -> SecretStr:
        """Return the value; raises ``SecretUnavailable`` for a name nobody has told us."""
        with self._engine.connect() as connection:
            replaced = site_secrets.find(connection, name)
            sealed = secrets.find(connection, name if replaced is None else replaced.reference)
        if sealed is not None:
            return SecretStr(self.unseal(sealed).decode())
        kind, _, subject = name.partition("/")
        if kind == BOOT_URL:
            token = self.resolve(f"ztp/{subject}").get_secret_value()
            return SecretStr(f"{self._base_url}/ztp/v1/{token}/ztp.py")
        if kind not in DERIVED or replaced is not None or subject.count("/"):
            message = f"no secret is known under the name {name!r}"
            raise SecretUnavailable(message)
        return self._derived(name)

    def value_of(self, name: str, generation: int) -> SecretStr:
        """Return one value of a site's secret, also one that is being replaced.

        Raises ``SecretUnavailable`` for one that was dropped.
        """
        if generation == site_secrets.FIRST:
            return self._derived(name)
        return self.resolve(site_secrets.of_generation(name, generation))

    def _derived(self, name: str) -> SecretStr:
        text = base64.b32encode(_digest(self._root, f"secret/{name}")).decode()
        return SecretStr(text[:_LENGTH].lower())


def _digest(key: SecretStr, purpose: str) -> bytes:
    return hmac.digest(key.get_secret_value().encode(), purpose.encode(), sha256)
