"""A POST that is sent again is the same order; another order is another one."""

import copy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rom.model.errors import KeyReused, OrderRefused


def test_the_same_key_and_body_give_the_first_order_back(north: Any, pilot: Any) -> None:
    first = north.intake.take(pilot, key="k-1", requester="som")
    again = north.intake.take(copy.deepcopy(pilot), key="k-1", requester="som")
    assert first.is_new
    assert not again.is_new
    assert again.document["id"] == first.document["id"]
    assert again.document["href"] == first.document["href"]


def test_the_same_key_with_another_body_is_refused(north: Any, pilot: Any) -> None:
    north.intake.take(pilot, key="k-1", requester="som")
    with pytest.raises(KeyReused, match="k-1"):
        north.intake.take(pilot | {"description": "other"}, key="k-1", requester="som")
    assert len(north.rows("SELECT 1 FROM resource_order")) == 1


def test_a_key_belongs_to_its_requester(north: Any, pilot: Any, only: Any) -> None:
    north.intake.take(only(pilot, "ROI-001"), key="k-1", requester="som")
    other = only(pilot, "ROI-002")
    assert north.intake.take(other, key="k-1", requester="another").is_new


def test_an_equal_body_with_the_same_references_is_the_same_order_for_a_day(
    north: Any, pilot: Any
) -> None:
    pilot["externalReference"] = [
        {"name": "PO-1", "externalReferenceType": "productOrder"},
        {"name": "SO-1", "externalReferenceType": "serviceOrder"},
    ]
    first = north.post(pilot)
    turned = copy.deepcopy(pilot)
    turned["externalReference"].reverse()
    assert north.post(turned) == first
    north.rom.do("UPDATE posted_order SET created_at = now() - interval '25 hours'")
    with pytest.raises(OrderRefused, match="already"):
        north.post(pilot)


def test_orders_that_share_one_reference_are_different_orders(
    north: Any, pilot: Any, only: Any
) -> None:
    pilot["externalReference"] = [{"name": "PO-1", "externalReferenceType": "productOrder"}]
    found = {north.post(only(pilot, item)) for item in ("ROI-001", "ROI-002")}
    assert len(found) == 2


def test_without_reference_and_key_every_post_is_an_order_of_its_own(
    north: Any, pilot: Any
) -> None:
    pilot.pop("externalReference", None)
    pilot.pop("externalId", None)
    north.post(pilot)
    with pytest.raises(OrderRefused, match="already"):
        north.post(pilot)


def test_what_was_refused_does_not_use_up_its_key(north: Any, pilot: Any) -> None:
    wrong = copy.deepcopy(pilot)
    wrong["orderItem"][0]["resource"]["place"]["id"] = "NOWHERE"
    with pytest.raises(OrderRefused):
        north.intake.take(wrong, key="k-1")
    assert north.intake.take(pilot, key="k-1").is_new


def test_both_published_spellings_are_one_body(north: Any, pilot: Any) -> None:
    pilot["externalReference"] = [{"name": "SO-1", "externalReferenceType": "serviceOrder"}]
    first = north.post(pilot)
    other = copy.deepcopy(pilot)
    other["externalReference"] = [{"id": "SO-1", "entityType": "serviceOrder", "owner": "SOM"}]
    assert north.post(other) == first


def test_twenty_at_once_make_one_order_with_one_create_event(north: Any, pilot: Any) -> None:
    with ThreadPoolExecutor(20) as pool:
        taken = list(pool.map(lambda _: north.intake.take(pilot, key="k-1"), range(20)))
    assert len({each.document["id"] for each in taken}) == 1
    assert sum(each.is_new for each in taken) == 1
    events = north.events(taken[0].document["id"])
    assert events == [("ResourceOrderCreateEvent", "acknowledged")]


def test_two_different_orders_for_one_site_at_once_never_both_get_in(
    north: Any, pilot: Any
) -> None:
    def post(number: int) -> bool:
        try:
            return bool(north.intake.take(pilot | {"description": str(number)}, key=str(number)))
        except OrderRefused:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(post, range(8))) == 1
