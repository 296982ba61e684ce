"""Credentials that people enter: set, listed by name, deleted. Nobody reads a value back."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr

from adapters.errors import SecretUnavailable
from adapters.seam import Endpoint
from adapters.ssh import is_private_key, login_key
from inventory import trust
from rom.model.deed import Actor, DeedKind
from rom.model.errors import Invalid, SecretInUse, UnknownSecret
from rom.store import secrets
from rom.store.database import Connection, Engine
from rom.trail import trail
from rom.vault.vault import BOOT_URL, DERIVED, Vault

SHARED = ("tacacs",)
"""Derived secrets that are one for the whole network; whoever runs the server may give them."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}(?:/[A-Za-z0-9][A-Za-z0-9_.-]{0,63}){0,3}")
_MOST = 1024


@dataclass(frozen=True, slots=True)
class Credential:
    """What is known of a secret that people have entered, or that inventory names."""

    name: str
    set_at: datetime | None
    """``None`` for one that is named and that nobody has entered."""
    set_by: str
    used_by: tuple[str, ...]


class Credentials:
    """Enters secrets and forgets them, each with its entry in the trail. Thread-safe; blocks."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def keep(self, name: str, value: SecretStr, *, by: Actor, kind: DeedKind) -> bool:
        """Keep a value under a name, replacing an earlier one; tells whether it is new.

        Raises ``Invalid`` for a name or value that is none.
        """
        check_name(name)
        check_value(value)
        sealed = self._vault.seal(value.get_secret_value().encode())
        with self._engine.begin() as connection:
            is_new = secrets.keep(connection, name, sealed, by.name)
            using = trust.devices_naming(connection, name)
            details = {"replaced": not is_new}
            trail.record(connection, by, kind, devices=using, subject=name, details=details)
        return is_new

    def all(self) -> tuple[Credential, ...]:
        """Return every secret that was entered or is named by a device, by name."""
        with self._engine.connect() as connection:
            kept = {each.name: each for each in secrets.every(connection)}
            named = trust.secrets_named(connection)
            return tuple(
                _credential(name, kept.get(name), _using(connection, name, named))
                for name in sorted({*kept, *named})
            )

    def used_by(self, name: str) -> tuple[str, ...]:
        """Return the devices that name a secret."""
        with self._engine.connect() as connection:
            return tuple(trust.devices_naming(connection, name))

    def delete(self, name: str, *, by: Actor) -> None:
        """Forget a secret; raises ``UnknownSecret``, and ``SecretInUse`` while devices name it."""
        with self._engine.begin() as connection:
            if not secrets.remove(connection, name):
                raise UnknownSecret(name)
            using = trust.devices_naming(connection, name)
            if using:
                raise SecretInUse(name, using)
            trail.record(connection, by, DeedKind.SECRET_DELETED, subject=name)


def check_name(name: str) -> None:
    """Raise ``Invalid`` for what cannot be, or must not be, entered under this name."""
    if _NAME.fullmatch(name) is None:
        raise Invalid(
            "is no name of a secret",
            field="name",
            mend="Use letters, digits, '.', '_' and '-', with '/' between parts: device/OLT-1",
        )
    kind, _, subject = name.partition("/")
    if kind == BOOT_URL or (kind in DERIVED and (subject or kind not in SHARED)):
        raise Invalid(
            f"{name} is made by the gateway and held by a site's devices",
            field="name",
            mend=f"Have a new value made and brought out: rom secret rotate --site SITE {kind}",
        )


def check_value(value: SecretStr) -> None:
    """Raise ``Invalid`` for a value that no login takes; the value is not told."""
    text = value.get_secret_value()
    if is_private_key(text):
        _check_key(text)
    elif not text or len(text) > _MOST or not text.isprintable():
        raise Invalid(
            f"is empty, longer than {_MOST} characters, or holds control characters",
            field="value",
            mend="Give the password on one line, or a private key as it stands in its file",
        )


def _check_key(text: str) -> None:
    try:
        login_key(Endpoint("", "", "", 0, password=SecretStr(text)))
    except SecretUnavailable as error:
        mend = "Give a key that OpenSSH can use, without a passphrase"
        raise Invalid(str(error.message), field="value", mend=mend) from error


def _using(
    connection: Connection, name: str, named: Mapping[str, Collection[str]]
) -> tuple[str, ...]:
    return tuple(sorted({*named.get(name, ()), *trust.devices_naming(connection, name)}))


def _credential(name: str, kept: secrets.KeptSecret | None, used_by: tuple[str, ...]) -> Credential:
    if kept is None:
        return Credential(name, None, "", used_by)
    return Credential(name, kept.set_at, kept.set_by, used_by)
