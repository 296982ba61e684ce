"""Our own OpenAPI is complete, and what the gateway answers is what it says."""

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

CHECKS = (
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
)
# Streams do not end, and events are waited for: both have tests of their own.
LEFT_OUT = "^/rom/v1/events/stream|/events$"

schema = schemathesis.pytest.from_fixture("own_openapi")


@pytest.fixture(scope="session")
def own_openapi(app: FastAPI, http: TestClient, pilot: dict[str, Any]) -> Any:
    assert http.post("/tmf-api/resourceOrdering/v4/resourceOrder", json=pilot).status_code == 201
    loaded = schemathesis.openapi.from_asgi("/openapi.json", app)
    return loaded.exclude(path_regex=LEFT_OUT)


@schema.parametrize()
@settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_sent_is_answered_as_described(case: Any) -> None:
    case.call_and_validate(checks=CHECKS)


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
    assert described["info"]["version"] != "0"
