"""The inventory beyond TMF639: pools with what is free, and files that bring more."""

from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from rom.metrics.statistics import statistics
from tests.integration.northbound.conftest import INVENTORY

POOLS, FILE = "/rom/v1/pools", "/rom/v1/inventory"


@pytest.fixture
def content() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(INVENTORY.read_text())
    return found


def pool(http: Any, name: str) -> dict[str, Any]:
    (found,) = [each for each in http.get(POOLS).json() if each["name"] == name]
    return dict(found)


def test_what_the_server_was_started_with_brings_nothing_again(http: Any, content: Any) -> None:
    answer = http.post(FILE, json=content)
    assert (answer.status_code, answer.json()) == (200, {"created": 0, "changed": 0, "removed": 0})


def test_a_pool_tells_what_is_free_and_whether_that_is_little(http: Any) -> None:
    stock = pool(http, "ISR-4431 stock")
    assert (stock["capacity"], stock["watermark"], stock["low"]) == (5, None, False)
    assert stock["free"] <= 5
    upstream = pool(http, "OLT-NORTH-07 1/4 upstream")
    assert upstream["low"] == (upstream["free"] < upstream["watermark"])


def test_a_refused_file_names_every_finding_and_changes_nothing(http: Any, content: Any) -> None:
    before = http.get(POOLS).json()
    content["pools"].append({"name": "Probe names", "kind": "probe-name", "values": []})
    content["sites"][0]["surprise"] = True
    answer = http.post(FILE, json=content)
    assert answer.status_code == 400
    assert answer.json()["code"] == "inventoryRefused"
    assert "surprise" in answer.json()["reason"] + answer.json()["message"]
    assert "pools[" in answer.json()["reason"] + answer.json()["message"]
    assert http.get(POOLS).json() == before


@pytest.mark.parametrize("body", ["[]", '"x"', "{", ""])
def test_what_is_no_file_is_refused_with_words(http: Any, body: str) -> None:
    answer = http.post(FILE, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["reason"]


def test_orders_and_pools_are_measured(engine: sa.Engine, http: Any) -> None:
    with engine.connect() as connection:
        counted = statistics(connection)
    assert ("held",) in counted["rom_orders"]
    low = pool(http, "OLT-NORTH-07 1/4 upstream")
    assert counted["rom_pool_free"][low["name"],] == low["free"]
    assert counted["rom_pool_watermark"][low["name"],] == low["watermark"]
