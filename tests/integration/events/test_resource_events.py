"""TMF639's four events from what really happens to inventory."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from inventory.holding import adjust, mark, release, sweep_quarantine
from inventory.load import load_file
from inventory.model import BundleRequest, ResourceRequest
from inventory.reservation import reserve
from rom.documents.patching import PatchKind
from rom.events.resources import caused_by
from rom.gateway.inventory import Inventory
from rom.model.deed import GATEWAY
from rom.model.errors import UnknownResource
from rom.model.event_types import Api
from rom.store.event_log import of_stream
from rom.store.tables import event_outbox
from tests.stocks import GROUND, completed

SITE = "S1"
BASE = "http://127.0.0.1:8652"
UNUSED: Any = None
CONTENT: dict[str, Any] = {
    "customers": [
        {"id": "C1", "name": "One", "number": 1, "vpn": "V1", "autonomous_system": 65001}
    ],
    "sites": [{"key": SITE, "name": "Site", "customer": "C1", "timezone": "UTC"}],
    "pools": [
        {"name": "V", "kind": "vlan", "attributes": {"l2_domain": "D"}, "values": "100-101"},
        {"name": "B", "kind": "sap-bandwidth", "mode": "quantity", "capacity": "1G"},
    ],
}
Act = Callable[[sa.Connection], object]


@pytest.fixture
def load(engine: sa.Engine, tmp_path: Path) -> Callable[[dict[str, Any]], None]:
    def load_content(content: dict[str, Any]) -> None:
        path = tmp_path / "inventory.yaml"
        for each in (GROUND, completed(content)):
            path.write_text(yaml.safe_dump(each))
            with engine.begin() as connection:
                load_file(connection, path)

    return load_content


def events_since(engine: sa.Engine, sequence: int) -> list[sa.Row[Any]]:
    query = sa.select(event_outbox).where(event_outbox.c.sequence > sequence)
    with engine.connect() as connection:
        return list(connection.execute(query.order_by(event_outbox.c.sequence)))


def test_every_change_is_told_once_with_the_resource_as_it_is_shown(
    engine: sa.Engine, gateway: Any, load: Any
) -> None:
    last = 0

    def told(act: Act) -> set[tuple[str, str, str]]:
        """Do something; return what is told of it as (event, kind, resource status)."""
        nonlocal last
        with engine.begin() as connection:
            act(connection)
        found = events_since(engine, last)
        last = max((row.sequence for row in found), default=last)
        for row in found:
            resource = row.payload["event"]["resource"]
            assert row.order_id == resource["id"]
            with suppress(UnknownResource):  # an amount that has been given back
                assert stock.find(resource["id"]) == resource
        return {
            (row.event_type, resource["category"], resource["resourceStatus"])
            for row in found
            for resource in (row.payload["event"]["resource"],)
        }

    stock = Inventory(engine, BASE, UNUSED, UNUSED)
    wanted = (
        ResourceRequest(name="vlan", kind="vlan"),
        ResourceRequest(name="band", kind="sap-bandwidth", amount=10**8),
    )
    bundle = BundleRequest(site=SITE, order_id="RO-1", requests=wanted, items={"vlan": "1"})
    names = ("vlan", "band")
    state = "ResourceStateChangeEvent"
    now = datetime.now(UTC)
    with gateway():
        load(CONTENT)
        assert events_since(engine, 0) == []  # nobody listens to what a file loads
        assert told(lambda c: reserve(c, bundle)) == {
            (state, "vlan", "reserved"),
            ("ResourceCreateEvent", "sap-bandwidth", "reserved"),
        }
        assert told(lambda c: mark(c, SITE, names, "standby")) == {
            (state, "vlan", "standby"),
            (state, "sap-bandwidth", "standby"),
        }
        assert told(lambda c: mark(c, SITE, names, "standby")) == set()
        assert told(lambda c: mark(c, SITE, names, "in-use")) == {
            (state, "vlan", "available"),
            (state, "sap-bandwidth", "available"),
        }
        assert told(lambda c: adjust(c, SITE, "band", 2 * 10**8)) == {
            ("ResourceAttributeValueChangeEvent", "sap-bandwidth", "available")
        }
        (row,) = events_since(engine, last - 1)
        assert row.payload["correlationId"] == "RO-1"
        assert told(lambda c: release(c, SITE, now=now)) == {
            (state, "vlan", "suspended"),
            ("ResourceDeleteEvent", "sap-bandwidth", "available"),
        }
        assert told(lambda c: sweep_quarantine(c, now + timedelta(days=400))) == {
            (state, "vlan", "available")
        }


def test_a_patch_and_a_load_are_told_to_who_listens(
    engine: sa.Engine, gateway: Any, load: Any, receiver: Any
) -> None:
    found = receiver()

    def kinds() -> list[str]:
        return [each.event["eventType"] for each in found.taken]

    with gateway() as events:
        load(CONTENT)
        events.listeners.subscribe(Api.INVENTORY, found.callback, "", None)
        more = {"name": "V", "kind": "vlan", "attributes": {"l2_domain": "D"}, "values": "100-102"}
        load(CONTENT | {"pools": [more, CONTENT["pools"][1]]})
        found.wait(lambda found: len(found.taken) == 1)
        resource = found.taken[0].event["event"]["resource"]
        assert (kinds(), resource["name"]) == (["ResourceCreateEvent"], "102")
        stock = Inventory(engine, BASE, UNUSED, UNUSED)
        stock.change(resource["id"], PatchKind.MERGE, {"description": "spare"}, by=GATEWAY)
        found.wait(lambda found: len(found.taken) == 2)
        assert kinds()[1] == "ResourceAttributeValueChangeEvent"
        assert found.taken[1].event["event"]["resource"]["description"] == "spare"


def test_a_rollback_task_shows_the_resources_it_released_among_its_own_events(
    engine: sa.Engine, gateway: Any, load: Any
) -> None:
    wanted = (ResourceRequest(name="vlan", kind="vlan"),)
    with gateway():
        load(CONTENT)
        with engine.begin() as connection:
            reserve(connection, BundleRequest(site=SITE, order_id="RO-1", requests=wanted))
        with engine.begin() as connection, caused_by("RB-1"):
            release(connection, SITE, now=datetime.now(UTC))
        with engine.connect() as connection:
            (row,) = connection.execute(sa.select(event_outbox).where(of_stream("RB-1"))).all()
        assert row.payload["correlationId"] == "RB-1"
        assert row.order_id == row.payload["event"]["resource"]["id"]


def test_nothing_is_told_of_what_is_rolled_back(engine: sa.Engine, gateway: Any, load: Any) -> None:
    wanted = (ResourceRequest(name="vlan", kind="vlan"),)
    with gateway():
        load(CONTENT)
        with engine.connect() as connection:
            reserve(connection, BundleRequest(site=SITE, order_id="RO-1", requests=wanted))
            connection.rollback()
    assert events_since(engine, 0) == []
