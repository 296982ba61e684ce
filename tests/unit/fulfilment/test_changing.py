"""What a site consists of once one of its items is changed, and what may not be taken away."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from rom.catalog.loader import load_catalog
from rom.catalog.site_view import SiteView
from rom.fulfilment.changing import is_needed, kept_items
from rom.model.order import Action, Item

CATALOG = load_catalog(None)


def item(specification: str, order: str, action: Action = Action.ADD) -> Item:
    found = CATALOG.specification(specification)
    values: dict[str, Any] = dict.fromkeys(Item.__dataclass_fields__)
    values |= {
        "order_id": order,
        "item_id": "ROI-001",
        "specification": specification,
        "version": found.version,
        "key": found.key,
        "action": action,
        "site": "S1",
    }
    return Item(**values)


@dataclass(frozen=True)
class Sites:
    """A site with these completed items."""

    completed: tuple[Item, ...]

    def view(self) -> SiteView:
        return SiteView(
            catalog=CATALOG,
            site="S1",
            open_items=(),
            completed=self.completed,
            allocations={},
            site_record={},
            customer={},
            network={},
            boot_url="",
        )


BEARER, VLAN = item("RFS:GPON-Bearer", "RO-1"), item("RFS:VLAN-Service", "RO-1")
QOS = item("RFS:QoS-Policy", "RO-1")


def test_a_changed_item_takes_the_place_of_the_one_it_changes() -> None:
    changed = replace(QOS, order_id="RO-2", action=Action.MODIFY)
    assert kept_items(Sites((BEARER, QOS)).view(), changed) == [BEARER, changed]


def test_a_new_kind_of_item_comes_to_those_there_are() -> None:
    assert kept_items(Sites((BEARER,)).view(), QOS) == [BEARER, QOS]


@pytest.mark.parametrize(
    ("left", "gone", "needed"),
    [
        ((VLAN,), BEARER, True),
        ((QOS,), VLAN, True),
        ((BEARER,), VLAN, False),
        ((), BEARER, False),
    ],
)
def test_what_another_item_of_the_site_needs_cannot_go(
    left: tuple[Item, ...], gone: Item, needed: Any
) -> None:
    deletion = replace(gone, order_id="RO-2", action=Action.DELETE)
    assert is_needed(Sites((*left, gone)).view(), deletion) is needed


def test_an_item_does_not_need_itself() -> None:
    assert not is_needed(Sites((BEARER,)).view(), replace(BEARER, action=Action.DELETE))
