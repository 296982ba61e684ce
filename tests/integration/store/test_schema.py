"""The migrations make what the tables say."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import inventory.tables
import rom.store.catalog_tables
import rom.store.event_tables
import rom.store.tables
from rom.store.database import make_engine, migrate


def test_the_migrations_make_every_table_as_the_code_knows_it(database_url: str) -> None:
    engine = make_engine(database_url)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        known = [rom.store.tables.metadata, inventory.tables.metadata]
        differences = compare_metadata(context, known)  # type: ignore[arg-type]  # several are taken
    engine.dispose()
    assert differences == []
