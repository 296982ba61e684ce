"""Answers against the swagger files of TM Forum: the data model repository's variant of TMF652.

Corrections, all of them slips of the files: nothing is required of a ResourceOrderItemRef (its
required ``id`` does not exist), and a task may be ``acknowledged``, as the published variant and
every implementation say, besides ``accepted``.
"""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fastapi.testclient import TestClient

from rom.model.dates import parse_date

SWAGGER = Path(__file__).parents[3] / "shared" / "tmf"
FILES = {
    "652": "TMF652-v4.0.0-data-model-repo.swagger.json",
    "639": "TMF639-v4.0.0.swagger.json",
    "634": "TMF634-v4.1.0.swagger.json",
}
ORDERING = "/tmf-api/resourceOrdering/v4"
FORMATS = jsonschema.FormatChecker(())


@FORMATS.checks("date-time", raises=ValueError)
def is_moment(value: object) -> bool:
    return not isinstance(value, str) or parse_date(value) is not None


pytestmark = pytest.mark.skipif(
    not SWAGGER.is_dir(), reason="TM Forum's swagger files are not beside the project"
)


def corrected(number: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((SWAGGER / FILES[number]).read_text())
    definitions = document["definitions"]
    if number == "652":
        definitions["ResourceOrderItemRef"].pop("required", None)
        definitions["TaskStateType"]["enum"].append("acknowledged")
    # ``Any`` is an object in the files, though every example has texts and numbers.
    definitions["Any"] = {}
    return document


def check(number: str, name: str, answer: Any) -> None:
    schema = corrected(number)
    validator = jsonschema.Draft4Validator(
        schema | {"$ref": f"#/definitions/{name}"},
        format_checker=FORMATS,
    )
    found = [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(answer)]
    assert found == []


@pytest.fixture(scope="module")
def order(http: TestClient, example: Any) -> dict[str, Any]:
    taken = http.post(
        f"{ORDERING}/resourceOrder", json=example("so-wave1-sydney-1") | {"name": "as published"}
    )
    assert taken.status_code == 201, taken.text
    document: dict[str, Any] = taken.json()
    return document


def test_orders_are_as_published(http: TestClient, order: dict[str, Any]) -> None:
    check("652", "ResourceOrder", order)
    check("652", "ResourceOrder", http.get(order["href"]).json())
    for listed in http.get(f"{ORDERING}/resourceOrder").json():
        check("652", "ResourceOrder", listed)


def test_cancellations_are_as_published(http: TestClient, order: dict[str, Any]) -> None:
    body = {"resourceOrder": {"id": order["id"]}, "cancellationReason": "not needed"}
    asked = http.post(f"{ORDERING}/cancelResourceOrder", json=body)
    assert asked.status_code == 201, asked.text
    check("652", "CancelResourceOrder", asked.json())
    listed = http.get(f"{ORDERING}/cancelResourceOrder", params={"resourceOrder.id": order["id"]})
    assert [entry["id"] for entry in listed.json()] == [asked.json()["id"]]
    check("652", "CancelResourceOrder", listed.json()[0])


def test_resources_are_as_published(http: TestClient) -> None:
    base = "/tmf-api/resourceInventoryManagement/v4/resource"
    for resource in http.get(base, params={"limit": 300}).json():
        check("639", "Resource", resource)
    patch = {"note": [{"text": "seen"}], "administrativeState": "shutdown", "@type": "Thing"}
    check("639", "Resource", http.patch(resource["href"], json=patch).json())


def test_specifications_are_as_published(http: TestClient) -> None:
    base = "/tmf-api/resourceCatalog/v4/resourceSpecification"
    made = http.post(base, json={"name": "Published Thing"})
    assert made.status_code == 201
    for specification in [made.json(), *http.get(base).json()]:
        check("634", "ResourceSpecification", specification)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"{ORDERING}/resourceOrder/none", 404),
        ("GET", "/tmf-api/nowhere", 404),
        ("PUT", f"{ORDERING}/resourceOrder", 405),
        ("POST", f"{ORDERING}/resourceOrder", 415),
        ("GET", f"{ORDERING}/resourceOrder?colour=red", 400),
    ],
)
def test_errors_are_as_published(http: TestClient, method: str, path: str, status: int) -> None:
    answer = http.request(method, path)
    assert answer.status_code == status
    for number in FILES:
        check(number, "Error", answer.json())
