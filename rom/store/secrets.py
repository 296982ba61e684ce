"""Secrets by name, sealed: the database never sees one in clear."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from rom.store.tables import secret


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """What is known of a secret; its value is not."""

    name: str
    set_at: datetime
    set_by: str


def keep(connection: sa.Connection, name: str, sealed: bytes, set_by: str = "") -> bool:
    """Keep a sealed secret under its name, replacing an earlier one; tells whether it is new."""
    values = {"sealed": sealed, "set_by": set_by}
    statement = insert(secret).values(name=name, **values)
    made: bool = connection.execute(
        statement.on_conflict_do_update(
            index_elements=[secret.c.name],
            set_={**values, "set_at": sa.func.clock_timestamp()},
        ).returning(sa.literal_column("xmax = 0"))
    ).scalar_one()
    return made


def find(connection: sa.Connection, name: str) -> bytes | None:
    """Return the sealed secret of a name, or ``None``."""
    sealed = connection.scalar(sa.select(secret.c.sealed).where(secret.c.name == name))
    return None if sealed is None else bytes(sealed)


def every(connection: sa.Connection) -> list[KeptSecret]:
    """Return what is known of every secret, by name."""
    query = sa.select(secret.c.name, secret.c.set_at, secret.c.set_by).order_by(secret.c.name)
    return [KeptSecret(*row) for row in connection.execute(query)]


def remove(connection: sa.Connection, name: str) -> bool:
    """Forget a secret; tells whether there was one."""
    return connection.execute(sa.delete(secret).where(secret.c.name == name)).rowcount == 1
