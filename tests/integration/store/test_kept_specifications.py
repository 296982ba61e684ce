"""Specifications in the database and in files, as a gateway that runs follows them."""

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from inventory.load import load_content
from rom.catalog.errors import SpecificationFileError, UnknownSpecification
from rom.catalog.live import LiveCatalog
from rom.catalog.loader import load_catalog
from rom.store.database import make_engine, migrate
from rom.store.embedded import EmbeddedPostgres
from tests.databases import empty_database, fresh_database


def test_one_kept_before_preconditions_had_their_name_is_read_with_them(
    postgres_server: EmbeddedPostgres,
) -> None:
    catalog = load_catalog()
    shipped = catalog.specification("RFS:VLAN-Service")
    older = shipped.model_dump(mode="json") | {"version": "0.9"}
    older["gates"] = older.pop("preconditions")
    with empty_database(postgres_server) as url:
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


def test_a_file_that_changes_is_followed_and_a_broken_one_leaves_all_as_it_was(
    postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    file = tmp_path / "alarm.yaml"
    shipped = load_catalog().specification("RFS:VLAN-Service")
    content = shipped.model_dump(mode="json") | {"id": "RFS:Alarm", "description": "first"}
    with fresh_database(postgres_server) as url:
        engine = make_engine(url)
        migrate(engine)
        catalog = LiveCatalog(engine, load_catalog(tmp_path))
        with pytest.raises(UnknownSpecification):
            catalog.specification("RFS:Alarm")
        file.write_text(json.dumps(content))
        catalog.follow()
        assert catalog.specification("RFS:Alarm").description == "first"
        file.write_text(json.dumps(content | {"description": "second", "colour": "red"}))
        catalog.follow()
        assert catalog.specification("RFS:Alarm").description == "first"
        with pytest.raises(SpecificationFileError, match=r"alarm\.yaml: colour"):
            catalog.refresh()
        file.write_text(json.dumps(content | {"description": "second"}))
        catalog.follow()
        assert catalog.specification("RFS:Alarm").description == "second"
        file.unlink()
        catalog.follow()
        assert not catalog.specification("RFS:Alarm").orderable
        engine.dispose()


def test_start_is_refused_for_a_file_that_reserves_what_inventory_has_none_of(
    postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    shipped = load_catalog().specification("RFS:VLAN-Service")
    content = shipped.model_dump(mode="json") | {"id": "RFS:Alarm", "key": "alarm"}
    content["reserve"] = [{"name": "siren", "kind": "siren"}]
    (tmp_path / "alarm.yaml").write_text(json.dumps(content))
    with fresh_database(postgres_server) as url:
        engine = make_engine(url)
        migrate(engine)
        catalog = LiveCatalog(engine, load_catalog(tmp_path))
        with pytest.raises(SpecificationFileError) as refused:
            catalog.check_kinds()
        assert refused.value.field == "reserve[0].kind"
        pools = {
            "new_kinds": ["siren"],
            "pools": [{"name": "Sirens", "kind": "siren", "values": ["S1"]}],
        }
        with engine.begin() as connection:
            load_content(connection, pools, "pools.yaml")
        catalog.check_kinds()
        engine.dispose()
