"""TMF652 over HTTP: both base paths, paging, attribute selection."""

from typing import Any

import pytest

BASES = (
    "/tmf-api/resourceOrdering/v4/resourceOrder",
    "/tmf-api/resourceOrderingManagement/v4/resourceOrder",
)


@pytest.mark.parametrize("base", BASES)
def test_an_order_is_taken_under_both_base_paths_with_location_equal_to_href(
    http: Any, pilot: dict[str, Any], base: str
) -> None:
    answer = http.post(base, json=pilot)
    assert answer.status_code == 201
    order = answer.json()
    assert answer.headers["Location"] == order["href"]
    assert http.get(f"{base}/{order['id']}").json() == order


def test_a_list_says_how_many_there_are_and_is_partial_when_it_is_not_all(
    http: Any, pilot: dict[str, Any]
) -> None:
    for _ in range(3):
        http.post(BASES[0], json=pilot)
    whole = http.get(BASES[0])
    assert (whole.status_code, len(whole.json())) == (200, 3)
    part = http.get(BASES[0], params={"offset": 2, "limit": 2})
    assert part.status_code == 206
    assert part.headers["X-Total-Count"] == "3"
    assert part.headers["X-Result-Count"] == "1"
    past = http.get(BASES[0], params={"offset": 9})
    assert (past.status_code, past.json()) == (200, [])


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ("state,orderDate", {"id", "href", "state", "orderDate"}),
        ("none", {"id", "href"}),
        ("orderItem.state", {"id", "href", "orderItem"}),
    ],
)
def test_only_the_fields_asked_for_come_back(
    http: Any, pilot: dict[str, Any], fields: str, left: set[str]
) -> None:
    number = http.post(BASES[0], json=pilot).json()["id"]
    one = http.get(f"{BASES[0]}/{number}", params={"fields": fields}).json()
    assert set(one) == left
    assert set(http.get(BASES[0], params={"fields": fields}).json()[0]) == left


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("colour=red", "colour"),
        ("offset=-1", "offset"),
        ("offset=99999999999999999999", "offset"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=%C2%B2", "limit"),
        ("state=running", "state"),
        ("fields=", "fields"),
    ],
)
def test_a_query_parameter_that_is_not_understood_is_refused_by_name(
    http: Any, query: str, named: str
) -> None:
    answer = http.get(f"{BASES[0]}?{query}")
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith(f"{named}:")
