"""What the northbound costs: against a bare application, and with 100,000 orders there are."""

import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
import yaml
from fastapi import FastAPI, Request
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool
from pydantic import SecretStr

from api.app import create_app
from api.serving.claim import listen
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store.database import make_engine, plain_url

pytestmark = pytest.mark.benchmark

PROJECT = Path(__file__).parents[2]
EXAMPLES = PROJECT / "api" / "examples"
INVENTORY = PROJECT / "inventory" / "examples" / "enterprise-fibre.yaml"
ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
POSTS, GETS, MANY, TURNS = 150, 300, 100_000, 15


def bare_app(url: str) -> FastAPI:
    """The least that takes and keeps an order: no checks, one insert."""
    pool = ConnectionPool(plain_url(url), min_size=4, open=True)
    app = FastAPI()

    @app.post("/orders", status_code=201)
    def create(body: dict[str, Any]) -> dict[str, Any]:
        with pool.connection() as connection:
            query = "INSERT INTO bare (document) VALUES (%s) RETURNING id"
            row = connection.execute(query, [Jsonb(body)]).fetchone()
        assert row is not None
        return body | {"id": str(row[0])}

    @app.get("/orders/{number}")
    def read(number: int, _: Request) -> Any:
        with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute("SELECT document FROM bare WHERE id = %s", [number]).fetchone()
        assert row is not None
        return row["document"]

    app.state.pool = pool
    return app


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    listening = listen("127.0.0.1", 0)
    config = uvicorn.Config(app, log_config=None, lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    port = listening.getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
        yield client
    server.should_exit = True
    thread.join()
    listening.close()


def milliseconds(action: Callable[[int], None], times: int) -> list[float]:
    found = []
    for number in range(times):
        began = time.perf_counter()
        action(number)
        found.append(1000 * (time.perf_counter() - began))
    return sorted(found)


def shown(name: str, found: list[float]) -> str:
    return f"{name}: p50 {statistics.median(found):.1f} ms, p95 {found[int(len(found) * 0.95)]:.1f}"


def many_sites() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(INVENTORY.read_text())
    pilot = next(site for site in document["sites"] if site["key"] == "ENT-1102-MELB")
    document["sites"] += [pilot | {"key": f"BENCH-{n:04}"} for n in range(POSTS)]
    return document


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    file = tmp_path / "inventory.yaml"
    file.write_text(yaml.safe_dump(many_sites()))
    return Settings(
        data_dir=tmp_path,
        database_url=SecretStr(database_url),
        inventory_file=file,
    )


def test_taking_and_reading_an_order_against_a_bare_application(
    database_url: str, settings: Settings, report: Callable[[str], None]
) -> None:
    pilot = (EXAMPLES / "so-pilot-melbourne.json").read_text()
    ids: list[str] = []
    with open_gateway(settings) as gateway:
        engine = make_engine(database_url)
        with engine.begin() as connection:
            table = "CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY, document jsonb)"
            connection.execute(sa.text(table))
            connection.execute(sa.text("CREATE UNIQUE INDEX ON bare (id)"))
        bare = bare_app(database_url)
        with served(create_app(gateway, settings)) as own, served(bare) as least:

            def post_own(number: int) -> None:
                text = pilot.replace("ENT-1102-MELB", f"BENCH-{number:04}")
                answer = own.post(ORDERS, json=json.loads(text))
                assert answer.status_code == 201, answer.text
                ids.append(answer.json()["id"])

            def post_least(_: int) -> None:
                assert least.post("/orders", json=json.loads(pilot)).status_code == 201

            def get_own(number: int) -> None:
                assert own.get(f"{ORDERS}/{ids[number % len(ids)]}").status_code == 200

            def get_least(number: int) -> None:
                assert least.get(f"/orders/{number % POSTS + 1}").status_code == 200

            posts = milliseconds(post_least, POSTS), milliseconds(post_own, POSTS)
            gets = milliseconds(get_least, GETS), milliseconds(get_own, GETS)
        bare.state.pool.close()
        engine.dispose()
    for name, (plain, ours) in (("POST", posts), ("GET", gets)):
        ratio = statistics.median(ours) / statistics.median(plain)
        report(f"{name} bare {shown('', plain)}; gateway {shown('', ours)}; ratio {ratio:.1f}")
    assert len(set(ids)) == POSTS


def test_lists_of_a_hundred_thousand_orders(
    database_url: str, settings: Settings, report: Callable[[str], None]
) -> None:
    document = json.loads((EXAMPLES / "so-pilot-melbourne.json").read_text())
    queries = {
        "first page": "limit=50",
        "deep page": "limit=50&offset=90000",
        "state, few": "state=held&limit=50",
        "state, most": "state=completed&limit=50",
        "state and date": "state=completed&orderDate.gte=2026-03-01&orderDate.lt=2026-03-02",
        "relatedParty.id": "relatedParty.id=customer-77&limit=50",
        "externalReference.name": "externalReference.name=PO-4711&limit=50",
        "item state": "orderItem.state=held&limit=50",
        "site": "orderItem.resource.place.id=BENCH-0042&limit=50",
        "party and role": "relatedParty.id=customer-77&relatedParty.role=customer&limit=50",
        "regex on name": "name*=^Rollout 77.$&limit=50",
        "sorted by name": "sort=name&limit=50",
    }
    with open_gateway(settings) as gateway:
        engine = make_engine(database_url)
        with engine.begin() as connection:
            fill(connection, document)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("VACUUM ANALYZE resource_order"))
            connection.execute(sa.text("VACUUM ANALYZE order_item"))
        engine.dispose()
        with served(create_app(gateway, settings)) as http:
            for name, query in queries.items():
                totals = set()

                def ask(_: int, query: str = query, totals: set[str] = totals) -> None:
                    answer = http.get(f"{ORDERS}?{query}")
                    assert answer.status_code in {200, 206}, answer.text
                    totals.add(answer.headers["X-Total-Count"])

                found = milliseconds(ask, TURNS)
                report(f"{MANY} orders, {shown(name, found)} ({totals.pop()} match)")
                assert totals == set()
                assert statistics.median(found) < 5000


def fill(connection: sa.Connection, document: dict[str, Any]) -> None:
    """Insert many orders of one item: four in five completed, one in a thousand held."""
    document = document | {"orderItem": document["orderItem"][:1]}
    values = {"document": json.dumps(document), "many": MANY}
    connection.execute(
        sa.text(
            "INSERT INTO resource_order (id, document, state, customer, requester, created_at) "
            "SELECT 'RO-' || n, CAST(:document AS jsonb) || jsonb_build_object("
            " 'name', 'Rollout ' || n,"
            " 'externalReference', jsonb_build_array(jsonb_build_object('name', 'PO-' || n / 5)),"
            " 'relatedParty', jsonb_build_array(jsonb_build_object("
            "  'id', 'customer-' || n % 1000, 'role', 'customer'))),"
            " CASE WHEN n % 1000 = 0 THEN 'held' WHEN n % 5 = 0 THEN 'acknowledged'"
            "  ELSE 'completed' END, 'C', 'SOM',"
            " timestamptz '2026-01-01' + n * interval '2 minutes'"
            " FROM generate_series(1, :many) n"
        ),
        values,
    )
    connection.execute(
        sa.text(
            "INSERT INTO order_item (order_id, item_id, position, action, specification, version,"
            " key, site, characteristics, depends_on, state, step) "
            "SELECT o.id, o.document #>> '{orderItem,0,id}', 0, 'add', 'RFS:GPON-Bearer', '1.0',"
            " 'bearer', 'BENCH-' || lpad((substr(o.id, 4)::int % 150)::text, 4, '0'),"
            " jsonb_build_object('bearerSpeed', '1G', 'oltArea', 'X'),"
            " '{}', o.state, 'done' FROM resource_order o"
        )
    )
