"""Secrets: device credentials kept encrypted, site secrets derived from the master key.

A site's BGP key or router password needs no storage: the same name always gives the same value,
so that a router that boots twice gets the same bytes. Nothing but the master key is worth stealing.
"""

import base64
import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy.dialects.postgresql import insert

from adapters.errors import SecretUnavailable
from rom.store.tables import secret

DERIVED = ("bgp", "ce-enable", "ce-login", "tacacs", "snmp-auth", "snmp-priv", "ztp")
BOOT_URL = "ztp-url"
"""What DHCP tells a site's router to fetch; it holds the token that proves the circuit."""
_LENGTH = 24
_KEY_FILE = "master.key"


def master_key(data_dir: Path, given: SecretStr | None) -> SecretStr:
    """Return the operator's master key, or the data directory's own, made on first use."""
    if given is not None:
        if len(given.get_secret_value()) < 32:
            message = "ROM_MASTER_KEY needs at least 32 characters"
            raise ValueError(message)
        return given
    file = data_dir / _KEY_FILE
    if not file.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        unfinished = data_dir / f".{_KEY_FILE}.{os.getpid()}"
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_urlsafe(48))
        try:
            os.link(unfinished, file)  # whoever comes first wins, nobody sees half a key
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
    return SecretStr(file.read_text())


class Vault:
    """Resolves secret names to values; keeps what it is told encrypted in the database."""

    def __init__(self, engine: sa.Engine, key: SecretStr, base_url: str = "") -> None:
        self._engine = engine
        self._base_url = base_url
        self._key = key
        self._cipher = Fernet(base64.urlsafe_b64encode(self._digest("encryption")))

    def _digest(self, purpose: str) -> bytes:
        return hmac.digest(self._key.get_secret_value().encode(), purpose.encode(), sha256)

    def seal(self, plain: bytes) -> bytes:
        """Return ``plain`` encrypted under the master key."""
        return self._cipher.encrypt(plain)

    def unseal(self, sealed: bytes) -> bytes:
        """Return what was sealed under the same master key."""
        return self._cipher.decrypt(sealed)

    def remember(self, name: str, value: str) -> None:
        """Keep a secret under its name, replacing an earlier value."""
        sealed = self.seal(value.encode())
        statement = insert(secret).values(name=name, sealed=sealed)
        with self._engine.begin() as connection:
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[secret.c.name], set_={"sealed": sealed}
                )
            )

    def resolve(self, name: str) -> SecretStr:
        """Return the value; raises ``SecretUnavailable`` for a name nobody has told us."""
        with self._engine.connect() as connection:
            sealed = connection.scalar(sa.select(secret.c.sealed).where(secret.c.name == name))
        if sealed is not None:
            return SecretStr(self.unseal(bytes(sealed)).decode())
        kind, _, subject = name.partition("/")
        if kind == BOOT_URL:
            token = self.resolve(f"ztp/{subject}").get_secret_value()
            return SecretStr(f"{self._base_url}/ztp/v1/{token}/ztp.py")
        if kind not in DERIVED:
            message = f"no secret is known under the name {name!r}"
            raise SecretUnavailable(message)
        text = base64.b32encode(self._digest(f"secret/{name}")).decode()
        return SecretStr(text[:_LENGTH].lower())
