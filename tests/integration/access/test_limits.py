"""Clients with limits by customer or site: what they see, and what is as if it were not there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from pydantic import SecretStr

import api
import inventory
from api.access.access import open_access
from api.app import create_app
from inventory.tables import customer, pool, reservation, resource, site
from rom.access import tokens
from rom.events.fan_out import fan_out
from rom.gateway.gateway import Gateway
from rom.model.access import EVERYTHING, Role, Scope
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store.database import make_engine
from rom.store.embedded import EmbeddedPostgres
from rom.store.event_tables import delivery
from rom.store.tables import resource_order
from tests.databases import fresh_database

EXAMPLES = Path(api.__file__).parent / "examples"
INVENTORY = Path(inventory.__file__).parent / "examples" / "enterprise-fibre.yaml"
ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
CANCELS = "/tmf-api/resourceOrdering/v4/cancelResourceOrder"
HUB = "/tmf-api/resourceOrdering/v4/hub"
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
MINE, THEIRS, ALSO_THEIRS = "ENT-1102-MELB", "ENT-1102-SYD1", "ENT-1102-SYD2"
OTHER = "CUST-OTHER"
Document = dict[str, Any]


def order(file: str, name: str) -> Document:
    document: Document = json.loads((EXAMPLES / f"{file}.json").read_text())
    if file != "so-pilot-melbourne":  # its site belongs to somebody else here
        document["relatedParty"][0]["id"] = OTHER
    return document | {"description": name}


@pytest.fixture(scope="module")
def own_database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def gateway(own_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    settings = Settings(
        database_url=SecretStr(own_database),
        data_dir=tmp_path_factory.mktemp("data"),
        inventory_file=INVENTORY,
        callback_allow="127.0.0.0/8",
        callback_http=True,
    )
    with open_gateway(settings) as found:
        yield found


@pytest.fixture(scope="module")
def engine(gateway: Gateway, own_database: str) -> Iterator[sa.Engine]:
    """The database, where two of the five sites belong to another customer."""
    made = make_engine(own_database)
    with made.begin() as connection:
        connection.execute(
            sa.insert(customer).values(
                id=OTHER, name="Other", number=9, vpn="OTHER", autonomous_system=65009
            )
        )
        connection.execute(
            sa.update(site).where(site.c.key.in_([THEIRS, ALSO_THEIRS])).values(customer=OTHER)
        )
        quantity = connection.scalar(sa.select(pool.c.id).where(pool.c.mode == "quantity"))
        for place in (MINE, THEIRS):
            connection.execute(
                sa.insert(reservation).values(
                    site=place, name="test", pool_id=quantity, exclusive=False, amount=1000,
                    order_id=f"order of {place}",
                )
            )  # fmt: skip
        shared = connection.execute(
            sa.select(resource.c.id, resource.c.pool_id).join(pool).where(pool.c.shared).limit(1)
        ).one()
        connection.execute(
            sa.insert(reservation),
            [
                {"site": place, "name": "shared", "pool_id": shared.pool_id, "exclusive": False,
                 "resource_id": shared.id, "order_id": f"order of {place}", "item_id": "1"}
                for place in (MINE, THEIRS)
            ],
        )  # fmt: skip
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def http(gateway: Gateway, engine: sa.Engine) -> Iterator[TestClient]:
    with engine.begin() as connection:
        tokens.create(connection, "first", frozenset({Role.ADMIN}), EVERYTHING, None)
    settings = Settings()
    access = open_access(settings, gateway.access, "127.0.0.1")
    with TestClient(create_app(gateway, settings, access=access)) as client:
        yield client


class Client:
    """One client with its token."""

    def __init__(self, http: TestClient, engine: sa.Engine, name: str, scope: Scope) -> None:
        self._http = http
        with engine.begin() as connection:
            roles = frozenset({Role.SOM, Role.NOC, Role.APPROVER})
            token = tokens.create(connection, name, roles, scope, None)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **options: Any) -> Any:
        return self._http.get(path, headers=self._headers, **options)

    def delete(self, path: str) -> Any:
        return self._http.delete(path, headers=self._headers)

    def post(self, path: str, body: Document) -> Any:
        return self._http.post(path, json=body, headers=self._headers)


@pytest.fixture(scope="module")
def everyone(http: TestClient, engine: sa.Engine) -> Client:
    return Client(http, engine, "everyone", EVERYTHING)


@pytest.fixture(scope="module", params=["customer", "site", "both"])
def limited(request: pytest.FixtureRequest, http: TestClient, engine: sa.Engine) -> Client:
    by_customer, by_site = frozenset({"CUST-ENT-1102"}), frozenset({MINE, THEIRS})
    scope = {
        "customer": Scope(customers=by_customer),
        "site": Scope(sites=frozenset({MINE})),
        "both": Scope(by_customer, by_site),
    }[request.param]
    return Client(http, engine, f"som-{request.param}", scope)


@pytest.fixture(scope="module")
def placed(everyone: Client) -> dict[str, str]:
    """Ids of an order within the limits and one beyond them."""
    files = {"mine": "so-pilot-melbourne", "theirs": "so-wave1-sydney-1"}
    found = {}
    for name, file in files.items():
        answer = everyone.post(ORDERS, order(file, name))
        assert answer.status_code == 201, answer.text
        found[name] = answer.json()["id"]
    return found


@pytest.fixture(scope="module")
def cancelled(everyone: Client, placed: dict[str, str]) -> dict[str, str]:
    """Ids of the cancellations of these two; without workers they stay acknowledged."""
    found = {}
    for name, order_id in placed.items():
        answer = everyone.post(CANCELS, {"resourceOrder": {"id": order_id}})
        assert answer.status_code == 201, answer.text
        found[name] = answer.json()["id"]
    return found


def test_lists_hold_and_count_only_what_lies_within(
    limited: Client, everyone: Client, placed: dict[str, str]
) -> None:
    answer = limited.get(ORDERS)
    assert [found["id"] for found in answer.json()] == [placed["mine"]]
    assert answer.headers["X-Total-Count"] == "1"
    assert {found["id"] for found in everyone.get(ORDERS).json()} == set(placed.values())


def test_filters_do_not_reach_beyond(limited: Client, placed: dict[str, str]) -> None:
    assert limited.get(ORDERS, params={"id": placed["theirs"]}).json() == []
    assert limited.get(RESOURCES, params={"place.id": THEIRS}).json() == []


def alike(limited: Client, path: str, present: str, absent: str) -> bool:
    """Tell whether what is beyond the limits is answered as what does not exist."""
    seen = [limited.get(path.format(each)) for each in (present, absent)]
    texts = [answer.text.replace(each, "?") for answer, each in zip(seen, (present, absent),
                                                                    strict=True)]  # fmt: skip
    return [answer.status_code for answer in seen] == [404, 404] and texts[0] == texts[1]


@pytest.mark.parametrize(
    "path", [f"{ORDERS}/{{}}", "/rom/v1/orders/{}/report", "/rom/v1/orders/{}/events"]
)
def test_an_order_beyond_the_limits_is_not_there(
    limited: Client, everyone: Client, placed: dict[str, str], path: str
) -> None:
    assert alike(limited, path, placed["theirs"], "RO-0123456789ab")
    assert limited.get(path.format(placed["mine"])).status_code == 200
    assert everyone.get(path.format(placed["theirs"])).status_code == 200


@pytest.mark.parametrize(
    "path",
    [f"/rom/v1/sites/{{}}/{what}" for what in ("snapshots", "diff", "rollbackPreview")],
)  # fmt: skip
def test_a_site_beyond_the_limits_is_not_there(limited: Client, path: str) -> None:
    assert alike(limited, path, THEIRS, "NOWHERE")


def test_snapshots_of_a_site_within_are_shown(limited: Client) -> None:
    assert limited.get(f"/rom/v1/sites/{MINE}/snapshots").status_code == 200


def test_a_rollback_beyond_the_limits_finds_no_site(limited: Client) -> None:
    seen = [
        limited.post("/rom/v1/siteRollback", {"site": each, "dryRun": dry})
        for each in (THEIRS, "NOWHERE")
        for dry in (True, False)
    ]
    assert [answer.status_code for answer in seen] == [404] * 4
    texts = {answer.text.replace(THEIRS, "?").replace("NOWHERE", "?") for answer in seen}
    assert len(texts) == 1


def test_resources_are_those_that_sites_within_hold(limited: Client, everyone: Client) -> None:
    mine = limited.get(RESOURCES).json()
    assert mine
    assert {found["place"]["id"] for found in mine} == {MINE}
    every = everyone.get(RESOURCES, params={"place.id": THEIRS}).json()
    assert every
    assert alike(limited, f"{RESOURCES}/{{}}", every[0]["id"], str(uuid4()))
    assert limited.get(f"{RESOURCES}/{mine[0]['id']}").status_code == 200


def test_of_a_thing_that_several_share_other_holders_are_not_named(
    limited: Client, everyone: Client
) -> None:
    def holders(client: Client) -> set[str]:
        return {
            item["resourceOrderId"]
            for found in client.get(RESOURCES, params={"resourceOrderItem.itemId": "1"}).json()
            for item in found["resourceOrderItem"]
        }

    assert holders(limited) == {f"order of {MINE}"}
    assert holders(everyone) == {f"order of {MINE}", f"order of {THEIRS}"}


def test_an_order_that_names_a_site_beyond_is_refused_and_nothing_is_said_of_the_site(
    limited: Client, placed: dict[str, str], engine: sa.Engine
) -> None:
    def told(name: str) -> tuple[int, str]:
        body = json.dumps(order("so-wave1-sydney-1", "not mine")).replace(THEIRS, name)
        answer = limited.post(ORDERS, json.loads(body))
        return answer.status_code, answer.json()["reason"].replace(name, "?")

    assert told(THEIRS) == told("NOWHERE")
    status, reason = told(THEIRS)
    assert status == 403
    assert reason.startswith("orderItem[0].resource.place: ")
    with engine.connect() as connection:
        count = connection.scalar(sa.select(sa.func.count()).select_from(resource_order))
    assert count == len(placed)


def test_a_cancellation_beyond_the_limits_finds_no_order(
    limited: Client, placed: dict[str, str]
) -> None:
    def told(name: str) -> tuple[int, str]:
        answer = limited.post(CANCELS, {"resourceOrder": {"id": name}})
        return answer.status_code, answer.text.replace(name, "?")

    assert told(placed["theirs"]) == told("RO-0123456789ab")
    assert told(placed["theirs"])[0] in (400, 404)


def test_cancellations_are_seen_by_who_sees_their_order(
    limited: Client, everyone: Client, cancelled: dict[str, str]
) -> None:
    assert alike(limited, f"{CANCELS}/{{}}", cancelled["theirs"], "CO-0123456789ab")
    assert limited.get(f"{CANCELS}/{cancelled['mine']}").status_code == 200
    assert everyone.get(f"{CANCELS}/{cancelled['theirs']}").status_code == 200
    listed = limited.get(CANCELS)
    assert [found["id"] for found in listed.json()] == [cancelled["mine"]]
    assert listed.headers["X-Total-Count"] == "1"
    assert limited.get(CANCELS, params={"id": cancelled["theirs"]}).json() == []
    assert {found["id"] for found in everyone.get(CANCELS).json()} == set(cancelled.values())


def test_what_concerns_the_whole_network_is_not_for_clients_with_limits(limited: Client) -> None:
    assert limited.get("/rom/v1/devices").status_code == 403


def test_an_order_is_stored_with_the_name_that_was_proven(
    placed: dict[str, str], engine: sa.Engine
) -> None:
    with engine.connect() as connection:
        names = connection.scalars(sa.select(resource_order.c.requester).distinct()).all()
    assert names == ["everyone"]


def test_a_client_whose_limits_leave_nothing_sees_nothing(
    http: TestClient, engine: sa.Engine, placed: dict[str, str]
) -> None:
    nobody = Client(http, engine, "nobody", Scope(sites=frozenset()))
    assert nobody.get(ORDERS).json() == []
    assert nobody.get(RESOURCES).json() == []
    assert nobody.get(f"{ORDERS}/{placed['mine']}").status_code == 404


def test_force_needs_another_role_than_operating(http: TestClient, engine: sa.Engine) -> None:
    asked = {"site": MINE, "policy": "force", "reason": "because", "dryRun": False}
    with engine.begin() as connection:
        made = {
            role: tokens.create(connection, role, frozenset({role}), EVERYTHING, None)
            for role in (Role.NOC, Role.APPROVER)
        }
    seen = {
        role: http.post(
            "/rom/v1/siteRollback", json=asked, headers={"Authorization": f"Bearer {token}"}
        )
        for role, token in made.items()
    }
    assert seen[Role.NOC].status_code == 403
    assert seen[Role.NOC].json()["reason"].startswith("policy: needs one of admin, approver")
    assert seen[Role.APPROVER].status_code != 403


def test_a_listener_hears_of_what_its_owner_may_see_and_only_its_owner_takes_it_off(
    http: TestClient, engine: sa.Engine, everyone: Client, placed: dict[str, str]
) -> None:
    limited = Client(http, engine, "listening", Scope(sites=frozenset({MINE})))
    ids = {}
    for name, client in {"limited": limited, "everyone": everyone}.items():
        answer = client.post(HUB, {"callback": "http://127.0.0.1:9/events"})
        assert answer.status_code == 201, answer.text
        ids[name] = answer.json()["id"]
    fan_out(engine)
    with engine.connect() as connection:
        heard = {
            name: set(
                connection.scalars(
                    sa.select(delivery.c.stream).where(delivery.c.listener_id == listener)
                )
            )
            for name, listener in ids.items()
        }
    assert heard["everyone"] >= set(placed.values())
    assert heard["limited"] == {placed["mine"]}
    assert limited.delete(f"{HUB}/{ids['everyone']}").status_code == 404
    assert everyone.delete(f"{HUB}/{ids['limited']}").status_code == 404
    assert limited.delete(f"{HUB}/{ids['limited']}").status_code == 204
    assert limited.get("/rom/v1/hub").status_code == 403
