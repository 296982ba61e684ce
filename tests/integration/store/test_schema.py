"""The migrations make what the tables say."""

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import inventory.tables
import rom.store.catalog_tables
import rom.store.event_tables
import rom.store.tables
import rom.store.trail_tables
from rom.store import change_list
from rom.store.database import make_engine, migrate


def test_the_migrations_make_every_table_as_the_code_knows_it(empty_database_url: str) -> None:
    engine = make_engine(empty_database_url)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        known = [
            rom.store.tables.metadata,
            rom.store.trail_tables.metadata,
            inventory.tables.metadata,
        ]
        differences = compare_metadata(context, known)  # type: ignore[arg-type]  # several are taken
    engine.dispose()
    assert differences == []


def test_changes_made_before_anything_could_be_kept_have_kept_nothing(
    empty_database_url: str,
) -> None:
    engine = make_engine(empty_database_url)
    migrate(engine, "0006")
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO change (device, site, kind, state) VALUES ('D', 'S', 'apply', 'done')"
            )
        )
    migrate(engine)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT kept FROM change")) == []
        assert change_list.kept_at(connection, "S") == {}
    engine.dispose()
