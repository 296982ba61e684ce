"""The gateway's devices as Nornir's hosts, asked for over HTTP."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import entry_points
from typing import Any

import pytest
from nornir import InitNornir
from nornir.core import Nornir
from nornir.core.filter import F

from adapters.errors import AuthenticationFailed, ProtocolError, Unreachable
from adapters.nornir.connection import SessionPlugin
from adapters.nornir.inventory import GatewayInventory

TOKEN = "rom_0123456789"
PASSWORD = "engineers-Own-1"


def device(name: str, role: str, profile: str | None, **more: Any) -> dict[str, Any]:
    endpoint = {"host": f"{name.lower()}.example", "port": 830, "hostKey": "ssh-ed25519 AAAA",
                "options": {}}  # fmt: skip
    return {"device": name, "role": role, "profile": profile, "sites": [], "waiting": 0,
            "lastTransaction": None, "attributes": {}, "endpoint": endpoint, **more}  # fmt: skip


DEVICES = [
    device("OLT-1", "access", "bbf-olt", attributes={"area": "SOUTH"}, sites=["ENT-1"]),
    device("OLT-2", "access", "bbf-olt", attributes={"area": "NORTH"}),
    device("EAS-1", "access", "ios-switch", attributes={"exchange": "CBD"}),
    device("BNG-1", "bng", "sros-bng", attributes={"area": ["NORTH", "SOUTH"]}),
    device("PLANNED", "bng", "sros-bng", endpoint=None),
    device("FDO1", "ce", None, endpoint=None),
]


@dataclass
class FakeGateway:
    """Answers what it was told to and keeps what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = field(default_factory=lambda: json.dumps(DEVICES).encode())
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def answering(gateway: FakeGateway) -> Iterator[FakeGateway]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            gateway.asked.append((self.path, self.headers["Authorization"]))
            self.send_response(gateway.status)
            self.send_header("Content-Length", str(len(gateway.body)))
            self.end_headers()
            self.wfile.write(gateway.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        gateway.url = f"http://127.0.0.1:{server.server_port}"
        yield gateway
        server.shutdown()
        thread.join()


@pytest.fixture
def gateway() -> Iterator[FakeGateway]:
    with answering(FakeGateway()) as made:
        yield made


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROM_TOKEN", TOKEN)
    monkeypatch.setenv("ROM_DEVICE_PASSWORD", PASSWORD)


def nornir(gateway: FakeGateway, **options: Any) -> Nornir:
    return InitNornir(
        inventory={"plugin": "rom_gateway", "options": {"url": gateway.url, **options}},
        logging={"enabled": False},
    )


def test_nornir_finds_both_plugins_by_their_names() -> None:
    found = {
        point.name: point.load()
        for group in ("inventory", "connections")
        for point in entry_points(group=f"nornir.plugins.{group}")
        if point.name.startswith("rom_")
    }
    assert found == {"rom_gateway": GatewayInventory, "rom_session": SessionPlugin}


def test_devices_with_an_address_are_hosts_and_routers_of_sites_are_not(
    gateway: FakeGateway,
) -> None:
    hosts = nornir(gateway).inventory.hosts
    assert sorted(hosts) == ["BNG-1", "EAS-1", "OLT-1", "OLT-2"]
    olt = hosts["OLT-1"]
    assert (olt.hostname, olt.port, olt.platform) == ("olt-1.example", 830, "bbf-olt")
    assert (olt["role"], olt["areas"], olt["sites"]) == ("access", ["SOUTH"], ["ENT-1"])
    assert gateway.asked == [("/rom/v1/devices", f"Bearer {TOKEN}")]


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        (F(groups__contains="role__access"), ["EAS-1", "OLT-1", "OLT-2"]),
        (F(groups__contains="platform__bbf-olt"), ["OLT-1", "OLT-2"]),
        (F(groups__contains="area__SOUTH"), ["BNG-1", "OLT-1"]),
        (F(has_parent_group="area__NORTH") & F(role="bng"), ["BNG-1"]),
        (F(sites__contains="ENT-1"), ["OLT-1"]),
        (~F(groups__any=["area__NORTH", "area__SOUTH"]), ["EAS-1"]),
    ],
)
def test_hosts_are_chosen_by_role_platform_area_and_site(
    gateway: FakeGateway, chosen: F, names: list[str]
) -> None:
    assert sorted(nornir(gateway).filter(chosen).inventory.hosts) == names


def test_hosts_are_chosen_by_plain_words_too(gateway: FakeGateway) -> None:
    found = nornir(gateway).filter(role="access", platform="ios-switch")
    assert list(found.inventory.hosts) == ["EAS-1"]


def test_another_attribute_may_name_the_area(gateway: FakeGateway) -> None:
    found = nornir(gateway, area_attribute="exchange")
    assert sorted(name for name in found.inventory.groups if name.startswith("area")) == [
        "area__CBD"
    ]


def test_a_printed_inventory_shows_neither_token_nor_password(gateway: FakeGateway) -> None:
    found = nornir(gateway)
    shown = json.dumps(found.dict(), default=repr) + repr(found.config.dict())
    assert TOKEN not in shown
    assert PASSWORD not in shown
    assert "olt-1.example" in shown


def test_without_a_token_none_is_shown(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROM_TOKEN")
    nornir(gateway)
    assert gateway.asked == [("/rom/v1/devices", None)]


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (401, b"{}", AuthenticationFailed, "another token in ROM_TOKEN"),
        (403, b"{}", AuthenticationFailed, "another token in ROM_TOKEN"),
        (503, b"{}", ProtocolError, "the answer is 503"),
        (302, b"", ProtocolError, "the answer is 302"),
        (200, b"<html>", ProtocolError, "no list of devices"),
        (200, b'[{"name": "OLT-1"}]', ProtocolError, "no list of devices"),
    ],
)
def test_an_answer_that_is_no_list_of_devices_is_told_as_what_it_is(
    gateway: FakeGateway, status: int, body: bytes, error: type[Exception], words: str
) -> None:
    gateway.status, gateway.body = status, body
    with pytest.raises(error, match=words) as raised:
        nornir(gateway)
    assert TOKEN not in str(raised.value)


def test_a_gateway_that_is_not_there_is_unreachable() -> None:
    with answering(FakeGateway()) as gone:
        pass
    with pytest.raises(Unreachable, match="no gateway answers"):
        nornir(gone)
