"""Reports, event waiting, second run, rollback preview, and what monitoring asks."""

import threading
from time import monotonic
from typing import Any

import pytest

ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"


@pytest.fixture
def order_id(http: Any, pilot: dict[str, Any]) -> str:
    return str(http.post(ORDERS, json=pilot).json()["id"])


def test_a_waiting_request_is_answered_by_the_first_event(
    http: Any, twin: Any, order_id: str
) -> None:
    event = {"sequence": 7, "eventType": "ResourceOrderStateChangeEvent", "event": {}}
    timer = threading.Timer(0.3, lambda: twin.events.append(event))
    started = monotonic()
    timer.start()
    answer = http.get(f"/rom/v1/orders/{order_id}/events", params={"after": 6, "wait": 20})
    assert answer.json() == [event]
    assert monotonic() - started < 10


def test_events_already_seen_do_not_come_again(http: Any, twin: Any, order_id: str) -> None:
    twin.events = [{"sequence": 1}, {"sequence": 2}]
    path = f"/rom/v1/orders/{order_id}/events"
    assert http.get(path, params={"after": 1}).json() == [{"sequence": 2}]
    assert http.get(path, params={"after": 2}).json() == []


def test_a_stopping_server_answers_waiting_requests_at_once(http: Any, order_id: str) -> None:
    http.app.state.live.close()
    started = monotonic()
    assert http.get(f"/rom/v1/orders/{order_id}/events", params={"wait": 25}).json() == []
    assert monotonic() - started < 5


@pytest.mark.parametrize("wait", ["26", "-1", "soon"])
def test_nobody_waits_longer_than_proxies_do(http: Any, order_id: str, wait: str) -> None:
    answer = http.get(f"/rom/v1/orders/{order_id}/events", params={"wait": wait})
    assert answer.status_code == 400
    assert answer.json()["reason"].startswith("wait:")


def test_a_report_and_both_site_operations_answer_as_the_engine_does(
    http: Any, twin: Any, finished_report: dict[str, Any]
) -> None:
    twin.reports["RO-1"] = finished_report
    assert http.get("/rom/v1/orders/RO-1/report").json() == finished_report
    again = http.post("/rom/v1/sites/ENT-1102-MELB/reapply").json()
    assert again["devices"][0]["edits"] == 0
    preview = http.get("/rom/v1/sites/ENT-1102-MELB/rollbackPreview").json()
    assert preview["releases"][0]["value"] == "2108"


def test_readiness_follows_the_engine_and_says_why_not(http: Any, twin: Any) -> None:
    assert http.get("/readyz").status_code == 200
    twin.trouble = ["no worker runs"]
    answer = http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["problems"] == ["no worker runs"]
    assert http.get("/healthz").status_code == 200


def test_metrics_count_requests_by_route(http: Any, order_id: str) -> None:
    http.get(f"{ORDERS}/{order_id}")
    text = http.get("/metrics").text
    route = f"{ORDERS}/{{order_id}}"
    assert f'rom_http_requests_total{{method="GET",route="{route}",status="200"}}' in text
    assert f'rom_http_request_seconds_count{{method="GET",route="{route}"}}' in text
    assert order_id not in text


def test_metrics_show_what_the_engine_counts(http: Any, twin: Any) -> None:
    twin.counts = {
        "rom_items": {("measuring", "inProgress"): 2},
        "rom_changes_waiting": {("BNG-MEL-01",): 3},
    }
    text = http.get("/metrics").text
    assert 'rom_items{state="inProgress",step="measuring"} 2.0' in text
    assert 'rom_changes_waiting{device="BNG-MEL-01"} 3.0' in text


def test_a_ztp_token_is_served_and_never_measured_or_logged(
    http: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    assert http.get("/ztp/v1/known/ztp.py").content == b"print('day 0')\n"
    assert http.get("/ztp/v1/other-token/ztp.py").status_code == 403
    text = http.get("/metrics").text
    assert "/ztp/v1/{token}/ztp.py" in text
    assert "other-token" not in text
    out, err = capfd.readouterr()
    assert "other-token" not in out + err
