"""A list costs the database a fixed number of statements, and none runs for ever."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from inventory import condition_sql
from inventory.condition_sql import bounded
from inventory.conditions import Listing, ListingRefused
from rom.gateway.gateway import Gateway
from rom.model.access import Scope

ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect what is executed by anybody in this process."""
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("SELECT") and "resource" in statement:
            seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


@pytest.fixture(scope="module")
def taken(http: TestClient, order: Callable[..., Any]) -> int:
    names = ("so-pilot-melbourne", "so-wave1-sydney-1", "so-wave1-sydney-2")
    for name in names:
        assert http.post(ORDERS, json=order(name)).status_code == 201
    return len(names)


@pytest.mark.parametrize("path", [ORDERS, RESOURCES])
def test_a_long_page_takes_no_more_statements_than_a_short_one(
    http: TestClient, taken: int, path: str
) -> None:
    counts = []
    for limit in (1, taken):
        with statements() as seen:
            assert len(http.get(path, params={"limit": limit}).json()) == limit
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_list_that_takes_too_long_is_given_up(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(condition_sql, "TIMEOUT_MILLISECONDS", 50)
    with engine.connect() as connection:
        with pytest.raises(ListingRefused, match="takes longer"), bounded(connection):
            connection.execute(sa.text("SELECT pg_sleep(60)"))
        connection.rollback()
        assert connection.scalar(sa.text("SHOW statement_timeout")) == "0"


def test_a_pattern_that_only_the_database_refuses_is_the_client_s_fault(
    http: TestClient, taken: int
) -> None:
    for name in ("name", "orderItem.resource.name"):
        answer = http.get(ORDERS, params={f"{name}.regex": "a{1,50}{1,50}{1,50}{1,50}"})
        assert answer.status_code in {200, 400}
        assert http.get(ORDERS, params={f"{name}.regex": "[[:nothing:]]"}).status_code == 400


def test_a_list_holds_nothing_beyond_the_limits_of_who_asks(gateway: Gateway, taken: int) -> None:
    everything = gateway.orders.page(Listing())[1]
    one = gateway.orders.page(Listing(), Scope(sites=frozenset({"ENT-1102-MELB"})))
    assert (everything, one[1], len(one[0])) == (taken, 1, 1)
    assert gateway.orders.page(Listing(), Scope(sites=frozenset())) == ([], 0)
    assert gateway.inventory.page(Listing(), Scope(customers=frozenset())) == ([], 0)
