"""Alembic's environment: runs the migrations on the connection that ``migrate`` hands over."""

from alembic import context

import inventory.tables
import rom.store.access_tables
import rom.store.catalog_tables
import rom.store.event_tables
import rom.store.order_tables
import rom.store.tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=[rom.store.tables.metadata, inventory.tables.metadata],
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
