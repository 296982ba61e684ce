"""Resources in pages, for whoever shows them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from inventory.holding import mark
from inventory.listing import list_resources
from inventory.load import load_file
from inventory.model import BundleRequest
from inventory.records import ResourceFilter
from inventory.reservation import reserve

SITE = "ENT-1102-MELB"


@pytest.fixture
def filled(
    connection: sa.Connection, example: Path, product_bundle: Callable[..., BundleRequest]
) -> sa.Connection:
    load_file(connection, example)
    reserve(connection, product_bundle(SITE, "SOUTH-ENT", area="SOUTH-03"))
    return connection


def test_a_sites_resources_are_listed_with_holder_and_state(filled: sa.Connection) -> None:
    mark(filled, SITE, ["vlan", "access_bandwidth"], "in-use")
    page = list_resources(filled, ResourceFilter(site=SITE))
    assert page.total == len(page.rows) == 17
    found = {row.holders[0].name: row for row in page.rows}
    assert found["vlan"].value == "2108"
    assert found["vlan"].state == "in-use"
    assert found["ce"].state == "reserved"
    assert found["ce"].holders[0].order_id == "order-1"
    assert found["access_bandwidth"].amount == 525_000_000
    assert found["access_bandwidth"].state == "in-use"
    assert found["bearer"].pool_attributes["area"] == "SOUTH-03"


def test_each_resource_is_found_again_by_its_id(filled: sa.Connection) -> None:
    for row in list_resources(filled, ResourceFilter(site=SITE)).rows:
        found = list_resources(filled, ResourceFilter(resource_id=row.resource_id))
        assert (found.rows, found.total) == ((row,), 1)
    assert list_resources(filled, ResourceFilter(resource_id="none")).rows == ()


def test_pages_together_are_the_whole_without_repetition(filled: sa.Connection) -> None:
    whole = list_resources(filled, ResourceFilter(kind="vlan"), limit=1000)
    parts = [
        row
        for offset in range(0, whole.total, 70)
        for row in list_resources(filled, ResourceFilter(kind="vlan"), offset=offset, limit=70).rows
    ]
    assert tuple(parts) == whole.rows
    assert whole.total == 400


def test_states_tell_free_from_used_elsewhere(filled: sa.Connection) -> None:
    pool = "BNG-MEL-01 1/1/c1/1 enterprise VLANs"
    states = {
        state: list_resources(filled, ResourceFilter(pool=pool, state=state)).total
        for state in ("available", "reserved", "used-elsewhere", "quarantined")
    }
    assert states == {"available": 91, "reserved": 1, "used-elsewhere": 8, "quarantined": 0}
    (row, *_) = list_resources(filled, ResourceFilter(pool=pool, state="used-elsewhere")).rows
    assert row.used_by == "neighbours"
