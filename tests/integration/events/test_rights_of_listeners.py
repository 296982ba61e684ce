"""A listener hears what its owner may see now, and nothing once the owner may come in no more."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from inventory.tables import customer, site
from rom.access import tokens
from rom.events.upkeep import remove_lapsed
from rom.gateway.access import Access
from rom.model.access import EVERYTHING, NOBODY, Owner, Role, Scope
from rom.model.deed import GATEWAY
from rom.model.event_types import Api
from rom.store import listener_rights
from rom.store.access_tables import access_token
from rom.store.tables import order_item, resource_order
from tests.integration.events.conftest import PATIENCE

SOM = Owner("som-1", by_token=True)
Tell = Callable[..., None]


@pytest.fixture(autouse=True)
def no_tokens(engine: sa.Engine) -> Any:
    yield
    with engine.begin() as connection:
        connection.execute(sa.delete(access_token))


def token(engine: sa.Engine, scope: Scope = EVERYTHING, expires_at: datetime | None = None) -> str:
    with engine.begin() as connection:
        made = tokens.create(connection, SOM.name, frozenset({Role.SOM}), scope, expires_at)
    return made.split("_")[1]


def ids(events: Any) -> list[str]:
    return [each["id"] for each in events.listeners.all()]


def listen(events: Any, callback: str, owner: Owner) -> str:
    return str(events.listeners.subscribe(Api.ORDERING, callback, "", None, owner)["id"])


def test_who_has_no_token_any_more_is_sent_nothing_more(
    gateway: Any, receiver: Any, tell: Tell, engine: sa.Engine
) -> None:
    token(engine)
    found, other = receiver(), receiver()
    with gateway() as events:
        listen(events, found.callback, SOM)
        with engine.begin() as connection:
            tokens.create(connection, "noc-1", frozenset({Role.NOC}), EVERYTHING, None)
        kept = listen(events, other.callback, Owner("noc-1", by_token=True))
        tell("RO-1", 1)
        found.wait(lambda each: len(each.taken) == 1)
        other.wait(lambda each: len(each.taken) == 1)
        assert Access(engine).revoke(SOM.name, by=GATEWAY) == 1
        assert ids(events) == [kept]
        tell("RO-1", 2)
        other.wait(lambda each: len(each.taken) == 2)
        assert len(found.taken) == 1


def test_a_second_token_of_the_name_keeps_its_listeners(
    gateway: Any, receiver: Any, tell: Tell, engine: sa.Engine
) -> None:
    first = token(engine)
    token(engine)
    found = receiver()
    with gateway() as events:
        listen(events, found.callback, SOM)
        Access(engine).revoke(first, by=GATEWAY)
        tell("RO-1", 1)
        found.wait(lambda each: len(each.taken) == 1)


def test_an_expired_token_ends_its_listeners(
    gateway: Any, receiver: Any, tell: Tell, engine: sa.Engine
) -> None:
    name = token(engine, expires_at=datetime.now(UTC) + timedelta(hours=1))
    found = receiver()
    with gateway() as events:
        listen(events, found.callback, SOM)
        with engine.begin() as connection:
            connection.execute(
                sa.update(access_token)
                .where(access_token.c.id == name)
                .values(expires_at=datetime.now(UTC) - timedelta(seconds=1))
            )
        tell("RO-1", 1)
        remove_lapsed(engine)  # as a gateway does by itself every few seconds
        assert ids(events) == []
    assert found.seen == 0


def test_what_the_open_lab_has_registered_ends_with_the_first_token(
    gateway: Any, receiver: Any, engine: sa.Engine
) -> None:
    with gateway() as events:
        listen(events, receiver().callback, NOBODY)
        remove_lapsed(engine)
        assert len(ids(events)) == 1
        token(engine)
        remove_lapsed(engine)
        assert ids(events) == []


@pytest.fixture
def sites(engine: sa.Engine) -> None:
    """Orders RO-A and RO-B at a site each of customers A and B."""
    with engine.begin() as connection:
        for number, name in enumerate(("A", "B"), 1):
            connection.execute(
                sa.insert(customer).values(
                    id=name, name=name, number=number, vpn=name, autonomous_system=65000 + number
                )
            )
            connection.execute(
                sa.insert(site).values(
                    key=f"S-{name}", name=name, customer=name, timezone="UTC", place={}
                )
            )
            connection.execute(
                sa.insert(resource_order).values(
                    id=f"RO-{name}", document={}, state="inProgress", customer=name, requester=""
                )
            )
            connection.execute(
                sa.insert(order_item).values(
                    order_id=f"RO-{name}",
                    item_id="1",
                    position=0,
                    specification="X",
                    version="1.0",
                    key="x",
                    action="add",
                    site=f"S-{name}",
                    characteristics={},
                    depends_on=[],
                    state="inProgress",
                    step="reserved",
                )
            )


def test_a_narrowed_client_hears_no_more_than_it_may_see_now(
    gateway: Any, receiver: Any, tell: Tell, engine: sa.Engine, sites: None
) -> None:
    wide = token(engine)
    found = receiver()
    with gateway() as events:
        listen(events, found.callback, SOM)
        tell("RO-A", 1)
        tell("RO-B", 1)
        found.wait(lambda each: len(each.taken) == 2)
        found.answer = 503
        tell("RO-B", 2)
        found.wait(lambda each: each.seen == 3)
        token(engine, Scope(customers=frozenset({"A"})))
        Access(engine).revoke(wide, by=GATEWAY)
        found.answer = 201
        tell("RO-B", 3)
        tell("RO-A", 2)
        found.wait(lambda each: ("RO-A", 2) in each.events, PATIENCE)
    assert found.streams() == {"RO-A": [1, 2], "RO-B": [1]}


def test_an_issuers_client_is_limited_as_it_was_when_it_came_last(
    gateway: Any, receiver: Any, tell: Tell, engine: sa.Engine, sites: None
) -> None:
    found = receiver()
    with gateway() as events:
        listen(events, found.callback, Owner("som@issuer"))
        Access(engine).note_limits("som@issuer", Scope(customers=frozenset({"B"})), GATEWAY)
        tell("RO-A", 1)
        tell("RO-B", 1)
        found.wait(lambda each: len(each.taken) == 1)
    assert found.events == [("RO-B", 1)]


def test_limits_that_are_as_before_are_not_written_again(
    gateway: Any, receiver: Any, engine: sa.Engine
) -> None:
    with gateway() as events:
        listen(events, receiver().callback, Owner("som@issuer"))
        with engine.begin() as connection:
            version = sa.text("SELECT xmin::text FROM hub_subscription")
            before = connection.scalar(version)
            listener_rights.note_limits(connection, "som@issuer", EVERYTHING)
            assert connection.scalar(version) == before
