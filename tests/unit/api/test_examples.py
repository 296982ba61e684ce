"""The shipped orders say what they are named after."""

import json
from pathlib import Path

import pytest

import api

EXAMPLES = Path(api.__file__).parent / "examples"
SITES = {
    "so-pilot-melbourne.json": {"ENT-1102-MELB"},
    "so-wave1-sydney-1.json": {"ENT-1102-SYD1"},
    "so-wave1-sydney-2.json": {"ENT-1102-SYD2"},
    "so-wave2-brisbane.json": {"ENT-1102-BNE1", "ENT-1102-BNE2"},
}


@pytest.mark.parametrize("name", SITES)
def test_every_site_has_its_six_items_with_unique_ids(name: str) -> None:
    items = json.loads((EXAMPLES / name).read_text())["orderItem"]
    places = [item["resource"]["place"]["id"] for item in items]
    assert set(places) == SITES[name]
    assert len(items) == 6 * len(SITES[name])
    assert len({item["id"] for item in items}) == len(items)


def test_no_shipped_order_lacks_a_test() -> None:
    assert {place.name for place in EXAMPLES.glob("*.json")} == set(SITES)
