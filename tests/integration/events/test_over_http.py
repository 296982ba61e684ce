"""Hubs, dead letters and the live stream over HTTP, with two whole gateways on one database."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import structlog
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from api.cli import app as commands
from api.live import RedisLive, live_events
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store.tables import order_item, resource_order
from tests.integration.events.replica import SECONDS, STREAM, Followed, Replica
from tests.valkey import running_valkey

ORDERING = "/tmf-api/resourceOrdering/v4/hub"
ALIAS = "/tmf-api/resourceOrderingManagement/v4/hub"
INVENTORY = "/tmf-api/resourceInventoryManagement/v4/hub"


@pytest.fixture
def redis_url() -> Iterator[str]:
    with running_valkey() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture
def replicas(
    engine: sa.Engine, events_database: str, redis_url: str, tmp_path: Path
) -> Iterator[tuple[Replica, Replica]]:
    settings = Settings(
        data_dir=tmp_path,
        database_url=SecretStr(events_database),
        master_key=SecretStr("k" * 40),
        callback_allow="127.0.0.0/8",
        callback_http=True,
        event_backoff_seconds=0.1,
        event_give_up_attempts=1,
    )
    with ExitStack() as stack:
        made = []
        for _ in range(2):
            gateway = stack.enter_context(open_gateway(settings))
            gateway.start()
            made.append(
                stack.enter_context(Replica(settings, gateway, live_events(redis_url)).running())
            )
        yield made[0], made[1]


@pytest.fixture
def client(replicas: tuple[Replica, Replica]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=replicas[0].url, trust_env=False, timeout=SECONDS) as made:
        yield made


def test_one_life_of_listeners_and_dead_letters(
    client: httpx.Client, receiver: Any, tell: Any
) -> None:
    found = receiver()
    # A hub serves one API under all its base paths.
    made = client.post(ORDERING, json={"callback": found.callback, "secret": "s" * 20})
    assert made.status_code == 201
    listener = made.json()
    assert listener == {"id": listener["id"], "callback": found.callback, "query": ""}
    assert made.headers["Location"].endswith(f"{ORDERING}/{listener['id']}")
    again = client.post(ALIAS, json={"callback": found.callback})
    assert again.status_code == 409
    assert listener["id"] in again.json()["reason"]
    other = client.post(ALIAS, json={"callback": found.callback, "query": "priority=1"})
    assert other.status_code == 201
    tell("RO-1", 0, 1)
    found.wait(lambda found: len(found.taken) == 3)
    shown = client.get(f"/rom/v1/hub/{listener['id']}").json()
    assert shown["api"] == "tmf652"
    assert shown["signed"] is True
    assert "s" * 20 not in str(shown)
    assert len(client.get("/rom/v1/hub").json()) == 2
    # Only its own hub, or the NOC's, knows it.
    assert client.delete(f"{INVENTORY}/{listener['id']}").status_code == 404
    assert client.delete(f"/rom/v1/hub/{other.json()['id']}").status_code == 204

    found.answer = 500
    tell("RO-2", 0)
    letters = poll(client, "/rom/v1/deadLetters")
    assert letters[0]["order"] == "RO-2"
    counted = client.get("/metrics").text
    assert 'rom_event_deliveries{api="tmf652",state="dead"} 1.0' in counted
    letter = client.get(f"/rom/v1/deadLetters/{letters[0]['id']}").json()
    assert letter["notification"]["eventId"] == "RO-2/0"
    assert client.get("/rom/v1/deadLetters/99").status_code == 404
    assert client.get("/rom/v1/deadLetters?listener=none").json() == []
    replay = "/rom/v1/deadLetters/replay"
    assert client.post(replay, json={}).status_code == 400
    assert client.post(replay, json={"order": "RO-1"}).status_code == 404
    found.answer = 200
    assert client.post(replay, json={"listener": listener["id"]}).json() == {"replayed": 1}
    found.wait(lambda found: len(found.taken) == 4)

    assert client.delete(f"{ALIAS}/{listener['id']}").status_code == 204
    gone = client.delete(f"{ORDERING}/{listener['id']}")
    assert gone.status_code == 404
    assert gone.json()["code"] == "notFound"
    refused = {
        "callback": {"callback": "http://10.0.0.1/"},
        "query": {"callback": found.callback, "query": "eventType=Nothing"},
        "secret": {"callback": found.callback, "secret": "short"},
        "colour": {"callback": found.callback, "colour": "red"},
    }
    for field, body in refused.items():
        answer = client.post(ORDERING, json=body)
        assert answer.status_code == 400
        assert answer.json()["reason"].startswith(f"{field}: ")


@pytest.fixture
def no_logs() -> Iterator[None]:
    """Keep the gateway's logs out of the output of commands run in the same process."""
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    yield
    structlog.reset_defaults()


@pytest.mark.usefixtures("no_logs")
def test_rom_events_shows_listeners_and_sends_dead_letters_again(
    replicas: tuple[Replica, Replica], client: httpx.Client, receiver: Any, tell: Any
) -> None:
    def rom_events(*words: str) -> Result:
        arguments = ["events", *words, "--url", replicas[0].url]
        return CliRunner().invoke(commands, arguments, env={"COLUMNS": "250"})

    found = receiver(500)
    listener = client.post(ORDERING, json={"callback": found.callback}).json()["id"]
    tell("RO-1", 0)
    tell("RO-2", 0)
    poll(client, "/rom/v1/deadLetters?order=RO-1")
    letters = poll(client, "/rom/v1/deadLetters?order=RO-2")

    listed = rom_events("listeners")
    assert listed.exit_code == 0
    for text in (listener, found.callback, "tmf652"):
        assert text in listed.output
    (row,) = json.loads(rom_events("listeners", "--json").output)
    assert (row["id"], row["delivery"]["deadLetters"]) == (listener, 2)

    dead = rom_events("dead-letters", "--order", "RO-2")
    assert dead.exit_code == 0
    assert "RO-2" in dead.output
    assert "RO-1" not in dead.output
    assert json.loads(rom_events("dead-letters", "--json", "--limit", "1").output)
    assert json.loads(rom_events("dead-letters", "--json", "--listener", "none").output) == []

    for wrong in ((), ("--all", "--order", "RO-1"), ("99",), ("--order", "RO-3")):
        assert rom_events("replay", *wrong).exit_code == 2
    found.answer = 200
    again = rom_events("replay", str(letters[0]["id"]))
    assert (again.exit_code, again.output) == (0, "1 sent again\n")
    found.wait(lambda found: found.events == [("RO-2", 0)])
    assert rom_events("replay", "--all").output == "1 sent again\n"
    found.wait(lambda found: found.events == [("RO-2", 0), ("RO-1", 0)])
    assert rom_events("replay", "--all").exit_code == 2  # nothing is left


def test_the_live_stream_of_one_replica_shows_the_events_of_all_and_resumes(
    replicas: tuple[Replica, Replica], engine: sa.Engine, tell: Any
) -> None:
    here, there = replicas
    assert isinstance(there.live, RedisLive)
    with engine.begin() as connection:
        give_items(connection, "RO-1", {"1": "SYD1", "2": "MELB"})
    with (
        Followed(here.url) as all_here,
        Followed(there.url) as all_there,
        Followed(there.url, "?order=RO-2") as of_order,
        Followed(here.url, "?site=SYD1") as of_site,
        Followed(here.url, "?eventType=ResourceOrderCreateEvent") as of_type,
    ):
        tell("RO-1", 0)
        tell("RO-2", 0, eventType="ResourceOrderCreateEvent")
        for item in ("2", "1"):
            tell("RO-1", 1, **item_event(item))
        seen = all_here.read(4)
        assert seen == all_there.read(4)
        assert [event["correlationId"] for _, _, event in seen] == ["RO-1", "RO-2", "RO-1", "RO-1"]
        assert seen[0][1] == "ResourceOrderStateChangeEvent"
        assert of_order.read(1)[0] == of_type.read(1)[0] == seen[1]
        assert of_site.read(2) == [seen[0], seen[3]]
    # What happened while nobody followed is made good, at whichever replica.
    tell("RO-3", 0)
    with Followed(there.url, last=seen[2][0]) as resumed:
        assert [event["correlationId"] for _, _, event in resumed.read(2)] == ["RO-1", "RO-3"]
    with Followed(here.url, "?after=0") as everything:
        assert len(everything.read(5)) == 5
    for query in ("?eventType=Nothing", "?after=x", "?colour=red"):
        assert httpx.get(f"{here.url}{STREAM}{query}", trust_env=False).status_code == 400


def item_event(item: str) -> dict[str, Any]:
    return {
        "eventType": "ResourceOrderItemStateChangeEvent",
        "event": {"resourceOrder": {"id": "RO-1"}, "resourceOrderItem": {"id": item}},
    }


def give_items(connection: sa.Connection, order: str, sites: dict[str, str]) -> None:
    connection.execute(
        sa.insert(resource_order).values(
            id=order, document={}, state="inProgress", customer="c", requester="r"
        )
    )
    for position, (item, site) in enumerate(sites.items()):
        connection.execute(
            sa.insert(order_item).values(
                order_id=order, item_id=item, position=position, action="add",
                specification="s", version="1", key="k", site=site, characteristics={},
                depends_on=[], state="completed", step="done",
            )
        )  # fmt: skip


def poll(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found: list[dict[str, Any]] = client.get(path).json()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(path)
