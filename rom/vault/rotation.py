"""Rotation of the master key: everything sealed is sealed again, all of it or nothing.

What the sites' secrets are derived from stays, sealed with the new key: routers and neighbours
know those secrets, and each is changed by an order of its own.
"""

from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import InvalidToken
from pydantic import SecretStr

from rom.model.deed import GATEWAY, Actor, DeedKind
from rom.model.errors import NotPossible
from rom.store import sealing
from rom.store.database import Engine
from rom.trail import trail
from rom.vault.fingerprint import fingerprint, fits, new_salt, shown
from rom.vault.master_key import NEXT_FILE, MasterKey, make_key, put_in_place
from rom.vault.vault import Cipher


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation has done."""

    count: int
    """How many values were sealed again."""
    generation: int
    fingerprint: str
    former: Path | None
    """Where the former key is kept, for backups that were made with it."""


def rotate(engine: Engine, key: MasterKey, new: SecretStr, by: Actor = GATEWAY) -> Rotated:
    """Seal everything with the ``new`` key, in one transaction.

    Raises ``NotPossible`` while a gateway has the database in use, for a key that is the present
    one, and when somebody else has rotated it meanwhile.
    """
    present, following = Cipher(key.value), Cipher(new)
    with engine.begin() as connection:
        if not sealing.take_alone(connection):
            reason = "a gateway is running on this database"
            raise NotPossible("gatewayRunning", reason, "Stop every gateway on it, then repeat")
        known = sealing.known_key(connection)
        if known is None or known.generation != key.generation:
            reason = "the master key was changed meanwhile"
            raise NotPossible("keyChanged", reason, "Repeat with the present key")
        if fits(new, known.salt, known.fingerprint):
            reason = "the new master key is the present one"
            raise NotPossible("sameKey", reason, "Give another one")
        try:
            count = sealing.seal_again(
                connection, lambda sealed: following.seal(present.unseal(sealed))
            )
        except InvalidToken as error:
            reason = "something in the database is damaged, or was sealed with another key"
            raise NotPossible("cannotUnseal", reason, "Restore the database") from error
        salt = new_salt()
        made = fingerprint(new, salt)
        sealing.keep_key(
            connection,
            generation=key.generation + 1,
            salt=salt,
            fingerprint=made,
            sealed_root=following.seal(key.root.get_secret_value().encode()),
        )
        trail.record(
            connection,
            by,
            DeedKind.MASTER_KEY_ROTATED,
            subject=shown(made),
            details={"generation": key.generation + 1, "values": count},
        )
    return Rotated(count, key.generation + 1, shown(made), None)


def rotate_own(engine: Engine, key: MasterKey, data_dir: Path, by: Actor = GATEWAY) -> Rotated:
    """Seal everything with a new key of the data directory's own.

    The new key is kept before the database has it, so that whatever ends this at any point leaves
    a key that fits. Raises as ``rotate``.
    """
    done = rotate(engine, key, make_key(data_dir / NEXT_FILE), by)
    former = put_in_place(data_dir)
    return Rotated(done.count, done.generation, done.fingerprint, former)
