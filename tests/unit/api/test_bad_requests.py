"""Every failure is the TM Forum error body, names what is wrong, and writes nothing."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from api.body import MAX_DEPTH

ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
JSON = {"Content-Type": "application/json"}


def check_error(answer: Any, status: int, in_reason: str) -> None:
    assert answer.status_code == status
    body = answer.json()
    assert set(body) == {"code", "reason", "message", "status", "@type"}
    assert (body["status"], body["@type"]) == (str(status), "Error")
    assert in_reason in body["reason"]
    assert body["code"]
    assert body["message"]


@pytest.mark.parametrize(
    ("text", "in_reason"),
    [
        (b"", "body: line 1 column 1"),
        (b'{"orderItem": [', "body: line 1 column"),
        (b'{"priority": NaN}', "NaN"),
        (b'{"priority": -Infinity}', "-Infinity"),
        (b'{"priority": 1e999}', "out of range"),
        (b'{"category": "a", "category": "b"}', '"category" appears twice'),
        (b'{"a": {"b": 1, "b": 2}}', '"b" appears twice'),
        (b'{"name": "\\u0000"}', "U+0000"),
        (b'{"name": "\\ud800"}', "surrogate"),
        (b'{"na\\u0000me": 1}', "U+0000"),
        (b'{"name": "\xff"}', "UTF-8"),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), "nested deeper"),
        (b"[" * 9000, "body:"),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, "nested deeper"),
        (b"1" * 9000, "too long"),
        (b"[1]", "body: is no object"),
        (b"null", "body: is no object"),
    ],
)
def test_malformed_json_is_refused_with_the_place(
    http: Any, twin: Any, text: bytes, in_reason: str
) -> None:
    check_error(http.post(ORDERS, content=text, headers=JSON), 400, in_reason)
    assert twin.orders == {}


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({"Content-Type": "text/plain"}, "Content-Type"),
        ({"Content-Type": "application/xml"}, "Content-Type"),
        ({"Content-Type": "application/json; charset=utf-16"}, "Content-Type"),
        ({}, "Content-Type"),
        (JSON | {"Content-Encoding": "gzip"}, "Content-Encoding"),
    ],
)
def test_another_media_type_is_refused(http: Any, headers: dict[str, str], named: str) -> None:
    check_error(http.post(ORDERS, content=b"{}", headers=headers), 415, named)


def test_the_media_type_of_the_standard_is_taken(http: Any, pilot: dict[str, Any]) -> None:
    headers = {"Content-Type": 'application/json;charset="UTF-8"'}
    assert http.post(ORDERS, content=json.dumps(pilot), headers=headers).status_code == 201


def test_a_body_too_large_is_refused_by_its_announced_length(http: Any, twin: Any) -> None:
    check_error(http.post(ORDERS, content=b" " * 20_001, headers=JSON), 413, "20000")
    assert twin.orders == {}


def test_a_body_too_large_is_refused_while_it_streams_without_a_length(http: Any) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1000
            yield b" " * 1000

    check_error(http.post(ORDERS, content=endless(), headers=JSON), 413, "20000")


def test_a_refused_order_names_the_field_and_the_fix(
    http: Any, twin: Any, pilot: dict[str, Any]
) -> None:
    pilot["orderItem"][2]["action"] = "destroy"
    answer = http.post(ORDERS, json=pilot)
    check_error(answer, 400, "orderItem[2].action: is unknown")
    assert answer.json()["message"] == "use add"
    assert twin.orders == {}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", f"{ORDERS}/none", 404),
        ("GET", f"{ORDERS}/", 404),
        ("GET", "/rom/v1/orders/none/report", 404),
        ("GET", "/rom/v1/orders/none/events", 404),
        ("POST", "/rom/v1/sites/none/reapply", 404),
        ("GET", "/rom/v1/sites/none/rollbackPreview", 404),
        ("PUT", ORDERS, 405),
        ("DELETE", "/readyz", 405),
    ],
)
def test_the_framework_s_own_errors_have_the_error_body_too(
    http: Any, method: str, path: str, status: int
) -> None:
    answer = http.request(method, path)
    check_error(answer, status, "")
    if status == 405:
        assert answer.headers["Allow"]


def test_a_bug_is_a_500_that_tells_only_the_request_s_id(http: Any, pilot: dict[str, Any]) -> None:
    answer = http.post(ORDERS, json=pilot | {"category": "bug"}, headers={"X-Request-ID": "abc-1"})
    check_error(answer, 500, "failed")
    assert answer.headers["X-Request-ID"] == "abc-1"
    assert "geheim" not in answer.text


def test_an_unusable_request_id_is_replaced(http: Any) -> None:
    answer = http.get("/healthz", headers={"X-Request-ID": 'x" onload="'})
    assert len(answer.headers["X-Request-ID"]) == 32


NO_TEXT = {
    "/rom/v1/sites/a%00b": "path: holds the control character U+0000",
    "/rom/v1/sites/a%0Ab": "path: holds the control character U+000A",
    "/rom/v1/sites/a%7Fb": "path: holds the control character U+007F",
    "/rom/v1/sites/%C2%85": "path: holds the control character U+0085",
    "/rom/v1/sites/%FF": "path: is not UTF-8",
    "/rom/v1/sites/%ED%A0%80": "path: is not UTF-8",
    f"{ORDERS}/%00": "path:",
    "/ztp/v1/%00/ztp.py": "path:",
    "/%00": "path:",
    f"{ORDERS}?state=a%00": "query:",
    f"{ORDERS}?sta%00te=a": "query:",
    f"{ORDERS}?fields=%1b": "query:",
    f"{ORDERS}?fields=%ff": "query: is not UTF-8",
    "/healthz?%00": "query:",
}


def test_a_path_or_query_that_is_no_text_is_refused_before_anybody_looks_at_it(http: Any) -> None:
    for path, in_reason in NO_TEXT.items():
        for method in ("GET", "POST", "PATCH"):
            check_error(http.request(method, path), 400, in_reason)


def test_signs_of_other_scripts_are_text(http: Any) -> None:
    check_error(http.get("/rom/v1/sites/Z%C3%BCrich%E2%80%A8/rollbackPreview"), 404, "")
