"""The gateway while its database does not answer, has no room, or ends one of two transactions."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
import yaml
from fastapi.testclient import TestClient

from rom.gateway.gateway import Gateway
from rom.store.database import make_engine
from rom.store.embedded import EmbeddedPostgres
from tests.integration.northbound.conftest import INVENTORY, client_of, gateway_on

ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
LOAD = "/rom/v1/inventory"
FILE = yaml.safe_load(INVENTORY.read_text())


def until(found: Callable[[], Any], seconds: float = 40) -> Any:
    """Return the first truthy answer; the gateway's own threads tell nobody when they are back."""
    end = monotonic() + seconds
    while not (answer := found()):
        assert monotonic() < end
        sleep(0.05)
    return answer


@contextmanager
def gateway_with(server: EmbeddedPostgres, place: Path) -> Iterator[tuple[Gateway, TestClient]]:
    with gateway_on(server.url, place) as gateway, client_of(gateway) as client:
        yield gateway, client


def check_away(answer: Any, told: str) -> None:
    assert answer.status_code == 503, (answer.request.url, answer.text)
    assert int(answer.headers["Retry-After"]) > 0
    assert told in answer.json()["reason"]


def requests_of(client: TestClient) -> Iterator[tuple[str, str]]:
    """Every operation but those that ask no database, with something for each parameter."""
    quiet = {"/healthz", "/readyz", "/metrics", "/openapi.json"}
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method in operations:
            if path not in quiet and "stream" not in path:
                yield method.upper(), path.replace("{", "").replace("}", "")


def test_everything_is_answered_503_until_the_database_is_back_and_workers_go_on(
    scratch_root: Path,
    tmp_path: Path,
    order: Any,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = scratch_root / uuid4().hex[:8]
    with (
        EmbeddedPostgres(place, durable=False) as server,
        gateway_with(server, tmp_path) as (gateway, client),
    ):
        gateway.start()
        until(lambda: client.get("/readyz").status_code == 200)
        asked = list(requests_of(client))
        assert len(asked) > 40
        server.stop()
        unasked = 0
        for method, path in asked:
            answer = client.request(method, path, headers={"If-Match": "*"})
            known_without_asking = (400, 404, 415)  # what is no identifier at all, or no body
            told = (method, path, answer.text)
            assert answer.status_code in (*known_without_asking, 503), told
            unasked += answer.status_code != 503
        assert unasked < len(asked) / 2
        body = order()
        for answer in (
            client.post(ORDERS, json=body),
            client.get(f"{ORDERS}/RO-1"),
            client.get(ORDERS),
            client.get("/rom/v1/devices"),
            client.post(LOAD, json=FILE),
        ):
            check_away(answer, "does not answer")
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert any("database does not answer" in each for each in ready.json()["problems"])
        assert client.get("/healthz").status_code == 200
        assert client.get("/metrics").status_code == 200
        said = capfd.readouterr()
        assert "Traceback" not in said.out + said.err + caplog.text
        server.start()
        until(lambda: client.get("/readyz").status_code == 200)
        taken = client.post(ORDERS, json=body)
        assert taken.status_code == 201, taken.text
        until(
            lambda: client.get(f"{ORDERS}/{taken.json()['id']}").json()["state"] != "acknowledged"
        )


@contextmanager
def small_disk(place: Path) -> Iterator[None]:
    """Put a file system of its own at ``place``."""
    place.mkdir(mode=0o711)
    options = ["-t", "tmpfs", "-o", "size=160m,mode=711", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(["mount", *options], check=False).returncode:  # noqa: S603, S607
        pytest.skip("only root may mount a small file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)  # noqa: S603, S607


def fill(place: Path) -> Path:
    """Leave not one page free."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with suppress(OSError):
                while file.write(b"x" * size):
                    continue
    return ballast


def large() -> dict[str, str]:
    """A patch that makes a large event, which cannot be compressed."""
    return {"description": "".join(uuid4().hex for _ in range(200))}


def test_orders_for_which_the_disk_has_no_room_are_answered_503_and_none_that_was_taken_is_lost(
    scratch_root: Path, tmp_path: Path, order: Any
) -> None:
    place = scratch_root / uuid4().hex[:8]
    with (
        small_disk(place),
        EmbeddedPostgres(place, durable=False) as server,
        gateway_with(server, tmp_path) as (gateway, client),
    ):
        ready = gateway.problems
        assert ready() == ["worker is not running"]
        taken = [client.post(ORDERS, json=order()).json()["id"]]
        told = client.patch(f"{ORDERS}/{taken[0]}", json=large()).json()["description"]
        ballast = fill(place)
        while (answer := client.patch(f"{ORDERS}/{taken[0]}", json=large())).status_code == 200:
            told = answer.json()["description"]  # as long as pages of before have room
        check_away(answer, "no room")
        assert "database has no room left: its disk is full" in ready()
        check_away(client.post(ORDERS, json=order("so-wave1-sydney-1", **large())), "no room")
        ballast.unlink()
        until(lambda: ready() == ["worker is not running"])
        taken.append(client.post(ORDERS, json=order("so-wave1-sydney-1", **large())).json()["id"])
        assert client.get(f"{ORDERS}/{taken[0]}").json()["description"] == told
        for order_id in taken:
            assert client.get(f"{ORDERS}/{order_id}").status_code == 200


def test_a_load_that_crosses_what_reserves_beside_it_is_done_again(
    alone: TestClient, database_url: str
) -> None:
    """A modify locks one pool after the other as its items ask, a load all of them in order."""
    engine = make_engine(database_url)
    pool = sa.text("SELECT id FROM pool WHERE id = :id FOR NO KEY UPDATE")
    answers: list[Any] = []
    with engine.connect() as other:
        first, *_, last = other.execute(sa.text("SELECT id FROM pool ORDER BY id")).scalars()
        other.rollback()
        other.execute(pool, {"id": last})
        load = Thread(target=lambda: answers.append(alone.post(LOAD, json=FILE)))
        load.start()
        with engine.connect() as watcher:
            until(lambda: _waits(watcher))
        other.execute(pool, {"id": first})  # each waits for the other now: the database ends one
        other.commit()
        load.join()
    engine.dispose()
    assert answers[0].status_code == 200, answers[0].text


def _waits(connection: sa.Connection) -> bool:
    waiting = connection.scalar(
        sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'"
        )
    )
    connection.rollback()
    return bool(waiting)
