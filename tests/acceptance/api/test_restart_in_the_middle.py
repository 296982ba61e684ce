"""A gateway stopped while an order waits for its router finishes it after the next start."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

import mock_devices
from api.serving.scratch import gateway_process

SHIPPED = Path(mock_devices.__file__).parent / "topologies" / "enterprise-fibre"
ROUTER = "FDO2340567"
pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def slow_delivery(tmp_path: Path) -> Path:
    """The shipped topology with a carrier that takes a day, so that only we switch a router on."""
    place = tmp_path / SHIPPED.name
    shutil.copytree(SHIPPED, place)
    file = place / "topology.yaml"
    text = file.read_text()
    assert "delivery_seconds: 4.0" in text
    file.write_text(text.replace("delivery_seconds: 4.0", "delivery_seconds: 86400"))
    return file


def item_states(order: dict[str, Any]) -> dict[str, str]:
    return {item["id"]: item["state"] for item in order["orderItem"]}


def waits_for_its_router(order: dict[str, Any]) -> bool:
    states = item_states(order)
    reached = {states.pop(name) for name in ("ROI-001", "ROI-002", "ROI-003", "ROI-004")}
    return reached == {"completed"} and states["ROI-006"] == "pending"


def switch_on(data_dir: Path) -> None:
    lab = json.loads((data_dir / "lab" / "ready.json").read_text())
    answer = httpx.post(
        f"{lab['control']}/ce/{ROUTER}/boot",
        headers={"Authorization": f"Bearer {lab['token']}"},
        trust_env=False,
    )
    assert answer.status_code == 202


def test_an_order_waiting_for_its_router_is_finished_by_the_next_server(
    make_data_dir: Callable[[], Path],
    som_at: Callable[[str], Any],
    slow_delivery: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROM_TWAMP_INTERVAL", "0.0001")
    data_dir = make_data_dir()
    with gateway_process(data_dir, str(slow_delivery)) as url:
        som = som_at(url)
        order_id = som.order("so-pilot-melbourne.json")
        before = som.follow(order_id, waits_for_its_router)
        sent = len(som.read(f"/rom/v1/orders/{order_id}/report")["transactions"])
    # The address is part of what the router was told to fetch, so it stays the same.
    port = urlsplit(url).port
    assert port is not None
    with gateway_process(data_dir, str(slow_delivery), port) as url:
        som = som_at(url)
        assert item_states(som.read(f"{urlsplit(before['href']).path}")) == item_states(before)
        switch_on(data_dir)
        report = som.completed(order_id)
    assert report["order"]["state"] == "completed"
    assert len(report["transactions"]) > sent
    again = [row for row in report["transactions"][sent:] if row["role"] in {"access", "radius"}]
    assert again == []
