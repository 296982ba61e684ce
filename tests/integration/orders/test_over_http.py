"""The order side over HTTP: a real server over a real database, without workers and devices."""

import copy
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

import api
import inventory
from api.app import create_app
from api.serving.claim import listen
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store.embedded import EmbeddedPostgres
from tests.databases import fresh_database

EXAMPLES = Path(api.__file__).parent / "examples"
INVENTORY = Path(inventory.__file__).parent / "examples" / "enterprise-fibre.yaml"
BASES = ("/tmf-api/resourceOrdering/v4", "/tmf-api/resourceOrderingManagement/v4")
ORDERS, CANCELS = f"{BASES[0]}/resourceOrder", f"{BASES[0]}/cancelResourceOrder"


@pytest.fixture(scope="module")
def settings(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with fresh_database(postgres_server) as url:
        yield Settings(
            database_url=SecretStr(url),
            data_dir=tmp_path_factory.mktemp("data"),
            inventory_file=INVENTORY,
        )


@pytest.fixture(scope="module")
def url(settings: Settings) -> Iterator[str]:
    with open_gateway(settings) as gateway:
        listening = listen("127.0.0.1", 0)
        app = create_app(gateway, settings)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        app.state.live.closed = True
        thread.join()
        listening.close()


@pytest.fixture(scope="module")
def http(url: str) -> Iterator[httpx.Client]:
    limits = httpx.Limits(max_connections=200)
    with httpx.Client(base_url=url, timeout=100, trust_env=False, limits=limits) as client:
        yield client


def of_site(site: str) -> dict[str, Any]:
    """The pilot's bearer for another site, so that every test has a site of its own."""
    body: dict[str, Any] = json.loads((EXAMPLES / "so-pilot-melbourne.json").read_text())
    body["orderItem"] = [copy.deepcopy(body["orderItem"][0])]
    body["orderItem"][0]["resource"]["place"]["id"] = site
    return body


def test_two_hundred_posts_with_one_key_at_once_are_one_order(http: httpx.Client) -> None:
    body = of_site("ENT-1102-MELB")

    def post(_: int) -> httpx.Response:
        return http.post(ORDERS, json=body, headers={"Idempotency-Key": "two-hundred"})

    before = len(http.get(ORDERS).json())
    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(post, range(200)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(200)) == (1, 199), set(statuses)
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(http.get(ORDERS).json()) == before + 1
    other = http.post(
        ORDERS, json=body | {"priority": 4}, headers={"Idempotency-Key": "two-hundred"}
    )
    assert (other.status_code, other.json()["code"]) == (409, "idempotencyKeyReused")


@pytest.fixture(scope="module")
def order(http: httpx.Client) -> str:
    taken = http.post(ORDERS, json=of_site("ENT-1102-BNE1"))
    assert taken.status_code == 201, taken.text
    return str(taken.json()["id"])


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_that_is_none_is_refused(http: httpx.Client, key: str) -> None:
    answer = http.post(ORDERS, json=of_site("ENT-1102-BNE2"), headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith("Idempotency-Key")


@pytest.mark.parametrize("base", BASES)
def test_patches_of_all_three_media_types_on_both_paths(
    http: httpx.Client, order: str, base: str
) -> None:
    path = f"{base}/resourceOrder/{order}"
    for media, body in (
        ("application/json", {"description": "one"}),
        ("application/merge-patch+json; charset=utf-8", {"description": "two"}),
        ("application/json-patch+json", [{"op": "add", "path": "/description", "value": "three"}]),
    ):
        answer = http.patch(path, content=json.dumps(body), headers={"Content-Type": media})
        assert answer.status_code == 200, answer.text
    assert http.get(path).json()["description"] == "three"


@pytest.mark.parametrize(
    ("media", "body", "status", "code"),
    [
        ("text/plain", "{}", 415, "unsupportedMediaType"),
        ("application/json", "{", 400, "malformedJson"),
        ("application/json", "[]", 400, "invalidPatch"),
        ("application/json", '{"id": "other"}', 400, "invalidOrder"),
        ("application/json", '{"state": "completed"}', 409, "illegalTransition"),
        ("application/json", '{"state": "rejected"}', 409, "gatewayOnly"),
        ("application/json", '{"state": "gone"}', 400, "invalidOrder"),
        (
            "application/json-patch+json",
            '[{"op": "test", "path": "/id", "value": "x"}]',
            409,
            "patchTestFailed",
        ),
        ("application/json-patch+json", '[{"op": "remove", "path": "/x"}]', 400, "invalidPatch"),
    ],
)
def test_a_patch_that_cannot_be_taken_says_why(
    http: httpx.Client, order: str, media: str, body: str, status: int, code: str
) -> None:
    path = f"{ORDERS}/{order}"
    before = http.get(path).json()
    answer = http.patch(path, content=body, headers={"Content-Type": media})
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["@type"] == "Error"
    assert http.get(path).json() == before


def test_an_open_order_is_not_deleted_and_an_unknown_one_is_not_there(
    http: httpx.Client, order: str
) -> None:
    assert http.delete(f"{ORDERS}/{order}").json()["code"] == "orderOpen"
    assert http.delete(f"{ORDERS}/RO-0").status_code == 404
    assert http.patch(f"{ORDERS}/RO-0", json={}).status_code == 404


def test_unknown_attributes_and_both_spellings_round_trip(http: httpx.Client) -> None:
    body = of_site("ENT-1102-SYD1")
    body["orderItem"][0]["resource"].pop("id", None)
    body["orderItem"][0] |= {"@type": "OurItem", "own": [{"x": None}]}
    body |= {
        "@type": "OurOrder", "@baseType": "ResourceOrder", "@schemaLocation": "https://x.example/s",
        "externalReference": [{"id": "SO-9", "entityType": "serviceOrder", "owner": "SOM"}],
        "own": {"deep": [1, 2.5, "ü"]},
    }  # fmt: skip
    taken = http.post(ORDERS, json=body)
    assert taken.status_code == 201, taken.text
    shown = http.get(f"{ORDERS}/{taken.json()['id']}").json()
    for name in ("@type", "@baseType", "@schemaLocation", "own"):
        assert shown[name] == body[name]
    assert shown["orderItem"][0]["own"] == [{"x": None}]
    assert shown["orderItem"][0]["@type"] == "OurItem"
    assert shown["externalReference"][0]["name"] == "SO-9"
    assert shown["externalReference"][0]["externalReferenceType"] == "serviceOrder"


@pytest.mark.parametrize("base", BASES)
def test_a_cancellation_is_taken_listed_and_read(http: httpx.Client, base: str) -> None:
    site = "ENT-1102-SYD2" if base == BASES[0] else "ENT-1102-BNE2"
    order_id = http.post(ORDERS, json=of_site(site)).json()["id"]
    cancels = f"{base}/cancelResourceOrder"
    taken = http.post(cancels, json={"resourceOrder": {"id": order_id}})
    assert taken.status_code == 201, taken.text
    task = taken.json()
    assert taken.headers["Location"] == task["href"]
    assert task["state"] == "acknowledged"
    assert http.get(f"{cancels}/{task['id']}").json() == task
    assert task in http.get(cancels).json()
    again = http.post(cancels, json={"resourceOrder": {"id": order_id}})
    assert (again.status_code, again.json()["code"]) == (409, "cancellationOpen")


def test_a_cancellation_of_nothing_is_refused(http: httpx.Client) -> None:
    assert http.post(CANCELS, json={"resourceOrder": {"id": "RO-0"}}).status_code == 404
    assert http.post(CANCELS, json={}).status_code == 400
    assert http.get(f"{CANCELS}/CO-0").status_code == 404
    assert http.delete(f"{CANCELS}/CO-0").status_code == 405


def test_decisions_need_a_held_item_and_a_reason(http: httpx.Client, order: str) -> None:
    item = f"/rom/v1/orders/{order}/items/ROI-001"
    assert http.post(f"{item}/retry", json={}).json()["code"] == "notHeld"
    assert http.post(f"{item}/complete", json={}).status_code == 400
    assert http.post(f"{item}/cancel", json={"reason": "x"}).json()["code"] == "notHeld"
    assert http.post(f"/rom/v1/orders/{order}/retry", json={}).json()["code"] == "notHeld"
    assert http.post("/rom/v1/orders/RO-0/retry", json={}).status_code == 404
    assert http.post(f"/rom/v1/orders/{order}/items/X/retry", json={}).status_code == 404


def test_a_device_is_given_up_with_a_reason_and_only_for_a_cancellation(
    http: httpx.Client, order: str
) -> None:
    path = "/rom/v1/orders/{}/devices/OLT-SOUTH-03/giveUp"
    assert http.post(path.format(order), json={}).status_code == 400
    assert http.post(path.format("RO-0"), json={"reason": "x"}).status_code == 404
    refused = http.post(path.format(order), json={"reason": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "notCancelling")
