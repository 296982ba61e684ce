"""Secrets by name, sealed: the database never sees one in clear."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from rom.store.tables import secret


def keep(connection: sa.Connection, name: str, sealed: bytes) -> None:
    """Keep a sealed secret under its name, replacing an earlier one."""
    statement = insert(secret).values(name=name, sealed=sealed)
    connection.execute(
        statement.on_conflict_do_update(index_elements=[secret.c.name], set_={"sealed": sealed})
    )


def find(connection: sa.Connection, name: str) -> bytes | None:
    """Return the sealed secret of a name, or ``None``."""
    sealed = connection.scalar(sa.select(secret.c.sealed).where(secret.c.name == name))
    return None if sealed is None else bytes(sealed)
