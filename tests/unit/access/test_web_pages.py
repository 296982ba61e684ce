"""A page of elsewhere changes nothing, whoever's browser it is in."""

import pytest

from api.access.access import Access
from tests.unit.access.issuer import Keys, Serve, bearer, client_of

ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
AWAY = {"Origin": "https://evil.example"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ORDERS), ("DELETE", f"{ORDERS}/RO-1"), ("POST", "/rom/v1/inventory")],
)
@pytest.mark.parametrize(
    "headers",
    [
        AWAY,
        AWAY | {"Content-Type": "text/plain"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example:8652", "Host": "evil.example:8652"},
    ],
)
def test_a_page_of_elsewhere_changes_nothing_in_the_open_lab(
    method: str, path: str, headers: dict[str, str]
) -> None:
    answer = client_of(Access()).request(method, path, headers=headers, content="{}")
    assert (answer.status_code, answer.json()["code"]) == (403, "otherOrigin")


def test_nor_with_the_token_of_whoever_looks_at_it(serve: Serve, keys: Keys) -> None:
    answer = serve().post(ORDERS, headers=bearer(keys.token()) | AWAY, json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "otherOrigin")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:8652", "Host": "127.0.0.1:8652"},
        {"Origin": "http://localhost:8652", "Host": "localhost:8652"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_programs_and_pages_of_the_gateway_itself_are_served(headers: dict[str, str]) -> None:
    answer = client_of(Access()).post("/rom/v1/nothing", headers=headers, json={})
    assert answer.status_code == 404


def test_a_page_of_elsewhere_may_be_told_nothing_by_reading_but_is_no_error() -> None:
    answer = client_of(Access()).get("/rom/v1/devices", headers=AWAY)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_text_is_no_order() -> None:
    answer = client_of(Access()).post(ORDERS, content="{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415
