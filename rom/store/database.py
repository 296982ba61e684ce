"""The database: one engine, one schema, brought up to date by Alembic before anything runs."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from rom.store import room

Engine = sa.Engine
Connection = sa.Connection
"""An open transaction, as repositories take it; whoever opened it decides when it ends."""
DatabaseError = sa.exc.SQLAlchemyError
"""Anything that went wrong in or on the way to the database."""
DatabaseAway = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
"""The database does not answer, or cannot do now what is asked; later it may."""

MIGRATIONS = Path(__file__).with_name("migrations")
_MIGRATION_LOCK = 652_639_634  # any number, the same in every process


def make_engine(url: str, *, pool_size: int = 10) -> sa.Engine:
    """Return an engine for PostgreSQL; connections are checked before use."""
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,  # an error's text ends in a log
        connect_args={"options": "-c timezone=UTC"},
    )
    room.watch(engine)
    return engine


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the schema to this release, or up to ``revision``; several processes may at once."""
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_lock(_MIGRATION_LOCK)))
        connection.commit()
        try:
            attributes: dict[str, Any] = configuration.attributes
            attributes["connection"] = connection
            command.upgrade(configuration, revision)
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(sa.select(sa.func.pg_advisory_unlock(_MIGRATION_LOCK)))
            connection.commit()


def plain_url(url: str) -> str:
    """Return the URL as libpq knows it, without SQLAlchemy's driver name."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def has_table(connection: Connection, name: str) -> bool:
    """Tell whether there is such a table."""
    return connection.scalar(sa.select(sa.func.to_regclass(name))) is not None
