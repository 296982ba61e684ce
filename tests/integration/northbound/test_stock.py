"""The inventory beyond TMF639: pools with what is free, and files that bring more."""

from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from rom.metrics.statistics import statistics
from tests.integration.northbound.conftest import INVENTORY

POOLS, FILE = "/rom/v1/pools", "/rom/v1/inventory"
NOTHING = {"created": 0, "changed": 0, "removed": 0, "replanned": {}}


@pytest.fixture
def content() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(INVENTORY.read_text())
    return found


def pool(http: Any, name: str) -> dict[str, Any]:
    (found,) = [each for each in http.get(POOLS).json() if each["name"] == name]
    return dict(found)


def test_what_the_server_was_started_with_brings_nothing_again(http: Any, content: Any) -> None:
    answer = http.post(FILE, json=content)
    assert (answer.status_code, answer.json()) == (200, NOTHING)


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


def test_every_mistake_is_told_with_its_place_for_programs(http: Any, content: Any) -> None:
    content["sites"][1]["timezone"] = "Mars/Olympus"
    content["devices"][0]["profile"] = "bbf"
    content["pools"][0]["item_attributes"] = {"l2_domain": ["x"]}
    for query in ("", "?dryRun=true"):
        answer = http.post(FILE + query, json=content)
        assert (answer.status_code, answer.json()["code"]) == (400, "inventoryRefused")
        told = {each["pointer"] for each in answer.json()["problems"] if each["fix"]}
        assert told >= {"/sites/1/timezone", "/devices/0/profile"}


def test_a_dry_run_says_what_would_become_of_each_entry_and_does_nothing(
    http: Any, content: Any
) -> None:
    content = {"network": {"ntp": "192.0.2.200"}}
    answer = http.post(f"{FILE}?dryRun=true", json=content)
    assert answer.json() == {
        "created": 0, "changed": 1, "removed": 0, "replanned": {},
        "changes": [
            {"section": "network", "name": "network", "change": "changed",
             "fields": {"ntp": {"before": "192.0.2.123", "after": "192.0.2.200"}}}
        ],
    }  # fmt: skip
    assert http.get(FILE).json()["network"]["ntp"] == "192.0.2.123"


def test_what_is_exported_brings_nothing_again(http: Any) -> None:
    exported = http.get(FILE)
    assert exported.status_code == 200
    answer = http.post(FILE, json=exported.json())
    assert answer.json() == NOTHING


def test_a_body_that_stands_for_too_much_is_refused_with_field_and_bound(http: Any) -> None:
    many = dict.fromkeys("abc", "1-65000")
    body = {"pools": [{"name": "{a}{b}{c}", "kind": "licence", "for_each": many, "values": "1-9"}]}
    answer = http.post(FILE, json=body)
    assert answer.status_code == 400
    assert "for_each" in answer.json()["reason"]
    assert "65536" in answer.json()["reason"]


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
    assert counted["rom_oldest_held_seconds"] == {(): 0}
    assert counted["rom_table_bytes"]["resource",] > 8192


def test_held_items_drift_leases_and_durations_are_measured(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        for statement in (
            "INSERT INTO resource_order (id, document, state, customer, requester)"
            " VALUES ('RO-m', '{}', 'held', 'C', 'som')",
            "INSERT INTO order_item (order_id, item_id, position, action, specification, version,"
            " key, site, characteristics, depends_on, state, step, reason, updated_at) VALUES"
            " ('RO-m', 'I', 0, 'add', 'RFS:X', '1', 'x', 'S', '{}', '{}', 'held', 'verifying',"
            " 'AWAITING_ONU', now() - interval '2 hours')",
            "INSERT INTO verdict (order_id, item_id, site, kind, result, evidence)"
            " VALUES ('', 'OLT', 'S', 'drift', 'drift', '{}'),"
            " ('', 'OLT', 'S', 'drift', 'clean', '{}'), ('', 'BNG', 'S', 'drift', 'drift', '{}')",
            "INSERT INTO device_lease (device, epoch, holder, until)"
            " VALUES ('OLT', 1, 'host/7/aa', now() + interval '1 minute'),"
            " ('BNG', 1, 'host/7/bb', now() + interval '1 minute'),"
            " ('CE', 1, 'host/8/cc', now() - interval '1 minute')",
            "INSERT INTO device_txn (id, device, kind, state, epoch, started_at, finished_at)"
            " SELECT 'm' || n, 'OLT', 'apply', 'committed', 1, now() - n * interval '1 second',"
            " now() FROM generate_series(1, 3) AS n",
        ):
            connection.execute(sa.text(statement))
        counted = statistics(connection)
        connection.rollback()
    assert counted["rom_items_held"]["AWAITING_ONU",] == 1
    assert 7200 <= counted["rom_oldest_held_seconds"][()] < 7300
    assert counted["rom_drift"] == {("clean",): 1, ("drift",): 1}
    assert counted["rom_leases"] == {("host/7",): 2}
    assert counted["rom_device_transaction_seconds"]["none", "0.5"] == 2
    assert counted["rom_device_transaction_seconds"]["none", "1"] == 3
