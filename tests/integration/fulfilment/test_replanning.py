"""Services planned anew when inventory changes under them: all of a site, or nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from inventory.load import load_content
from rom.fulfilment.replanning import Replanning
from rom.model.errors import NotPossible, OrderUnderWay, TargetGone
from rom.store import intents
from rom.undo.target import resolve
from tests.integration.fulfilment.conftest import INVENTORY

SITE = "ENT-1102-MELB"
BEARER, VLAN = "RFS:GPON-Bearer", "RFS:VLAN-Service"
OLT, BNG = "OLT-SOUTH-03", "BNG-MEL-01"
Content = dict[str, Any]
SHIPPED: Content = yaml.safe_load(INVENTORY.read_text())
CHANGES = "SELECT device, kind, order_id FROM change WHERE state = 'waiting' ORDER BY device"


@pytest.fixture
def served(rom: Any) -> str:
    """The pilot's line and VLAN are in service."""
    rom.load(lambda _: None)
    order_id: str = rom.order("so-pilot-melbourne", BEARER, VLAN)
    for _ in range(4):
        rom.run(SITE)
        rom.write()
    assert {rom.item(order_id, item).state for item in ("ROI-001", "ROI-002")} == {"completed"}
    return order_id


@pytest.fixture
def replan(rom: Any) -> Iterator[Any]:
    replanning = Replanning(rom.targets, rom.catalog, rom.targets._vault, lambda _: "http://x/")

    def done(content: Content, *asked: str) -> Any:
        with rom.engine.begin() as connection:
            known = replanning.platforms(connection, [SITE])
            report = load_content(connection, content, "body", asked)
            return replanning.plan(connection, list(report.replanned), known)

    return done


def customer(**fields: Any) -> Content:
    (found,) = SHIPPED["customers"]
    return {"customers": [found | fields]}


def device(name: str, **fields: Any) -> Content:
    found = next(each for each in SHIPPED["devices"] if each["name"] == name)
    return {"devices": [found | fields]}


def wanted(rom: Any, name: str) -> str:
    with rom.engine.connect() as connection:
        return str(intents.wanted(connection, name, SITE))


def waiting(rom: Any) -> list[tuple[Any, ...]]:
    with rom.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(CHANGES)]


VPN = "customers/CUST-ENT-1102/vpn"


def test_only_devices_whose_part_is_another_are_asked(rom: Any, served: str, replan: Any) -> None:
    before = wanted(rom, OLT)
    assert replan(customer(vpn="VPRN-9"), VPN) == {SITE: (BNG,)}
    assert "service-name='VPRN-9'" in wanted(rom, BNG)
    assert "service-name='ENT-1102'" not in wanted(rom, BNG)
    assert wanted(rom, OLT) == before
    assert waiting(rom) == [(BNG, "modify", None)]


def test_what_no_template_uses_asks_no_device(rom: Any, served: str, replan: Any) -> None:
    others = device(OLT, attributes={"area": ["SOUTH-03", "SOUTH-04"]})
    assert replan(others, f"devices/{OLT}/attributes") == {SITE: ()}
    assert waiting(rom) == []


def test_a_site_with_an_order_under_way_is_not_planned(rom: Any, replan: Any) -> None:
    rom.load(lambda _: None)
    rom.order("so-pilot-melbourne", BEARER)
    rom.run(SITE)
    with pytest.raises(OrderUnderWay):
        replan(customer(vpn="VPRN-9"), VPN)
    with rom.engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT vpn FROM customer").scalar()
    assert found == "ENT-1102"


@pytest.mark.parametrize(
    ("content", "name", "text"),
    [
        (device(BNG, profile="junos-bng"), f"devices/{BNG}/profile", "of another platform"),
        ({"network": {"autonomous_system": None}}, "network/autonomous_system",
         "cannot be planned with it"),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused_with_the_way_out(
    rom: Any, served: str, replan: Any, content: Content, name: str, text: str
) -> None:
    before = wanted(rom, BNG)
    with pytest.raises(NotPossible, match=text) as caught:
        replan(content, name)
    assert caught.value.mend
    assert (waiting(rom), wanted(rom, BNG)) == ([], before)


def test_no_way_back_leads_to_what_was_rendered_before(rom: Any, served: str, replan: Any) -> None:
    for vpn in ("VPRN-8", "VPRN-9"):
        replan(customer(vpn=vpn), VPN)
    with rom.engine.connect() as connection:
        first, last = connection.exec_driver_sql("SELECT id FROM snapshot ORDER BY id").scalars()
        vault = rom.targets._vault
        assert "VPRN-9" in str(resolve(connection, vault, SITE, to=last).wanted(BNG))
        assert resolve(connection, vault, SITE).orders == (served,)
        with pytest.raises(TargetGone, match="planned anew") as caught:
            resolve(connection, vault, SITE, to=first)
        assert f"snapshot {last} or a later" in str(caught.value.mend)
