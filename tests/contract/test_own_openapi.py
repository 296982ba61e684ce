"""Our own OpenAPI is complete, and what the gateway answers is what it says."""

from pathlib import Path
from typing import Any

import schemathesis
import sqlalchemy as sa
import yaml
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

import api

CHECKS = (
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
)
# Streams do not end and events are waited for; without workers readyz answers 503 as it should.
LEFT_OUT = "^/rom/v1/events/stream|/events$|^/readyz"

DECISIONS = r"^/rom/v1/orders/\{order_id\}/(retry$|items/|devices/)"
HOLD = sa.text(
    "UPDATE order_item SET state = 'held' WHERE order_id = :order_id AND item_id = :item_id "
    "AND state NOT IN ('assessingCancellation', 'pendingCancellation')"
)


def declared() -> dict[str, dict[str, Any]]:
    file = Path(api.__file__).parent / "schemas" / "paths" / "operations.yaml"
    found: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text())
    return found


BUDGET = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_whatever_is_sent_is_answered_as_described(
    app: FastAPI, http: TestClient, example: Any
) -> None:
    assert (
        http.post(
            "/tmf-api/resourceOrdering/v4/resourceOrder", json=example("so-pilot-melbourne")
        ).status_code
        == 201
    )
    described = schemathesis.openapi.from_asgi("/openapi.json", app)
    looked_at = 0
    for found in described.exclude(path_regex=LEFT_OUT).get_all_operations():
        operation = found.ok()

        @BUDGET
        @given(case=operation.as_strategy())
        def answers(case: Any) -> None:
            case.call_and_validate(checks=CHECKS)

        answers()
        looked_at += 1
    assert looked_at > 30


def test_decisions_on_a_held_item_are_answered_as_described(
    app: FastAPI, http: TestClient, example: Any, engine: sa.Engine
) -> None:
    """With names that exist: made-up ones get no further than 404."""
    body = example("so-wave1-sydney-2")
    taken = http.post("/tmf-api/resourceOrdering/v4/resourceOrder", json=body)
    assert taken.status_code == 201, taken.text
    names = {
        "order_id": taken.json()["id"],
        "item_id": next(
            item["id"]
            for item in body["orderItem"]
            if item["resourceSpecification"]["id"] == "RFS:SLA-Monitoring"  # no other needs it
        ),
        "device": "EAS-SYD-02",
    }
    described = schemathesis.openapi.from_asgi("/openapi.json", app)
    seen: dict[str, set[int]] = {}
    for found in described.include(path_regex=DECISIONS).get_all_operations():
        operation = found.ok()

        @BUDGET
        @given(case=operation.as_strategy())
        def answers(case: Any) -> None:
            with engine.begin() as connection:
                connection.execute(HOLD, names)
            for name in case.path_parameters:
                case.path_parameters[name] = names[name]
            answer = case.call_and_validate(checks=CHECKS)
            seen.setdefault(case.operation.path, set()).add(answer.status_code)

        answers()
    assert len(seen) == 5
    assert {path.rpartition("/")[2]: min(codes) for path, codes in seen.items()} == {
        "retry": 200, "complete": 409, "cancel": 201, "giveUp": 409,
    }  # fmt: skip


def test_every_operation_says_what_it_takes_and_answers(app: FastAPI) -> None:
    described = app.openapi()
    names = []
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            names.append(operation["operationId"])
            assert operation["responses"]["400"]["content"]["application/json"], path
            assert "422" not in operation["responses"]
            if method in ("patch",) or "_Create" in str(operation.get("requestBody")):
                assert operation["requestBody"]["content"]
    assert len(set(names)) == len(names)
    own = [
        operation["operationId"]
        for path, methods in described["paths"].items()
        if path.startswith("/rom/v1") or path.endswith(("/hub", "/hub/{hub_id}"))
        for operation in methods.values()
    ]
    assert len(own) > 30
    # What TM Forum documents pass through is told in a file, the rest by the code's own types.
    assert set(names) - set(own) == {said["id"] for said in declared().values()}


def test_what_the_own_interface_takes_and_answers_comes_from_its_models(app: FastAPI) -> None:
    described = app.openapi()
    kept = described["components"]["schemas"]
    for path, methods in described["paths"].items():
        if not path.startswith("/rom/v1"):
            continue
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" not in declared()
            answers = [a for code, a in operation["responses"].items() if code.startswith("2")]
            assert answers, path
            if method == "post":
                (body,) = operation["requestBody"]["content"].values() if (
                    "requestBody" in operation
                ) else ({"schema": None},)  # fmt: skip
                assert path.endswith(("/reapply", "/test")) or "$ref" in body["schema"], path
    assert kept["RollbackRequest"]["additionalProperties"] is False
    assert {"site", "devices", "releases"} <= set(kept["RollbackPreview"]["properties"])
    assert "lastTransaction" in kept["DeviceLine"]["properties"]
    assert described["info"]["version"] != "0"
