"""Lists of cancellations: filters, sequence, parts and pages as for orders."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
CANCELS = "/tmf-api/resourceOrdering/v4/cancelResourceOrder"
ALIAS = "/tmf-api/resourceOrderingManagement/v4/cancelResourceOrder"
REASONS = ("moved away", "too late", "too dear")
FILES = ("so-pilot-melbourne", "so-wave1-sydney-1", "so-wave1-sydney-2")
Document = dict[str, Any]


@pytest.fixture(scope="module")
def tasks(http: TestClient, engine: sa.Engine, order: Callable[..., Any]) -> dict[str, str]:
    """Cancellations of 1, 2 and 3 January 2026; the first done, the second asked for later."""
    found = {}
    for day, (file, reason) in enumerate(zip(FILES, REASONS, strict=True), start=1):
        order_id = http.post(ORDERS, json=order(file)).json()["id"]
        body: Document = {"resourceOrder": {"id": order_id}, "cancellationReason": reason}
        if day == 2:
            body |= {"requestedCancellationDate": "2099-01-02T00:00:00Z", "@type": "BranchCancel"}
        answer = http.post(CANCELS, json=body)
        assert answer.status_code == 201, answer.text
        found[answer.json()["id"]] = str(day)
        with engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE cancel_task SET created_at = :at WHERE id = :id"),
                {"at": f"2026-01-0{day}T10:00:00Z", "id": answer.json()["id"]},
            )
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE cancel_task SET state = 'done', effective_at = created_at "
                "WHERE created_at < '2026-01-02'"
            )
        )
    return found


@pytest.mark.parametrize("base", [CANCELS, ALIAS])
@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("", "321"),
        ("state=done", "1"),
        ("state=done,acknowledged", "321"),
        ("state.ne=done", "32"),
        ("cancellationReason=%22moved%20away%22,'too late'", "21"),
        ("cancellationReason*=^too", "32"),
        ("effectiveCancellationDate.gte=2026-01-01T10:00:00Z", "1"),
        ("effectiveCancellationDate.gt=2026-01-01T10:00:00Z", ""),
        ("requestedCancellationDate.gt='2098-01-01'", "2"),
        ("@type=CancelResourceOrder", "31"),
        ("@type=BranchCancel", "2"),
        ("resourceOrder.id=RO-0", ""),
        ("sort=cancellationReason", "132"),
        ("sort=-cancellationReason", "231"),
        ("sort=state,-cancellationReason", "231"),
        ("offset=1&limit=1", "2"),
        ("offset=9", ""),
    ],
)
def test_a_list_holds_exactly_what_was_asked_for(
    http: TestClient, tasks: dict[str, str], base: str, query: str, days: str
) -> None:
    answer = http.get(f"{base}?{query}")
    assert answer.status_code in {200, 206}, answer.text
    assert "".join(tasks[task["id"]] for task in answer.json()) == days


def test_the_cancellation_of_an_order_is_found_by_it(
    http: TestClient, tasks: dict[str, str]
) -> None:
    for task in http.get(CANCELS).json():
        query = {"resourceOrder.id": task["resourceOrder"]["id"]}
        assert http.get(CANCELS, params=query).json() == [task]


def test_a_page_says_how_many_there_are_and_where_the_others_are(
    http: TestClient, tasks: dict[str, str]
) -> None:
    answer = http.get(f"{CANCELS}?offset=1&limit=1&fields=state")
    assert answer.status_code == 206
    assert (answer.headers["X-Total-Count"], answer.headers["X-Result-Count"]) == ("3", "1")
    assert set(answer.links) == {"first", "prev", "next", "last"}
    assert [set(task) for task in answer.json()] == [{"id", "href", "state"}]
    (last,) = http.get(answer.links["next"]["url"]).json()
    assert tasks[last["id"]] == "1"
    assert [set(task) for task in http.get(f"{CANCELS}?fields=none").json()] == [{"id", "href"}] * 3


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("colour=red", "colour"),
        ("state=running", "state"),
        ("href=x", "href"),
        ("resourceOrder=x", "resourceOrder"),
        ("effectiveCancellationDate.gt=soon", "effectiveCancellationDate"),
        ("sort=colour", "colour"),
        ("limit=0", "limit"),
    ],
)
def test_what_is_not_understood_is_refused_by_its_name(
    http: TestClient, query: str, named: str
) -> None:
    answer = http.get(f"{CANCELS}?{query}")
    assert (answer.status_code, answer.json()["@type"]) == (400, "Error")
    assert answer.json()["reason"].startswith(f"{named}:"), answer.text
