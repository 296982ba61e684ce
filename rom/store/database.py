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


def make_engine(url: str, *, pool_size: int = 10, connect_seconds: int | None = None) -> sa.Engine:
    """Return an engine for PostgreSQL; connections are checked before use.

    Whoever cannot wait says within how many seconds a connection has to be there.
    """
    arguments: dict[str, Any] = {"options": "-c timezone=UTC"}
    if connect_seconds is not None:
        arguments["connect_timeout"] = connect_seconds
    engine = sa.create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,  # an error's text ends in a log
        connect_args=arguments,
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


def in_words(error: BaseException) -> str:
    """Return what the database, or the way to it, has said, in one line."""
    cause = getattr(error, "orig", None) or error
    lines = (line.strip() for line in str(cause).splitlines())
    return "; ".join(line for line in lines if line)


def plain_url(url: str) -> str:
    """Return the URL as libpq knows it, without SQLAlchemy's driver name."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def has_table(connection: Connection, name: str) -> bool:
    """Tell whether there is such a table."""
    return connection.scalar(sa.select(sa.func.to_regclass(name))) is not None
