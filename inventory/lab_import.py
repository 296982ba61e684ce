"""Take over endpoints and CPE access from the ready file of a simulated lab.

Passwords do not enter the database: each is handed to ``remember`` under a name, and only the
name is stored.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from inventory.tables import device, resource

Remember = Callable[[str, str], None]
_SECRET_WORDS = ("password", "passphrase", "secret", "token")


class LabImportError(Exception):
    """The ready file cannot be used; nothing was written."""


class _LabDevice(BaseModel):
    # Ignores what only the lab itself has a use for.
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    host: str
    port: int = Field(default=0, ge=0, le=65535)
    """0 where there is none, such as for a database in a file."""
    username: str | None = ""
    password: str | None = Field(default=None, repr=False)
    host_key: str | None = None
    url: str | None = None
    options: dict[str, JsonValue] = {}


class _ReadyFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    devices: dict[str, _LabDevice]
    cpe: dict[str, dict[str, dict[str, JsonValue]]] = {}


class LabImportReport(BaseModel):
    """What was taken over, and what the lab has that inventory does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    devices: tuple[str, ...]
    cpe: tuple[str, ...]
    unknown: tuple[str, ...]


def import_lab(connection: sa.Connection, ready_file: Path, remember: Remember) -> LabImportReport:
    """Update device endpoints and CPE access inside the caller's transaction.

    A lab device serves the inventory device of its name and those whose attribute ``agent`` is
    its name (one Kea agent serves two). ``remember(name, value)`` gets each secret, named
    ``device/<name>`` or ``cpe/<serial>/<protocol>``. Raises ``LabImportError``.
    """
    ready = _read(ready_file)
    imported: list[str] = []
    unknown: list[str] = []
    for lab_name, found in ready.devices.items():
        names = _served(connection, lab_name)
        if not names:
            unknown.append(lab_name)
        for name in names:
            row = _endpoint(name, found, remember)
            connection.execute(sa.update(device).where(device.c.name == name).values(row))
        imported += names
    cpe: list[str] = []
    for serial, protocols in ready.cpe.items():
        access = {
            protocol: _without_secrets(f"cpe/{serial}/{protocol}", fields, remember)
            for protocol, fields in protocols.items()
        }
        changed = _write_access(connection, serial, access)
        (cpe if changed else unknown).append(serial)
    return LabImportReport(
        devices=tuple(sorted(imported)), cpe=tuple(sorted(cpe)), unknown=tuple(sorted(unknown))
    )


def _write_access(connection: sa.Connection, serial: str, access: dict[str, Any]) -> bool:
    """Write how to reach a unit; a host key that was pinned stays where the lab tells none."""
    unit = sa.and_(
        resource.c.attributes.has_key("serial"), resource.c.attributes["serial"].astext == serial
    )
    found = connection.execute(sa.select(resource.c.access).where(unit).with_for_update()).all()
    for (known,) in found:
        for protocol, fields in access.items():
            pinned = (known or {}).get(protocol, {}).get("host_key")
            if pinned and not fields.get("host_key"):
                fields["host_key"] = pinned
    connection.execute(sa.update(resource).where(unit).values(access=access))
    return bool(found)


def _read(path: Path) -> _ReadyFile:
    try:
        return _ReadyFile.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise LabImportError(f"{path}: cannot be read: {error}") from error
    except ValidationError as error:
        places = [".".join(map(str, each["loc"])) for each in error.errors(include_input=False)]
        raise LabImportError(f"{path}: wrong or missing: {', '.join(places)}") from None


def _served(connection: sa.Connection, lab_name: str) -> list[str]:
    query = sa.select(device.c.name).where(
        sa.or_(device.c.name == lab_name, device.c.attributes["agent"].astext == lab_name)
    )
    return list(connection.scalars(query.order_by(device.c.name)))


def _endpoint(name: str, found: _LabDevice, remember: Remember) -> dict[str, Any]:
    options = _without_secrets(f"device/{name}", found.options, remember)
    if found.url is not None:
        options["url"] = found.url
    secret_name = None
    if found.password:
        secret_name = f"device/{name}"
        remember(secret_name, found.password)
    return {
        "host": found.host,
        "port": found.port or None,
        "username": found.username or "",
        "secret_name": secret_name,
        "host_key": found.host_key,
        "options": {key: str(value) for key, value in options.items()},
    }


def _without_secrets(
    name: str, fields: Mapping[str, JsonValue], remember: Remember
) -> dict[str, Any]:
    """Replace ``password`` by ``secret_name`` and any other secret by ``<field>_secret_name``."""
    kept: dict[str, Any] = {}
    for field, value in fields.items():
        if not any(word in field.lower() for word in _SECRET_WORDS):
            kept[field] = value
        elif isinstance(value, str) and value:
            is_main = field == "password"
            secret = name if is_main else f"{name}/{field}"
            remember(secret, value)
            kept["secret_name" if is_main else f"{field}_secret_name"] = secret
    return kept
