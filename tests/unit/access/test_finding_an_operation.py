"""Which operation a request means, also when its path knows other methods only."""

from typing import Any

import pytest
from fastapi import FastAPI, Request, Response

from api.access.permissions import PERMISSIONS, Operations, rules_of

PATH = "/things"
PLAIN = "/plain"
ONE = "/things/{name}"


@pytest.fixture
def operations() -> Operations:
    app = FastAPI(openapi_url=None)
    some_rule = next(iter(PERMISSIONS.values()))

    @app.get(PATH)
    def read() -> None: ...

    @app.post(PATH)
    def create() -> None: ...

    @app.delete(PATH)
    def delete() -> None: ...

    async def plain(request: Request) -> Response:
        return Response()

    app.add_route(PLAIN, plain, methods=["GET"])  # the framework below adds HEAD to GET
    app.add_route(ONE, plain, methods=["GET", "PUT"])
    known = [(method, PATH) for method in ("GET", "POST", "DELETE")]
    known += [("GET", PLAIN), ("GET", ONE), ("PUT", ONE)]
    return rules_of(app, dict.fromkeys(known, some_rule))


def asked(method: str, path: str = PATH) -> dict[str, Any]:
    return {
        "type": "http", "method": method, "path": path, "root_path": "", "headers": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path", "meant"),
    [
        ("GET", PATH, "GET"),
        ("POST", PATH, "POST"),
        ("DELETE", PATH, "DELETE"),
        ("HEAD", PLAIN, "GET"),
        ("GET", ONE, "GET"),
        ("PUT", ONE, "PUT"),
    ],
)
def test_a_request_means_the_operation_of_its_method(
    operations: Operations, method: str, path: str, meant: str
) -> None:
    found = operations.find(asked(method, path))
    assert found.operation is not None
    assert (found.operation.method, found.operation.template) == (meant, path)
    assert found.allowed == frozenset()


def test_a_method_that_the_path_does_not_know_is_answered_with_all_that_it_does(
    operations: Operations,
) -> None:
    found = operations.find(asked("PATCH"))
    assert found.operation is None
    assert found.allowed >= {"GET", "POST", "DELETE"}


def test_what_the_path_names_is_found_with_the_operation(operations: Operations) -> None:
    assert operations.find(asked("GET", "/things/a")).parameters == {"name": "a"}


def test_an_unknown_path_means_nothing_names_nothing_and_allows_nothing(
    operations: Operations,
) -> None:
    found = operations.find(asked("GET", "/nothing"))
    assert (found.operation, found.parameters, found.allowed) == (None, {}, frozenset())
