"""Specifications kept in the database outlive changes of the vocabulary."""

import json

import sqlalchemy as sa

from rom.catalog.live import LiveCatalog
from rom.catalog.loader import load_catalog
from rom.store.database import make_engine, migrate
from rom.store.embedded import EmbeddedPostgres
from tests.databases import fresh_database


def test_one_kept_before_preconditions_had_their_name_is_read_with_them(
    postgres_server: EmbeddedPostgres,
) -> None:
    catalog = load_catalog()
    shipped = catalog.specification("RFS:VLAN-Service")
    older = shipped.model_dump(mode="json") | {"version": "0.9"}
    older["gates"] = older.pop("preconditions")
    with fresh_database(postgres_server) as url:
        engine = make_engine(url)
        migrate(engine, "0007")
        with engine.begin() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO kept_specification (id, version, specification, published)"
                    " VALUES (:id, '0.9', :specification, '{}')"
                ),
                {"id": shipped.id, "specification": json.dumps(older)},
            )
        migrate(engine)
        kept = LiveCatalog(engine, catalog).specification(shipped.id, "0.9")
        engine.dispose()
    assert kept.preconditions
    assert kept.preconditions == shipped.preconditions
