"""Nothing is served that nobody has said who may use."""

from http import HTTPStatus

import pytest
from fastapi import APIRouter, FastAPI
from starlette.routing import Mount

from api.access.permissions import (
    OPEN,
    PERMISSIONS,
    Reach,
    Rule,
    UndeclaredRoute,
    rules_of,
)
from api.access.principal import Role
from api.app import create_app
from tests.unit.access.issuer import Keys, Limits, Serve, bearer, small_gateway

ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"


def whole_app() -> FastAPI:
    return create_app(small_gateway(), Limits())


def test_every_route_of_the_application_is_in_the_table() -> None:
    operations = list(rules_of(whole_app()))
    assert len(operations) > 20
    assert all(PERMISSIONS[found.method, found.template] == found.rule for found in operations)


def test_only_probes_and_booting_routers_need_no_token() -> None:
    free = {found.template for found in rules_of(whole_app()) if found.rule == OPEN}
    assert {path for path in free if not path.startswith("/ztp/v1/{token}/")} <= {
        "/healthz", "/livez", "/readyz",
    }  # fmt: skip


def test_no_operation_that_needs_a_token_is_without_roles() -> None:
    assert all(rule.roles is None or rule.roles for rule in PERMISSIONS.values())


def test_every_operation_that_changes_something_counts_as_a_write() -> None:
    reading = {method for (method, _), rule in PERMISSIONS.items() if not rule.writes}
    assert reading == {"GET", "HEAD"}


def test_an_application_with_a_route_that_is_not_declared_does_not_start() -> None:
    app = whole_app()
    routes = APIRouter(prefix="/rom/v1")
    routes.add_api_route("/backdoor", lambda: None, methods=["POST"])
    app.include_router(routes)
    with pytest.raises(UndeclaredRoute, match="POST /rom/v1/backdoor has no line"):
        rules_of(app)


def test_a_method_that_is_not_declared_is_no_better() -> None:
    app = whole_app()
    app.add_api_route("/healthz", lambda: None, methods=["DELETE"])
    with pytest.raises(UndeclaredRoute, match="DELETE /healthz"):
        rules_of(app)


def test_a_mounted_application_has_to_be_declared_too() -> None:
    app = whole_app()
    app.routes.append(Mount("/files", app=FastAPI()))
    with pytest.raises(UndeclaredRoute, match=r"\* /files"):
        rules_of(app)


def test_limits_can_only_be_kept_by_a_path_that_names_something() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/things", lambda: None, methods=["GET"])
    table = {("GET", "/things"): Rule(frozenset({Role.NOC}), Reach.PATH)}
    with pytest.raises(UndeclaredRoute, match="names nothing"):
        rules_of(app, table)


MAY: list[tuple[str, str, set[str]]] = [
    ("GET", ORDERS, {"som", "noc", "approver", "admin", "reader"}),
    ("POST", ORDERS, {"som", "admin"}),
    ("GET", "/tmf-api/resourceInventoryManagement/v4/resource",
     {"som", "noc", "approver", "admin", "reader"}),
    ("GET", "/rom/v1/devices", {"noc", "approver", "admin", "reader"}),
    ("POST", "/rom/v1/deviceCheck", {"noc", "admin"}),
    ("POST", "/rom/v1/siteRollback", {"noc", "approver", "admin"}),
    ("POST", "/rom/v1/sites/ENT-1/repair", {"noc", "admin"}),
    ("GET", "/rom/v1/sites/ENT-1/snapshots", {"noc", "approver", "admin", "reader"}),
    ("GET", "/metrics", {"noc", "admin", "reader"}),
    ("GET", "/openapi.json", {"som", "noc", "approver", "admin", "reader"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "allowed"), MAY)
def test_each_role_may_do_what_it_is_there_for_and_nothing_else(
    serve: Serve, keys: Keys, method: str, path: str, allowed: set[str]
) -> None:
    client = serve()
    seen = {
        role.value: client.request(
            method, path, headers=bearer(keys.token(roles=[role.value]))
        ).status_code
        for role in Role
    }
    assert {role for role, status in seen.items() if status != HTTPStatus.FORBIDDEN} == allowed
    assert HTTPStatus.UNAUTHORIZED not in seen.values()


def test_a_refusal_names_the_role_and_not_whether_there_is_something(
    serve: Serve, keys: Keys
) -> None:
    token = keys.token(roles=["reader"])
    answer = serve().post("/rom/v1/sites/NOWHERE/repair", headers=bearer(token))
    assert answer.status_code == 403
    assert "insufficient_scope" in answer.headers["WWW-Authenticate"]
    body = answer.json()
    assert (body["code"], body["status"], body["@type"]) == ("forbidden", "403", "Error")
    assert "admin, noc" in body["reason"]


def test_specifications_are_for_administrators_to_write() -> None:
    writing = {
        rule.roles
        for (method, template), rule in PERMISSIONS.items()
        if "resourceSpecification" in template and method != "GET"
    }
    assert writing == {frozenset({Role.ADMIN})}
