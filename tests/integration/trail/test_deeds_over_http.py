"""What people do over HTTP is in the trail with their name, and never a secret."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

import api
import inventory
from api.access.access import open_access
from api.access.permissions import PERMISSIONS
from api.app import create_app
from rom.access import tokens
from rom.gateway.gateway import Gateway
from rom.model.access import EVERYTHING, Role, Scope
from rom.model.deed import DeedKind
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store.database import Engine, make_engine
from rom.store.embedded import EmbeddedPostgres
from tests.databases import stocked_database

ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
CANCELS = "/tmf-api/resourceOrdering/v4/cancelResourceOrder"
HUB = "/tmf-api/resourceOrdering/v4/hub"
CATALOG = "/tmf-api/resourceCatalog/v4/resourceSpecification"
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
AUDIT = "/rom/v1/audit"
SITE = "ENT-1102-MELB"
Document = dict[str, Any]
PILOT: Document = json.loads(
    (Path(api.__file__).parent / "examples" / "so-pilot-melbourne.json").read_text()
)
INVENTORY = Path(inventory.__file__).parent / "examples" / "enterprise-fibre.yaml"

NOT_IN_IT = {
    ("POST", "/rom/v1/deviceCheck"): "reads devices only",
    ("POST", "/rom/v1/devices/{device:path}/test"): "logs in and changes nothing",
}
"""Writing operations that leave no entry, and why."""
LEFT: dict[tuple[str, str], set[DeedKind]] = {
    ("POST", ORDERS): {DeedKind.ORDER_CREATED},
    ("PATCH", f"{ORDERS}/{{order_id}}"): {DeedKind.ORDER_AMENDED},
    ("DELETE", f"{ORDERS}/{{order_id}}"): {DeedKind.ORDER_DELETED},
    ("POST", CANCELS): {DeedKind.CANCELLATION_ASKED},
    ("POST", HUB): {DeedKind.LISTENER_REGISTERED},
    ("DELETE", f"{HUB}/{{hub_id}}"): {DeedKind.LISTENER_REMOVED},
    ("PATCH", f"{RESOURCES}/{{resource_id}}"): {DeedKind.RESOURCE_ANNOTATED},
    ("POST", CATALOG): {DeedKind.SPECIFICATION_CREATED},
    ("PATCH", f"{CATALOG}/{{specification_id}}"): {DeedKind.SPECIFICATION_CHANGED},
    ("DELETE", f"{CATALOG}/{{specification_id}}"): {DeedKind.SPECIFICATION_WITHDRAWN},
    ("POST", "/rom/v1/orders/{order_id}/retry"): {DeedKind.ORDER_RETRIED},
    ("POST", "/rom/v1/orders/{order_id}/items/{item_id}/retry"): {DeedKind.ORDER_RETRIED},
    ("POST", "/rom/v1/orders/{order_id}/items/{item_id}/complete"): {DeedKind.ITEM_COMPLETED},
    ("POST", "/rom/v1/orders/{order_id}/items/{item_id}/cancel"): {DeedKind.CANCELLATION_ASKED},
    ("POST", "/rom/v1/orders/{order_id}/devices/{device:path}/giveUp"): {DeedKind.DEVICE_GIVEN_UP},
    ("POST", "/rom/v1/sites/{site}/reapply"): {DeedKind.SITE_REPAIRED},
    ("POST", "/rom/v1/sites/{site}/repair"): {DeedKind.SITE_REPAIRED},
    ("POST", "/rom/v1/sites/{site}/rotateSecret"): {DeedKind.SECRET_ROTATED},
    ("POST", "/rom/v1/siteRollback"): {DeedKind.SITE_ROLLED_BACK},
    ("POST", "/rom/v1/devices"): {DeedKind.DEVICE_ADDED},
    ("POST", "/rom/v1/devices/{device:path}/trust"): {DeedKind.DEVICE_TRUSTED},
    ("PUT", "/rom/v1/secrets/{name:path}"): {DeedKind.SECRET_SET},
    ("POST", "/rom/v1/secrets/{name:path}/rotate"): {DeedKind.SECRET_ROTATED},
    ("DELETE", "/rom/v1/secrets/{name:path}"): {DeedKind.SECRET_DELETED},
    ("POST", "/rom/v1/inventory"): {DeedKind.INVENTORY_LOADED},
    ("POST", "/rom/v1/hub"): {DeedKind.LISTENER_REGISTERED},
    ("DELETE", "/rom/v1/hub/{hub_id}"): {DeedKind.LISTENER_REMOVED},
    ("POST", "/rom/v1/deadLetters/replay"): {DeedKind.DEAD_LETTERS_RESENT},
}
ALIASES = ("resourceOrderingManagement", "resourceCatalogManagement", "InventoryManagement/v4/hub",
           "resourceCatalog/v4/hub")  # fmt: skip


@pytest.fixture(scope="module")
def database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    with stocked_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def gateway(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = Settings(
        database_url=SecretStr(database),
        data_dir=tmp_path_factory.mktemp("data"),
        callback_allow="127.0.0.0/8",
        callback_http=True,
    )
    with open_gateway(settings) as found:
        yield found


@pytest.fixture(scope="module")
def engine(database: str) -> Iterator[Engine]:
    made = make_engine(database)
    yield made
    made.dispose()


class Person:
    """A client with a token."""

    def __init__(self, http: TestClient, engine: Engine, name: str, *roles: Role) -> None:
        self.http = http
        with engine.begin() as connection:
            self.token = tokens.create(connection, name, frozenset(roles), EVERYTHING, None)

    def __call__(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "X-Request-ID": "req-of-test"}
        headers |= options.pop("headers", {})
        return self.http.request(method, path, headers=headers, **options)

    def newest(self, **filters: str) -> Document:
        entry: Document = self("GET", AUDIT, params=filters).json()[0]
        return entry


@pytest.fixture(scope="module")
def anna(gateway: Gateway, engine: Engine) -> Iterator[Person]:
    settings = Settings()
    with engine.begin() as connection:
        tokens.create(connection, "first", frozenset({Role.ADMIN}), EVERYTHING, None)
    access = open_access(settings, gateway.access, "127.0.0.1")
    with TestClient(create_app(gateway, settings, access=access)) as http:
        yield Person(http, engine, "noc-anna", *Role)


def test_every_writing_operation_is_said_to_leave_an_entry_or_why_not() -> None:
    writing = {
        key
        for key, rule in PERMISSIONS.items()
        if rule.writes and not any(alias in key[1] for alias in ALIASES)
    }
    assert writing == LEFT.keys() | NOT_IN_IT.keys()


def test_an_order_is_in_the_trail_with_who_asked_for_it_and_from_where(anna: Person) -> None:
    made = anna("POST", ORDERS, json=PILOT)
    assert made.status_code == 201, made.text
    order = made.json()["id"]
    entry = anna.newest(order=order)
    assert (entry["deed"], entry["actor"], entry["actorKind"]) == (
        "order.created", "noc-anna", "token",
    )  # fmt: skip
    assert (entry["sites"], entry["client"], entry["requestId"]) == (
        [SITE], "testclient", "req-of-test",
    )  # fmt: skip
    before = anna("GET", AUDIT).headers["X-Total-Count"]
    assert anna("POST", ORDERS, json=PILOT).status_code == 200  # a repetition does nothing
    assert anna("GET", AUDIT).headers["X-Total-Count"] == before

    merge = {"Content-Type": "application/merge-patch+json"}
    patch = {"priority": 3}
    assert anna("PATCH", f"{ORDERS}/{order}", json=patch, headers=merge).status_code == 200
    assert anna.newest(order=order)["details"]["attributes"] == ["priority"]

    cancelled = anna(
        "POST", CANCELS,
        json={"resourceOrder": {"id": order}, "cancellationReason": "the customer has left"},
    )  # fmt: skip
    assert cancelled.status_code == 201, cancelled.text
    entry = anna.newest(site=SITE)
    assert (entry["deed"], entry["reason"], entry["subject"]) == (
        "order.cancellationAsked", "the customer has left", cancelled.json()["id"],
    )  # fmt: skip


def test_what_is_refused_is_not_in_the_trail(anna: Person) -> None:
    before = anna("GET", AUDIT).headers["X-Total-Count"]
    assert anna("POST", ORDERS, json={"orderItem": []}).status_code == 400
    assert anna("DELETE", f"{ORDERS}/nothing").status_code == 404
    assert anna("POST", "/rom/v1/inventory", json={"sites": [{}]}).status_code == 400
    assert anna("DELETE", "/rom/v1/hub/nothing").status_code == 404
    assert anna("GET", AUDIT).headers["X-Total-Count"] == before


def test_catalog_inventory_and_listeners_are_in_the_trail(anna: Person) -> None:
    made = anna("POST", CATALOG, json={"name": "RFS:Trail", "description": "unlit"})
    assert made.status_code == 201, made.text
    identifier = made.json()["id"]
    assert anna.newest()["subject"] == identifier
    assert anna("DELETE", f"{CATALOG}/{identifier}").status_code == 204
    assert anna.newest()["deed"] == "catalog.specificationWithdrawn"

    secret = "a-listener's-secret-0123456789"
    callback = "http://127.0.0.1:9/hook?key=confidential"
    listener = anna("POST", HUB, json={"callback": callback, "secret": secret})
    assert listener.status_code == 201, listener.text
    entry = anna.newest(deed="events.listenerRegistered")
    assert entry["details"]["signed"] is True
    assert entry["details"]["callback"] == "http://127.0.0.1:9"
    assert anna("DELETE", f"{HUB}/{listener.json()['id']}").status_code == 204
    assert anna.newest()["subject"] == listener.json()["id"]

    resource = anna("GET", RESOURCES, params={"limit": "1"}).json()[0]["id"]
    merge = {"Content-Type": "application/merge-patch+json"}
    patch = {"description": "the good one"}
    changed = anna("PATCH", f"{RESOURCES}/{resource}", json=patch, headers=merge)
    assert changed.status_code == 200, changed.text
    assert anna.newest()["subject"] == resource

    loaded = anna("POST", "/rom/v1/inventory", json={"network": {"domain": "example.net"}})
    assert loaded.status_code == 200, loaded.text
    assert anna.newest()["deed"] == "inventory.loaded"


def test_tokens_are_in_the_trail_by_name_and_never_themselves(
    anna: Person, gateway: Gateway
) -> None:
    from rom.model.deed import Actor, ActorKind

    by = Actor("root", ActorKind.COMMAND, "noc-host")
    scope = Scope(sites=frozenset({SITE}))
    made = gateway.access.create("som-1", frozenset({Role.SOM}), scope, None, by=by)
    entry = anna.newest(actor="root")
    assert (entry["deed"], entry["subject"], entry["client"]) == (
        "token.created", "som-1", "noc-host",
    )  # fmt: skip
    assert entry["details"]["sites"] == [SITE]
    assert gateway.access.revoke("som-1", by=by) == 1
    assert anna.newest(actor="root")["deed"] == "token.revoked"
    exported = anna("GET", f"{AUDIT}/export").text
    for secret in (made.split("_", 2)[2], anna.token.split("_", 2)[2], "confidential", "s-secret"):
        assert secret not in exported


def test_the_trail_is_listed_exported_and_verified_over_http(anna: Person) -> None:
    page = anna("GET", AUDIT, params={"limit": "2"})
    assert page.status_code == 206
    places = [entry["place"] for entry in page.json()]
    assert places == sorted(places, reverse=True)
    one = anna("GET", f"{AUDIT}/{places[0]}").json()
    assert one == page.json()[0]
    assert anna("GET", f"{AUDIT}/999999").status_code == 404
    assert anna("GET", f"{AUDIT}/0x1").status_code == 404
    assert anna("GET", AUDIT, params={"deed": "nothing"}).status_code == 400

    lines = anna("GET", f"{AUDIT}/export").text.splitlines()
    assert [json.loads(line)["place"] for line in lines] == list(range(1, places[0] + 1))
    found = anna("GET", f"{AUDIT}/verification").json()
    assert (found["intact"], found["faults"]) == (True, [])
    again = anna("GET", f"{AUDIT}/verification", params={"head": found["head"]}).json()
    assert again["intact"] is True
    longer = f"{places[0] + 1}:{'0' * 64}"
    gone = anna("GET", f"{AUDIT}/verification", params={"head": longer}).json()
    assert (gone["intact"], gone["faults"][0]["place"]) == (False, places[0] + 1)
    assert anna("GET", f"{AUDIT}/verification", params={"head": "7"}).status_code == 400


def test_who_orders_only_does_not_read_the_trail(anna: Person, engine: Engine) -> None:
    som = Person(anna.http, engine, "som-2", Role.SOM)
    assert som("GET", AUDIT).status_code == 403
