"""The master key: the operator's, or one of the data directory's own."""

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

_KEY_FILE = "master.key"
_SHORTEST = 32


def master_key(data_dir: Path, given: SecretStr | None) -> SecretStr:
    """Return the operator's master key, or the data directory's own, made on first use.

    Raises ``ValueError`` for one that is too short.
    """
    if given is not None:
        if len(given.get_secret_value()) < _SHORTEST:
            message = f"ROM_MASTER_KEY needs at least {_SHORTEST} characters"
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
