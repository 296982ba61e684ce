"""A lab and a gateway as processes of their own: either can fail while the other goes on."""

import json
import os
import re
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import yaml
from click.testing import Result
from pydantic import SecretStr
from typer.testing import CliRunner

import api
import inventory
from api.cli import app
from api.serving.child import Child
from api.serving.claim import ADDRESS_FILE
from api.serving.lab import READY_FILE, find_topology
from api.serving.lab import command as lab_command
from rom.devices.directory import boot_source
from rom.fulfilment.staging import token_of
from rom.model.order_states import FINAL_ORDER_STATES
from rom.store.embedded import EmbeddedPostgres
from rom.vault.vault import BOOT_URL, Vault

EXAMPLES = Path(api.__file__).parent / "examples"
SHIPPED = Path(inventory.__file__).parent / "examples" / "enterprise-fibre.yaml"
ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
EXTRA_SITES = ("ENT-1102-X1", "ENT-1102-X2", "ENT-1102-X3")
MASTER_KEY = "the same key for every gateway of these tests"
Row = dict[str, Any]


def until(condition: Callable[[], Any], what: str | Callable[[], str], seconds: float = 30) -> Any:
    """Return the first truthy answer; looks twenty times a second, for processes tell nobody."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            words = what if isinstance(what, str) else what()
            pytest.fail(f"{words}: not within {seconds} s")
        time.sleep(0.05)


class Lab:
    """The simulated network, reached by its control API."""

    def __init__(self, place: Path, topology: str, delivery_seconds: float) -> None:
        self.ready_file = place / READY_FILE
        command = lab_command(find_topology(topology), place)
        command += ["--delivery-seconds", str(delivery_seconds)]
        self._child = Child(command, place / "lab.log", {})
        until(self.ready_file.exists, "lab is up", 120)
        self.ready = json.loads(self.ready_file.read_text())
        self._http = httpx.Client(
            base_url=self.ready["control"],
            headers={"Authorization": f"Bearer {self.ready['token']}"},
            timeout=30,
            trust_env=False,
        )

    def do(self, path: str, **body: Any) -> None:
        self._http.post(path, json=body).raise_for_status()

    def fault(self, device: str, fault: str, **parameters: Any) -> None:
        self.do(f"/devices/{device}/faults", fault=fault, **parameters)

    def running(self, device: str) -> str:
        return self._http.get(f"/devices/{device}/running").raise_for_status().text

    def routers(self) -> dict[str, Row]:
        """What each router says of itself, by serial number."""
        found: dict[str, Row] = self._http.get("/status").raise_for_status().json()["ce"]
        return found

    def counters(self, device: str) -> Row:
        found: Row = self._http.get(f"/devices/{device}/counters").raise_for_status().json()
        return found

    def stop(self) -> None:
        self._http.close()
        self._child.stop(10)


@dataclass
class Gateway:
    """``rom serve`` on a port of its own that it keeps over restarts, and its database."""

    place: Path
    lab: Lab
    inventory: Path
    environment: dict[str, str] = field(default_factory=dict)
    child: Child | None = None

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        host = self.place / "postgresql"
        self.engine = sa.create_engine(
            f"postgresql+psycopg://postgres@/postgres?host={host}", poolclass=sa.NullPool
        )

    def start(self) -> None:
        (self.place / ADDRESS_FILE).unlink(missing_ok=True)
        command = [
            sys.executable, "-m", "api.cli", "serve", "--port", str(self.port),
            "--data-dir", str(self.place), "--inventory", str(self.inventory),
        ]  # fmt: skip
        environment = {
            "ROM_LAB_READY_FILE": str(self.lab.ready_file),
            "ROM_MASTER_KEY": MASTER_KEY,
            "ROM_RETRY_SECONDS": "0.6",
            "ROM_LEASE_SECONDS": "5",
            "ROM_TWAMP_PACKETS": "3000",
            "ROM_TWAMP_INTERVAL": "0.0005",
            **self.environment,
        }
        self.child = Child(command, self.place / "serve.log", environment)
        until(self._answers, "gateway takes orders", 120)

    def _answers(self) -> bool:
        assert self.child is not None
        assert self.child.exit_code is None, self.child.last_words()
        return (self.place / ADDRESS_FILE).exists()

    def rom(self, *words: str) -> Result:
        """Run the command line against this gateway."""
        return CliRunner().invoke(app, [*words, "--url", self.url], env={"COLUMNS": "240"})

    def load(self, file: Path) -> Result:
        """Load an inventory file as one does beside a running gateway."""
        words = ["inventory", "load", str(file), "--data-dir", str(self.place)]
        return CliRunner().invoke(app, words, env={"COLUMNS": "240"})

    def kill(self) -> None:
        assert self.child is not None
        os.kill(self.child.pid, signal.SIGKILL)
        self.child.stop(5)

    def stop(self) -> None:
        self.http.close()
        if self.child is not None:
            self.child.stop(30)
        if os.path.lexists(self.place / "postgresql"):
            EmbeddedPostgres(self.place).stop()
        self.engine.dispose()

    def log(self) -> list[Row]:
        lines = (self.place / "serve.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def post(self, document: Row) -> str:
        taken = self.http.post(ORDERS, json=document)
        assert taken.status_code == 201, taken.text
        order_id: str = taken.json()["id"]
        return order_id

    def completes(self, order_id: str) -> Row:
        """Follow the order by its events until it is final; it has to be completed."""
        after = 0
        while True:
            answer = self.http.get(
                f"/rom/v1/orders/{order_id}/events", params={"after": after, "wait": 25}
            )
            after = max([after, *(event["sequence"] for event in answer.json())])
            order: Row = self.http.get(f"{ORDERS}/{order_id}").json()
            if order["state"] in FINAL_ORDER_STATES:
                assert order["state"] == "completed", order
                return order

    def rows(self, text: str, **values: Any) -> list[sa.Row[Any]]:
        with self.engine.connect() as connection:
            return list(connection.execute(sa.text(text), values))

    def item(self, order_id: str, item_id: str) -> sa.Row[Any]:
        (row,) = self.rows(
            "SELECT state, step, reason FROM order_item WHERE order_id = :o AND item_id = :i",
            o=order_id,
            i=item_id,
        )
        return row

    def awaits(self, order_id: str, item_id: str, **wanted: str) -> None:
        """Wait until the item's state, step and reason are as wanted."""

        def as_wanted() -> bool:
            row = self.item(order_id, item_id)._asdict()
            return all(row[key] == value for key, value in wanted.items())

        until(
            as_wanted,
            lambda: (
                f"{item_id} is {self.item(order_id, item_id)}, not {wanted}; "
                f"{self.notes(order_id, item_id)}; {self._changes(order_id)}"
            ),
            90,  # a device that does not answer is waited for, and a busy machine is slow
        )

    def _changes(self, order_id: str) -> list[Any]:
        return self.rows(
            "SELECT device, item_id, state, reason, error FROM change "
            "WHERE order_id = :o AND state <> 'done'",
            o=order_id,
        )

    def notes(self, order_id: str, item_id: str) -> list[str]:
        rows = self.rows(
            "SELECT text FROM item_note WHERE order_id = :o AND item_id = :i ORDER BY id",
            o=order_id,
            i=item_id,
        )
        return [row.text for row in rows]

    def token(self, serial: str) -> str:
        """Return the token that DHCP hands out on the circuit of a booked router."""
        (row,) = self.rows("SELECT site FROM ztp_ticket WHERE serial = :s", s=serial)
        vault = Vault(self.engine, SecretStr(MASTER_KEY), self.url)
        return token_of(vault.resolve(f"{BOOT_URL}/{row.site}").get_secret_value())

    def ztp(
        self, serial_of_site: str, path: str, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Ask for a file as one does from the circuit of a booked router."""
        (row,) = self.rows("SELECT site FROM ztp_ticket WHERE serial = :s", s=serial_of_site)
        with self.engine.connect() as connection:
            source = str(boot_source(connection, serial_of_site, row.site))
        with httpx.Client(transport=httpx.HTTPTransport(local_address=source)) as router:
            url = f"{self.url}/ztp/v1/{self.token(serial_of_site)}/{path}"
            return router.get(url, headers=headers)


def order(name: str) -> Row:
    """Return a shipped order that 3,000 packets can prove."""
    document: Row = json.loads((EXAMPLES / f"{name}.json").read_text())
    for item in document["orderItem"]:
        for characteristic in item["resource"]["resourceCharacteristic"]:
            if characteristic["name"] == "packetLossPercent":
                characteristic["value"] = 0.5
            if characteristic["name"] == "latencyMs":
                characteristic["value"] = 500  # two cores that do everything else besides
    return document


def order_for(site: str, name: str, specifications: tuple[str, ...]) -> Row:
    """Return a shipped order's items of these specifications, independent, for another site."""
    document = order(name)
    kept = []
    for item in document["orderItem"]:
        if item["resourceSpecification"]["id"] in specifications:
            item.pop("orderItemRelationship", None)
            item["resource"]["place"] = {**item["resource"]["place"], "id": site, "name": site}
            kept.append(item)
    document["orderItem"] = kept
    return document


def inventory_file(
    place: Path, *, brisbane_links: Sequence[str], topology: str = "enterprise-fibre"
) -> Path:
    """Write a shipped inventory with sites of no house, and so many link blocks in Brisbane."""
    document = yaml.safe_load(SHIPPED.with_name(f"{topology}.yaml").read_text())
    for site in EXTRA_SITES:
        document["sites"].append({**document["sites"][1], "key": site, "name": site})
    for pool in document["pools"]:
        if pool["name"] == "ENT-1102 LANs":
            pool["prefix"] += [f"172.20.{number}.0/24" for number in range(11, 14)]
        if pool["name"] == "EAST-ENT delegated":
            pool["prefix"].append("2001:db8:a21::/48")
        if pool["name"] == "NORTH-ENT IPv4 links":
            pool["prefix"] = brisbane_links
            pool["earmarks"] = [
                mark
                for mark in pool["earmarks"]
                if any(mark["value"].rsplit(".", 1)[0] in link for link in brisbane_links)
            ]
    file = place / f"inventory-{len(brisbane_links)}.yaml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    return file


def without_address(text: str, gateway: Gateway) -> str:
    """Return a configuration as it would be were the gateway's port another."""
    return re.sub(re.escape(gateway.url), "http://gateway", text)


@contextmanager
def a_place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rom-faults-") as name:
        if os.geteuid() == 0:
            Path(name).chmod(0o711)  # PostgreSQL runs as another user then
        yield Path(name)


@contextmanager
def network(
    *,
    brisbane_links: Sequence[str] = ("10.88.15.0/29",),
    topology: str = "enterprise-fibre",
    delivery_seconds: float = 4.0,
    **environment: str,
) -> Iterator[Gateway]:
    """Run a lab and a gateway; both are stopped in the end, whatever became of them.

    ``delivery_seconds`` is how long a router is on its way: for tests of what happens meanwhile.
    """
    with a_place() as place:
        state = place / "lab"
        state.mkdir(mode=0o700)
        lab = Lab(state, topology, delivery_seconds)
        file = inventory_file(place, brisbane_links=brisbane_links, topology=topology)
        data = place / "data"
        data.mkdir(mode=0o711)
        gateway = Gateway(data, lab, file, environment)
        try:
            gateway.start()
            yield gateway
        finally:
            gateway.stop()
            lab.stop()


@dataclass
class Shared:
    """The network that faults are tried on, after a pilot that nothing disturbed."""

    gateway: Gateway
    lab: Lab
    running: dict[str, str]
    changes: dict[str, int]


PILOT_DEVICES = ("OLT-SOUTH-03", "BNG-MEL-01", "PROBE-MEL-01", "KEA-01", "RADIUS-01")


def state_of(gateway: Gateway) -> tuple[dict[str, str], dict[str, int]]:
    """Return what the pilot's devices hold, and how many paths each was sent."""
    running = {name: without_address(gateway.lab.running(name), gateway) for name in PILOT_DEVICES}
    changes = {
        name: sum(change["paths"] for change in gateway.lab.counters(name)["changes"])
        for name in PILOT_DEVICES[:3]
    }
    return running, changes
