"""A router out of its box: zero-touch provisioning, then login, SNMP and TWAMP with one site."""

from collections.abc import Iterator
from hashlib import sha512
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from pydantic import SecretStr

from adapters.cli.session import CliSession
from adapters.seam import Endpoint, Query
from adapters.snmp.session import SnmpSession
from adapters.twamp.sender import measure
from adapters.ztp.service import Serial, ZtpRefused, router
from device_profiles.checks import exec_lines
from device_profiles.cli import with_secrets
from device_profiles.day0 import day0_file
from device_profiles.profile import load_profile
from mock_devices.ce.network import Offer
from mock_devices.ce.router import CustomerEdge
from mock_devices.services.web import WebService

DATA = Path(__file__).parents[2] / "data"
CONTEXT = yaml.safe_load((DATA / "contexts/ENT-1102-MELB.yaml").read_text())
DAY1 = (DATA / "golden/iosxe-ce/day1-ENT-1102-MELB.cfg").read_text()
SERIAL = "FDO2340567"


def value_of(name: str) -> str:
    return "Vault-" + name.replace("/", "-")


class BootstrapServer:
    """Serves one router, by serial number and address."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.base = ""
        self.bytes = with_secrets(DAY1, value_of).encode()

    def _check(self, serial: str, client: str) -> None:
        if (serial, client) != (SERIAL, "127.0.0.1"):
            raise ZtpRefused

    def script(self, token: str, serial: Serial, client: str) -> bytes:
        return day0_file(load_profile("iosxe-ce"), f"{self.base}/ztp/v1/{token}", "ENT-1102-MELB")

    def config(self, token: str, serial: str, client: str) -> bytes:
        self._check(serial, client)
        return self.bytes

    def sha512(self, token: str, serial: str, client: str) -> str:
        self._check(serial, client)
        return sha512(self.bytes).hexdigest()

    def exec_lines(self, token: str, serial: str, client: str) -> bytes:
        self._check(serial, client)
        lines = exec_lines(load_profile("iosxe-ce"), "ce-router", CONTEXT)
        return with_secrets("\n".join(lines) + "\n", value_of).encode()

    def event(self, token: str, serial: str, client: str, name: str, detail: str) -> None:
        self._check(serial, client)
        self.events.append((name, detail))


@pytest.fixture
def bootstrap(lab: Any) -> Iterator[BootstrapServer]:
    made = BootstrapServer()
    app = FastAPI()
    app.include_router(router(made))
    web = WebService(app)
    lab.loop.run(web.start())
    made.base = web.url
    yield made
    lab.loop.run(web.stop())


@pytest.fixture
def edge(lab: Any, bootstrap: BootstrapServer) -> Iterator[tuple[CustomerEdge, dict[str, int]]]:
    async def discover(_: str) -> Offer:
        return Offer("10.88.12.2", f"{bootstrap.base}/ztp/v1/tok-MELB/ztp.py")

    made = CustomerEdge(SERIAL, "ISR4431/K9", lab.folder / "ce", discover)
    ports = lab.loop.run(made.start())
    yield made, ports
    lab.loop.run(made.stop())


def test_a_router_out_of_its_box_becomes_a_proven_one(
    edge: tuple[CustomerEdge, dict[str, int]], bootstrap: BootstrapServer, lab: Any, closing: Any
) -> None:
    router_, ports = edge
    lab.loop.run(router_.boot())
    assert [name for name, _ in bootstrap.events] == ["started", "completed"], bootstrap.events
    login = Endpoint(
        "CE", "iosxe-ce", "127.0.0.1", ports["ssh"], "netops",
        SecretStr(value_of("ce-login/ENT-1102-MELB")), router_.public_key,
    )  # fmt: skip
    session = closing(CliSession(login, load_profile("iosxe-ce"), lab.resolve))
    facts = session.probe([Query("serial", command="show version", pattern=r"board ID (\S+)")])
    assert facts == {"serial": SERIAL}
    assert session.read([("hostname",)]) == {("hostname",): "ce-ent-1102-melb"}
    assert router_.startup_config is not None

    secrets = {"snmp-priv/ENT-1102-MELB": SecretStr(value_of("snmp-priv/ENT-1102-MELB"))}
    manager = Endpoint(
        "CE", "net-snmp-agent", "127.0.0.1", ports["snmp"], "nmsuser",
        SecretStr(value_of("snmp-auth/ENT-1102-MELB")),
        options={"privacy": "snmp-priv/ENT-1102-MELB"},
    )  # fmt: skip
    agent = closing(SnmpSession(manager, load_profile("net-snmp-agent"), secrets.__getitem__))
    assert agent.probe([Query("name", ("system", "sysName"))])["name"].startswith("ce-ent-1102")

    found = measure(("127.0.0.1", ports["twamp"]), packets=200, interval=0.001, timeout=1)
    assert (found.received, found.lost) == (200, 0)
