"""The master key: the operator's, or one of the data directory's own.

The database knows its key by a fingerprint. Whoever comes with another key is refused, and no key
is made for a database that has one.
"""

import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from cryptography.fernet import InvalidToken
from pydantic import SecretStr

from rom.store import sealing
from rom.store.database import Connection, Engine
from rom.vault.fingerprint import fingerprint, fits, new_salt, shown
from rom.vault.vault import Cipher

KEY_FILE = "master.key"
NEXT_FILE = "master.key.next"
"""A key that a rotation is about to seal with; the key once the rotation is in the database."""
_SHORTEST = 32


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The key of a database."""

    value: SecretStr
    generation: int
    """1 for the first key; each rotation adds one."""
    root: SecretStr
    """What the sites' secrets are derived from: the first key the database ever had."""


def unlock(engine: Engine, data_dir: Path, given: SecretStr | None) -> MasterKey:
    """Return the database's key: the one ``given``, else the data directory's own.

    On the very first use a key is made where none is given. Raises ``ValueError`` for a key that
    is too short, that is not the database's, or that is missing.
    """
    with engine.begin() as connection:
        sealing.first_use(connection)
        known = sealing.known_key(connection)
        if known is None:
            return _first(connection, data_dir, given)
        found = _candidates(data_dir, given)
        key = next((each for each in found if fits(each, known.salt, known.fingerprint)), None)
        if key is None:
            raise ValueError(_refusal(known, data_dir, given, found))
    if given is None:
        _adopt(data_dir, key)
    root = key
    if known.sealed_root is not None:
        root = SecretStr(Cipher(key).unseal(known.sealed_root).decode())
    return MasterKey(key, known.generation, root)


def present_key(connection: Connection, data_dir: Path, given: SecretStr | None) -> str:
    """Return the fingerprint, as it is shown, of the database's key, empty before its first use.

    Changes nothing. Raises ``ValueError`` for a key that is not the database's, or is missing.
    """
    known = sealing.known_key(connection)
    if known is None:
        return ""
    found = _candidates(data_dir, given)
    if not any(fits(each, known.salt, known.fingerprint) for each in found):
        raise ValueError(_refusal(known, data_dir, given, found))
    return shown(known.fingerprint)


def read_key(file: Path) -> SecretStr:
    """Return the key that a file holds; raises ``ValueError`` for a file without one."""
    return checked(SecretStr(_text_of(file).strip()), str(file))


def _text_of(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        message = f"{file} cannot be read: {type(error).__name__}"
        raise ValueError(message) from error


def checked(key: SecretStr, origin: str) -> SecretStr:
    """Return the key; raises ``ValueError`` for one that is too short."""
    if len(key.get_secret_value()) < _SHORTEST:
        message = f"{origin} needs at least {_SHORTEST} characters"
        raise ValueError(message)
    return key


def make_key(file: Path) -> SecretStr:
    """Return a new key kept in ``file``, or the one that is there already."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.parent / f".{file.name}.{os.getpid()}"
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_urlsafe(48))
        try:
            os.link(unfinished, file)  # whoever comes first wins, nobody sees half a key
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
    return read_key(file)


def _first(connection: Connection, data_dir: Path, given: SecretStr | None) -> MasterKey:
    found = _candidates(data_dir, given)
    sealed = sealing.any_sealed(connection)
    if sealed is None:
        key = found[0] if found else make_key(data_dir / KEY_FILE)
    else:  # from a release that kept no fingerprint
        opening = next((each for each in found if _opens(each, sealed)), None)
        if opening is None:
            raise ValueError(_refusal(None, data_dir, given, found))
        key = opening
    salt = new_salt()
    sealing.keep_key(
        connection,
        generation=1,
        salt=salt,
        fingerprint=fingerprint(key, salt),
        sealed_root=None,
    )
    return MasterKey(key, 1, key)


def _candidates(data_dir: Path, given: SecretStr | None) -> list[SecretStr]:
    if given is not None:
        return [checked(given, "ROM_MASTER_KEY")]
    found = []
    for file in (data_dir / KEY_FILE, data_dir / NEXT_FILE):
        if file.exists():
            text = _text_of(file)
            # Earlier releases took an editor's line end for a part of the key.
            found += [checked(SecretStr(each), str(file)) for each in {text: 0, text.strip(): 0}]
    return found


def _opens(key: SecretStr, sealed: bytes) -> bool:
    try:
        Cipher(key).unseal(sealed)
    except InvalidToken:
        return False
    return True


def _adopt(data_dir: Path, key: SecretStr) -> None:
    """Finish a rotation that ended between the database and the files."""
    following = data_dir / NEXT_FILE
    if following.exists() and read_key(following) == key:
        put_in_place(data_dir)


def put_in_place(data_dir: Path) -> Path | None:
    """Make the next key the data directory's; return where the former one is kept."""
    present = data_dir / KEY_FILE
    former = None
    if present.exists():
        numbered = (data_dir / f"{KEY_FILE}.{number}" for number in count(1))
        former = next(file for file in numbered if not file.exists())
        present.rename(former)
    (data_dir / NEXT_FILE).rename(present)
    return former


def _refusal(
    known: sealing.KnownKey | None,
    data_dir: Path,
    given: SecretStr | None,
    found: Iterable[SecretStr],
) -> str:
    which = "with a master key"
    if known is not None:
        which = f"with the master key {shown(known.fingerprint)} of {known.since:%Y-%m-%d}"
    if given is not None:
        here = "ROM_MASTER_KEY is another one"
    elif list(found):
        here = f"{data_dir / KEY_FILE} is another one"
    else:
        here = f"there is none here ({data_dir / KEY_FILE})"
    return (
        f"the secrets in the database were sealed {which}, and {here}. Set ROM_MASTER_KEY to that "
        f"key, or put its file there; it belongs to the backup of the database. Without it, "
        "start with an empty database"
    )
