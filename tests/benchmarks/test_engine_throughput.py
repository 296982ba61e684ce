"""Orders over HTTP until all their resources are reserved: the database's part, no device's."""

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from pydantic import SecretStr

from api.app import create_app
from rom.catalog.loader import load_catalog
from rom.catalog.site_view import load_view
from rom.devices.directory import DeviceDirectory
from rom.fulfilment.site import SiteHandler
from rom.fulfilment.transitions import Transitions
from rom.gateway.gateway import Gateway
from rom.orders.documents import OrderDocuments
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store.database import make_engine
from rom.store.tables import order_item
from rom.undo.compensation import Compensation
from rom.vault.vault import Vault

ORDERS, THREADS = 200, 6
COLLECTION = "/tmf-api/resourceOrdering/v4/resourceOrder"
PROJECT = Path(__file__).parents[2]

pytestmark = pytest.mark.benchmark


def site_name(number: int) -> str:
    return f"ENT-1102-B{number:03}"


def large_inventory() -> dict[str, Any]:
    """The example's network with room for hundreds of sites behind its OLT."""
    text = (PROJECT / "inventory" / "examples" / "enterprise-fibre.yaml").read_text()
    document: dict[str, Any] = yaml.safe_load(text)
    numbers = range(ORDERS)
    document["sites"] = [
        {"key": site_name(n), "name": site_name(n), "customer": "CUST-ENT-1102",
         "timezone": "Australia/Melbourne", "place": {"city": "Melbourne", "country": "AU"}}
        for n in numbers
    ]  # fmt: skip
    room: dict[str, dict[str, Any]] = {
        "OLT-SOUTH-03 2/{port} upstream": {"capacity": "1000G", "used": []},
        "OLT-SOUTH-03 2/8 upstream": {"capacity": "1000G", "used": []},
        "SOUTH-03 ONTs": {
            "items": [
                {"value": "{serial}", "attributes": {"serial": f"ALCL{0xA0000000 + n:08X}"}}
                for n in numbers
            ]
        },
        "{l2_domain} committed rate": {"capacity": "1000G"},
        "BNG-MEL-01 1/1/c1/1 enterprise VLANs": {"values": "2100-2999"},
        "SOUTH-ENT IPv4 links": {"prefix": "10.120.0.0/20"},
        "SOUTH-ENT IPv6 links": {"prefix": "2001:db8:9000::/54", "used": []},
        "SOUTH-ENT delegated": {"prefix": "2001:db8:b00::/40", "split": 48},
        "ENT-1102 LANs": {"prefix": "172.24.0.0/16", "split": 24},
        "CE loopbacks": {"prefix": "10.111.0.0/23"},
        "ISR-4431 stock": {
            "items": [
                {"value": "{model} S/N {serial}", "attributes": {"serial": f"FDO9{n:06}"}}
                for n in numbers
            ]
        },
    }
    for pool in document["pools"]:
        pool.pop("earmarks", None)
        for item in pool.get("items", []):
            item.pop("earmark", None)
        pool.update(room.get(pool["name"], {}))
    return document


def test_orders_are_taken_and_reserved_at_a_steady_rate(
    database_url: str, tmp_path: Path, report: Callable[[str], None]
) -> None:
    file = tmp_path / "inventory.yaml"
    file.write_text(yaml.safe_dump(large_inventory()))
    settings = Settings(
        data_dir=tmp_path,
        database_url=SecretStr(database_url),
        master_key=SecretStr("k" * 40),
        inventory_file=file,
    )
    pilot = (PROJECT / "api" / "examples" / "so-pilot-melbourne.json").read_text()
    items = len(json.loads(pilot)["orderItem"])
    engine = make_engine(database_url)
    catalog = load_catalog(None)
    documents = OrderDocuments(catalog, settings.base_url)
    devices = DeviceDirectory(engine, None, None)  # type: ignore[arg-type]  # reserving asks no device
    vault = Vault(engine, SecretStr("k" * 40), settings.base_url)
    handler = SiteHandler(
        Transitions(documents), devices, Compensation(devices, vault, catalog), 15
    )

    def reserve(number: int) -> None:
        with engine.begin() as connection:
            view = load_view(connection, catalog, site_name(number), "http://127.0.0.1/ztp.py")
            assert handler.advance(connection, view, lambda _: None)

    async def post_all(gateway: Gateway) -> None:
        transport = httpx.ASGITransport(create_app(gateway, settings))
        async with httpx.AsyncClient(transport=transport, base_url=settings.base_url) as client:
            for number in range(ORDERS):
                body = json.loads(pilot.replace("ENT-1102-MELB", site_name(number)))
                answer = await client.post(COLLECTION, json=body)
                assert answer.status_code == 201, answer.text

    with open_gateway(settings) as gateway:
        began = time.perf_counter()
        asyncio.run(post_all(gateway))
        taken = time.perf_counter() - began

        half = ORDERS // 2
        began = time.perf_counter()
        for number in range(half):
            reserve(number)
        alone = (time.perf_counter() - began) / half
        began = time.perf_counter()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(reserve, range(half, ORDERS)))
        together = (time.perf_counter() - began) / half

    with engine.connect() as connection:
        steps = connection.scalars(order_item.select().with_only_columns(order_item.c.step)).all()
    engine.dispose()
    each = taken / ORDERS
    report(
        f"{ORDERS} orders of one site and {items} items: POST {1000 * each:.0f} ms an order "
        f"({1 / each:.0f}/s); reserving {1000 * alone:.0f} ms one after the other, "
        f"{1000 * together:.0f} ms on {THREADS} threads; POST to reserved "
        f"{1 / (each + together):.1f} orders/s, {1000 * (each + together) / items:.1f} ms an item; "
        f"one thread / {THREADS} threads = {alone / together:.1f}"
    )
    assert steps == ["reserved"] * (ORDERS * items)
