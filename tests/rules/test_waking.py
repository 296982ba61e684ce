"""Who is held for want of resources is tried again when a delete gives some back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rom.store.embedded import EmbeddedPostgres
from tests.databases import fresh_database
from tests.integration.fulfilment.conftest import EXAMPLES, Engine, engine_at

SITE, OTHER = "ENT-1102-MELB", "ENT-1102-SYD2"
PILOT = "so-pilot-melbourne"
IP = "RFS:IP-Profile"


@pytest.fixture
def rom(postgres_server: EmbeddedPostgres, tmp_path: Path) -> Iterator[Engine]:
    with fresh_database(postgres_server) as url, engine_at(url, tmp_path) as found:
        yield found


def one_link(pools: dict[str, Any]) -> None:
    pools["SOUTH-ENT IPv4 links"]["prefix"] = ["10.88.12.0/29"]


def deletion() -> Any:
    document = json.loads((EXAMPLES / f"{PILOT}.json").read_text())
    (item,) = [i for i in document["orderItem"] if i["resourceSpecification"]["id"] == IP]
    item.pop("orderItemRelationship", None)
    item["action"] = "delete"
    document["externalId"] = "SO-DELETE"
    document["orderItem"] = [item]
    return document


def test_a_delete_wakes_who_waits_for_what_it_gives_back(rom: Engine) -> None:
    rom.load(one_link)
    rom.order(PILOT, "RFS:GPON-Bearer", "RFS:VLAN-Service", IP)
    for _ in range(4):
        rom.run(SITE)
        rom.write()
    rom.do("UPDATE order_item SET state = 'completed', step = 'done'")
    waiting = rom.order(PILOT, IP, site=OTHER)
    rom.run(OTHER)
    assert rom.item(waiting, "ROI-003").reason == "RESOURCE_EXHAUSTED"

    gone = rom.insert(deletion())
    assert rom.run(SITE).devices, "a device has to let go of it first"
    rom.do("UPDATE order_item SET due_at = now() + interval '1 day' WHERE state = 'held'")
    rom.write()
    rom.run(SITE)
    assert rom.item(gone, "ROI-003").state == "completed", rom.notes(gone)
    with rom.engine.connect() as connection:
        assert connection.exec_driver_sql(
            "SELECT due_at <= now() FROM order_item WHERE state = 'held'"
        ).all() == [(True,)]
