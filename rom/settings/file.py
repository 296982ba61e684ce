"""The settings file ``rom.toml``, and secrets that lie in files of their own.

What the environment says wins over the file. A secret may be named by the file that holds it:
``database_url_file`` stands for ``database_url``, and so does ``ROM_DATABASE_URL_FILE``.
"""

import difflib
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rom.model.errors import Misconfigured

VARIABLE = "ROM_SETTINGS_FILE"
USUAL_FILE = Path("/etc/rom-gateway/rom.toml")
IN_FILE = "_file"
PREFIX = "ROM_"
OF_THE_CLIENT = frozenset({VARIABLE, "ROM_URL", "ROM_TOKEN", "ROM_TOKEN_FILE"})
"""Variables that are no settings of the gateway."""


def settings_file() -> Path | None:
    """Return the file that ``ROM_SETTINGS_FILE`` names, else the usual one where it is there."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named) if named else None
    return USUAL_FILE if USUAL_FILE.is_file() else None


def read_file(file: Path, names: Iterable[str], secrets: Iterable[str]) -> dict[str, Any]:
    """Return what the file sets, by the settings' names.

    Raises ``Misconfigured`` for a file that cannot be read and for a name that is no setting.
    """
    secrets = frozenset(secrets)
    known = {*names, *(f"{name}{IN_FILE}" for name in secrets)}
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        message = f"it cannot be read: {reason}"
        raise Misconfigured(message, field=str(file), mend=f"Correct {VARIABLE}") from error
    except tomllib.TOMLDecodeError as error:
        message = f"it is no TOML: {error}"
        raise Misconfigured(message, field=str(file), mend="Correct that line") from error
    for name in found:
        if name not in known:
            raise Misconfigured(
                f"there is no setting '{name}'", field=str(file), mend=_nearest(name, known)
            )
    return _opened(found, secrets, str(file))


def read_environment(secrets: Iterable[str]) -> dict[str, Any]:
    """Return the secrets that variables name by file; raises ``Misconfigured``."""
    given = {}
    for name in secrets:
        for each in (name, f"{name}{IN_FILE}"):
            value = os.environ.get(f"{PREFIX}{each.upper()}")
            if value is not None:
                given[each] = value
    opened = _opened(given, frozenset(secrets), "")
    return {name: opened[name] for name in opened if f"{name}{IN_FILE}" in given}


def unknown_variables(names: Iterable[str], secrets: Iterable[str]) -> dict[str, str]:
    """Return the variables that look like settings and are none, each with what may be meant."""
    known = {f"{PREFIX}{name.upper()}" for name in names}
    known |= {f"{PREFIX}{name.upper()}{IN_FILE.upper()}" for name in secrets}
    return {
        name: _nearest(name, known)
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name not in known | OF_THE_CLIENT
    }


def _opened(given: Mapping[str, Any], secrets: frozenset[str], origin: str) -> dict[str, Any]:
    found = dict(given)
    for name in secrets:
        pointer = f"{name}{IN_FILE}"
        if pointer not in found:
            continue
        told = f"{origin}: {pointer}" if origin else f"{PREFIX}{pointer.upper()}"
        if name in found:
            message = "the secret is given as well as the file that holds it"
            raise Misconfigured(message, field=told, mend="Leave one of them out")
        try:
            found[name] = Path(str(found.pop(pointer))).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            message = f"the file it names cannot be read: {type(error).__name__}"
            raise Misconfigured(message, field=told, mend="Name a file that can be read") from error
    return found


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {near[0]}?" if near else "Take it out; the operator guide lists them all"
