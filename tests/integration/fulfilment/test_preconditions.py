"""What a specification may ask for before a step, the engine waits for; no more and no less.

The product of these tests, ``watch``, is staged on the access and configured on the BNG, and asks
that the bearer be completed before one of its steps.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from rom.store.embedded import EmbeddedPostgres
from tests.databases import stocked_database
from tests.integration.fulfilment.conftest import EXAMPLES, GOOD, Engine, engine_at

SITE = "ENT-1102-MELB"
LINE = tuple(
    f"RFS:{n}" for n in ("GPON-Bearer", "VLAN-Service", "IP-Profile", "QoS-Policy", "CE-Router")
)
LIMITS = {"availabilityPercent": 99.0, "latencyMs": 10.0, "packetLossPercent": 1.0}
WATCH: dict[str, Any] = {
    "id": "RFS:Watch",
    "key": "watch",
    "name": "Watch",
    "version": "1.0",
    "resource_type": {"category": "Logical", "label": "Watch", "shows": "'watch'"},
    "configure": [
        {"role": "access", "fragment": "vlan-service", "step": "stage"},
        {"role": "bng", "fragment": "vlan-service"},
    ],
    "steps": ["stage", "configure", "verify"],
}
Make = Callable[..., AbstractContextManager[tuple[Engine, str]]]


@pytest.fixture
def make(postgres_server: EmbeddedPostgres, tmp_path: Path) -> Make:
    """Makes an engine with an order for a line and the product with these members."""

    @contextmanager
    def _make(**members: Any) -> Iterator[tuple[Engine, str]]:
        folder = tmp_path / "catalog"
        folder.mkdir()
        (folder / "watch.yaml").write_text(yaml.safe_dump(WATCH | members))
        document = json.loads((EXAMPLES / "so-pilot-melbourne.json").read_text())
        items = [i for i in document["orderItem"] if i["resourceSpecification"]["id"] in LINE]
        for item in items:
            item.pop("orderItemRelationship", None)
        watch = json.loads(json.dumps(items[0]))
        watch |= {"id": "WATCH", "resourceSpecification": {"id": "RFS:Watch"}}
        watch["resource"] |= {
            "resourceSpecification": {"id": "RFS:Watch"},
            "resourceCharacteristic": [],
        }
        document["orderItem"] = [*items, watch]
        with (
            stocked_database(postgres_server) as url,
            engine_at(url, tmp_path, folder) as rom,
        ):
            order_id = rom.insert(document)
            rom.devices.answers["onu-presence"] = "bbf-xpon-onu-types:onu-not-present-with-v-ani"
            yield rom, order_id

    return _make


def before(point: str, reached: str = "completed") -> list[dict[str, Any]]:
    return [{"before": point, "needs": ["bearer"], "reached": reached}]


def bearer_comes_up(rom: Engine) -> None:
    rom.devices.answers |= GOOD


def asked(rom: Engine) -> set[str]:
    with rom.engine.connect() as connection:
        return set(connection.scalars(sa.text("SELECT device FROM change WHERE item_id = 'WATCH'")))


def proven(rom: Engine) -> list[str]:
    with rom.engine.connect() as connection:
        return list(connection.scalars(sa.text("SELECT kind FROM verdict WHERE item_id = 'WATCH'")))


def settle(rom: Engine) -> None:
    for _ in range(6):
        rom.run(SITE)
        rom.write()


def test_before_stage_nothing_of_the_item_leaves(make: Make) -> None:
    with make(preconditions=before("stage")) as (rom, order_id):
        settle(rom)
        assert (rom.item(order_id, "WATCH").step, asked(rom)) == ("reserved", set())
        bearer_comes_up(rom)
        settle(rom)
        assert rom.item(order_id, "WATCH").state == "completed"


def test_before_configure_an_item_is_staged_and_goes_no_further(make: Make) -> None:
    with make(preconditions=before("configure")) as (rom, order_id):
        settle(rom)
        assert asked(rom) == {"OLT-SOUTH-03"}
        assert rom.item(order_id, "WATCH").step == "queued"
        bearer_comes_up(rom)
        rom.run(SITE)
        assert asked(rom) == {"OLT-SOUTH-03", "BNG-MEL-01"}
        assert rom.item(order_id, "WATCH").step == "queued"
        settle(rom)
        assert rom.item(order_id, "WATCH").state == "completed"


@pytest.mark.parametrize("point", ["verify", "complete"])
def test_before_proof_an_item_is_on_its_devices_and_nobody_asks_them(
    make: Make, point: str
) -> None:
    with make(preconditions=before(point)) as (rom, order_id):
        settle(rom)
        assert (rom.item(order_id, "WATCH").step, proven(rom)) == ("verifying", [])
        bearer_comes_up(rom)
        settle(rom)
        assert (rom.item(order_id, "WATCH").state, proven(rom)) == ("completed", ["checks"])


@pytest.mark.parametrize("point", ["measure", "complete"])
def test_before_measuring_an_item_is_verified_and_no_packet_leaves(make: Make, point: str) -> None:
    members = {
        "steps": [*WATCH["steps"], "measure"],
        "characteristics": [
            {"name": name, "type": "number", "default": value} for name, value in LIMITS.items()
        ],
        "preconditions": [{"before": point, "needs": ["ce"]}, *before("verify", "committed")],
    }
    with make(**members) as (rom, order_id):
        for _ in range(6):
            work = rom.run(SITE)
            for key in ("bearer", "vlan", "ip", "qos", "watch"):
                rom.write(key)
        assert (rom.item(order_id, "WATCH").step, proven(rom)) == ("measuring", ["checks"])
        assert not work.measure
        rom.write("ce")
        assert rom.run(SITE).measure


def test_committed_is_enough_where_it_is_said_to_be(make: Make) -> None:
    with make(preconditions=before("stage", "committed")) as (rom, order_id):
        settle(rom)
        assert rom.item(order_id).state == "pending"
        assert rom.item(order_id, "WATCH").state == "completed"


def test_an_item_that_no_device_can_prove_says_so(make: Make) -> None:
    members = {
        "characteristics": [{"name": "deep", "type": "boolean", "default": False}],
        "configure": [
            {"role": "bng", "fragment": "vlan-service", "when": "deep"},
            {"role": "radius", "fragment": "ip-profile"},
        ],
        "steps": ["configure", "verify"],
        "preconditions": [{"before": "configure", "needs": ["ip"]}],
    }
    with make(**members) as (rom, order_id):
        bearer_comes_up(rom)
        settle(rom)
        assert rom.item(order_id, "WATCH").state == "completed"
        assert [note for note in rom.notes(order_id) if note.startswith("NO_CHECK: ")]
        with rom.engine.connect() as connection:
            results = connection.scalars(
                sa.text("SELECT result FROM verdict WHERE item_id = 'WATCH'")
            ).all()
        assert results == ["INDETERMINATE"]
