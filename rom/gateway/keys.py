"""The master key, for who administers the gateway."""

from dataclasses import dataclass
from pathlib import Path

from rom.gateway.seam import configuring
from rom.model.deed import Actor
from rom.model.errors import NotPossible
from rom.store import sealing
from rom.store.database import Engine
from rom.vault import rotation
from rom.vault.fingerprint import shown
from rom.vault.master_key import MasterKey, read_key
from rom.vault.rotation import Rotated

__all__ = ["Keys", "Rotated"]


@dataclass(frozen=True)
class Keys:
    """The key of one database, and its change."""

    engine: Engine
    key: MasterKey
    data_dir: Path
    is_own: bool
    """Whether the key is a file of the data directory, which a rotation may replace."""

    def fingerprint(self) -> str:
        """Return the beginning of the key's fingerprint, for people to compare."""
        with self.engine.connect() as connection:
            known = sealing.known_key(connection)
        return "" if known is None else shown(known.fingerprint)

    def rotate(self, new_key_file: Path | None, *, by: Actor) -> Rotated:
        """Seal everything with the key in ``new_key_file``, or with a new one of our own.

        Raises ``NotPossible`` while a gateway runs and ``Misconfigured`` for a file without a key.
        """
        if self.is_own and new_key_file is None:
            return rotation.rotate_own(self.engine, self.key, self.data_dir, by)
        if new_key_file is None:
            reason = "the master key is set by ROM_MASTER_KEY, so the gateway cannot replace it"
            raise NotPossible("keyIsGiven", reason, "Name a file with the new key: --new-key-file")
        if self.is_own:
            reason = "the master key is a file of the data directory, which is replaced by itself"
            raise NotPossible("keyIsOwn", reason, "Leave out --new-key-file")
        with configuring("--new-key-file"):
            new = read_key(new_key_file)
        return rotation.rotate(self.engine, self.key, new, by)
