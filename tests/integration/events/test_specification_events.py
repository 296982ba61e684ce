"""TMF634's three events from what really happens to the catalog."""

from typing import Any

import pytest
import sqlalchemy as sa

from rom.catalog.administration import CatalogAdministration
from rom.catalog.live import LiveCatalog
from rom.catalog.loader import load_catalog
from rom.documents.patching import PatchKind
from rom.model.access import Scope
from rom.model.errors import DocumentRefused, SpecificationInUse
from rom.model.event_types import Api
from rom.store.event_log import event_within
from rom.store.tables import event_outbox

BASE = "http://127.0.0.1:8652"
NAME = "Dark Fibre"


@pytest.fixture
def catalog(engine: sa.Engine) -> CatalogAdministration:
    return CatalogAdministration(engine, LiveCatalog(engine, load_catalog()), BASE)


def told(engine: sa.Engine) -> list[sa.Row[Any]]:
    with engine.connect() as connection:
        query = sa.select(event_outbox).order_by(event_outbox.c.sequence)
        return list(connection.execute(query))


def test_a_listener_of_the_catalog_hears_of_every_change_with_the_specification_as_it_is_shown(
    catalog: CatalogAdministration, gateway: Any, receiver: Any
) -> None:
    found = receiver()
    with gateway() as events:
        events.listeners.subscribe(Api.CATALOG, found.callback, "", None)
        made = catalog.create({"name": NAME, "description": "unlit"})
        assert made == catalog.specification(made["id"])
        changed = catalog.change(
            made["id"], None, PatchKind.MERGE, {"lifecycleStatus": "Active", "x-owner": "access"}
        )
        assert changed == catalog.specification(made["id"])
        assert catalog.withdraw(made["id"])
        found.wait(lambda found: len(found.taken) == 3)
    heard = [each.event for each in found.taken]
    assert [event["eventType"] for event in heard] == [
        f"ResourceSpecification{what}Event" for what in ("Create", "Change", "Delete")
    ]
    assert [event["event"] for event in heard] == [
        {"resourceSpecification": shown} for shown in (made, changed, changed)
    ]
    for event in heard:  # the members that TMF634 v4.1 gives an event, and no others
        assert set(event) == {
            "eventId", "eventTime", "eventType", "domain", "title", "timeOcurred", "event",
        }  # fmt: skip
    assert len({event["eventId"] for event in heard}) == 3


def test_a_listener_of_orders_hears_nothing_of_it(
    engine: sa.Engine, catalog: CatalogAdministration, gateway: Any, receiver: Any, tell: Any
) -> None:
    found = receiver()
    with gateway() as events:
        events.listeners.subscribe(Api.ORDERING, found.callback, "", None)
        catalog.withdraw(catalog.create({"name": NAME})["id"])
        tell("RO-1", 1)  # comes after both
        found.wait(lambda found: len(found.taken) == 1)
    assert found.events == [("RO-1", 1)]
    assert len(told(engine)) == 3


def test_nothing_is_told_of_what_is_refused(
    engine: sa.Engine, catalog: CatalogAdministration
) -> None:
    made = catalog.create({"name": NAME})
    before = told(engine)
    with pytest.raises(SpecificationInUse):
        catalog.create({"name": NAME})
    with pytest.raises(DocumentRefused):
        catalog.change(made["id"], None, PatchKind.MERGE, {"lifecycleStatus": "Great"})
    assert catalog.change("RFS:None", None, PatchKind.MERGE, {}) is None
    assert not catalog.withdraw("RFS:None")
    assert told(engine) == before
    catalog.withdraw(made["id"])


def test_the_catalog_is_no_secret_of_any_site(
    engine: sa.Engine, catalog: CatalogAdministration, tell: Any
) -> None:
    catalog.withdraw(catalog.create({"name": NAME})["id"])
    tell("RO-1", 1)
    nowhere = Scope(sites=frozenset())
    with engine.connect() as connection:
        seen = connection.scalars(sa.select(event_outbox.c.event_type).where(event_within(nowhere)))
        assert sorted(seen) == [
            "ResourceSpecificationCreateEvent",
            "ResourceSpecificationDeleteEvent",
        ]
