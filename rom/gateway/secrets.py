"""Secrets: entered, listed by name, given anew and deleted; nobody reads one back."""

from dataclasses import dataclass, replace

from pydantic import SecretStr

from adapters.errors import AdapterError
from adapters.fleet import Fleet
from inventory import queries
from rom.answers.secrets import SecretLine
from rom.devices.directory import DeviceDirectory
from rom.model.deed import Actor, DeedKind
from rom.model.errors import CredentialRefused, UnknownSecret
from rom.store.database import Engine
from rom.vault.credentials import Credential, Credentials, check_name, check_value

__all__ = ["Secrets"]


@dataclass(frozen=True)
class Secrets:
    """What is done with secrets. Thread-safe; methods block."""

    engine: Engine
    credentials: Credentials
    fleet: Fleet
    directory: DeviceDirectory

    def all(self) -> tuple[SecretLine, ...]:
        """Return every secret that was entered or that a device names, by name."""
        return tuple(map(_line, self.credentials.all()))

    def set(self, name: str, value: SecretStr, *, by: Actor) -> SecretLine:
        """Keep a value under a name, replacing an earlier one; raises ``Invalid``."""
        self.credentials.keep(name, value, by=by, kind=DeedKind.SECRET_SET)
        return self._one(name)

    def rotate(self, name: str, value: SecretStr, *, by: Actor) -> SecretLine:
        """Replace a device's password once every device that names it takes the new one.

        Each is logged in to once. Raises ``UnknownSecret``, ``Invalid``, and ``CredentialRefused``
        with what the devices have said; then the former value stays.
        """
        check_name(name)
        check_value(value)
        if not any(each.name == name and each.is_set for each in self.all()):
            raise UnknownSecret(name)
        refused = [said for device in self.credentials.used_by(name)
                   if (said := self._refusal(device, name, value)) is not None]  # fmt: skip
        if refused:
            raise CredentialRefused("; ".join(refused))
        self.credentials.keep(name, value, by=by, kind=DeedKind.SECRET_ROTATED)
        return self._one(name)

    def delete(self, name: str, *, by: Actor) -> None:
        """Forget a secret; raises ``UnknownSecret`` and ``SecretInUse``."""
        self.credentials.delete(name, by=by)

    def _refusal(self, device: str, name: str, value: SecretStr) -> str | None:
        """Return what a device says to the new value, ``None`` where it lets the gateway in."""
        try:
            with self.engine.connect() as connection:
                if not queries.is_device(connection, device):
                    return None
                endpoint = self.directory.endpoint(connection, device, "")
                if queries.endpoint_data(connection, device).secret_name != name:
                    return None  # an option of it, which only its own login would try
            self.fleet.examine(replace(endpoint, password=value))
        except AdapterError as error:
            return str(error)
        return None

    def _one(self, name: str) -> SecretLine:
        return next(each for each in self.all() if each.name == name)


def _line(found: Credential) -> SecretLine:
    return SecretLine(
        name=found.name,
        is_set=found.set_at is not None,
        set_at=None if found.set_at is None else found.set_at.isoformat(),
        set_by=found.set_by,
        used_by=found.used_by,
    )
