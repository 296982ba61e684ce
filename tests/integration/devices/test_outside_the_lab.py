"""A device that no lab has told of: added, given its password, trusted and tested by commands."""

import asyncio
import json
import logging
import re
import shlex
import threading
from collections.abc import Coroutine, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
import structlog
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from api.app import create_app
from api.cli import app
from device_profiles.profile import load_profile, modules_used
from mock_devices.cli.device import CliDevice, Credentials
from mock_devices.netconf import NetconfDevice, load_schema
from mock_devices.services.kea.agent import KeaAgent
from mock_devices.services.logistics import Logistics
from mock_devices.services.radius.database import RadiusDatabase
from rom.runtime import open_gateway
from rom.settings import Settings
from rom.store.database import make_engine
from rom.store.embedded import EmbeddedPostgres
from tests.databases import stocked_database
from tests.served import served

GUIDE = Path(__file__).parents[3] / "docs" / "operator-guide.md"
PASSWORD = "hunter2-of-the-olt"
Done = TypeVar("Done")
pytestmark = pytest.mark.timeout(120)


class Plant:
    """Simulated devices in this process, and the command line in front of a served gateway."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self.database = ""
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._running: list[Any] = []

    def run(self, work: Coroutine[Any, Any, Done]) -> Done:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def start(self, device: Any) -> Any:
        self._running.append(device)
        return self.run(device.start())

    def olt(self, name: str, schema: str = "bbf-olt") -> tuple[NetconfDevice, int]:
        device = NetconfDevice(name, load_schema(schema), {"rom": PASSWORD}, self.folder / name)
        return device, self.start(device)

    def rom(self, *words: str, stdin: str = "") -> Result:
        environment = {"COLUMNS": "400", "ROM_URL": self.url}
        return copy_context().run(
            CliRunner().invoke, app, list(words), env=environment, input=stdin
        )

    def told(self, *words: str, stdin: str = "") -> Any:
        done = self.rom(*words, "--json", stdin=stdin)
        return json.loads(done.stdout)

    def failed_at(self, name: str) -> tuple[str, str]:
        found = self.told("device", "test", name)
        assert not found["usable"]
        ((look, text),) = [
            (step["look"], step["text"]) for step in found["steps"] if step["found"] == "failed"
        ]
        return look, text

    def stop(self) -> None:
        for device in self._running:
            self.run(device.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)


@pytest.fixture
def plant(postgres_server: EmbeddedPostgres, tmp_path: Path) -> Iterator[Plant]:
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)  # the logs are not of the commands' output
    made = Plant(tmp_path)
    with stocked_database(postgres_server) as database:
        settings = Settings(database_url=SecretStr(database), data_dir=tmp_path / "data")
        made.database = database
        with open_gateway(settings) as gateway, served(create_app(gateway, settings)) as made.url:
            yield made
            made.stop()
    structlog.reset_defaults()


def chapter() -> list[str]:
    text = GUIDE.read_text().partition("## A device outside the lab")[2].partition("\n##")[0]
    return [
        line
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
    ]


def test_the_chapter_of_the_guide_leads_to_a_device_that_can_be_used(plant: Plant) -> None:
    device, port = plant.olt("OLT-WEST-01")
    add, secret, trust, test = (
        shlex.split(line.replace("192.0.2.30 --port 830", f"127.0.0.1 --port {port}"))[1:]
        for line in chapter()
    )
    added = plant.rom(*add)
    assert added.exit_code == 0, added.output
    assert "rom secret set device/OLT-WEST-01" in added.stdout
    assert "rom device trust OLT-WEST-01" in added.stdout
    assert plant.failed_at("OLT-WEST-01")[0] == "secret"
    assert plant.told("secret", "list")[0] == {
        "name": "device/OLT-WEST-01", "isSet": False, "setAt": None, "setBy": "",
        "usedBy": ["OLT-WEST-01"],
    }  # fmt: skip

    assert plant.rom(*secret, stdin=f"{PASSWORD}\n").exit_code == 0
    look, text = plant.failed_at("OLT-WEST-01")
    assert look == "hostKey"
    assert device.counters.logins == 0  # no password has left before a key was pinned
    fingerprint = re.search(r"SHA256:\S{43}", text)
    assert fingerprint is not None
    declined = plant.rom(*trust, stdin="n\n")
    assert (declined.exit_code, "nothing was pinned" in declined.output) == (2, True)
    agreed = plant.rom(*trust, stdin="y\n")
    assert agreed.exit_code == 0, agreed.output
    assert fingerprint.group() in agreed.output
    assert plant.rom(*trust).exit_code == 0  # the same again asks nothing

    tested = plant.rom(*test)
    assert tested.exit_code == 0, tested.output
    assert "can be used" in tested.stdout
    found = plant.told(*test)
    capabilities = next(step for step in found["steps"] if step["look"] == "capabilities")
    assert "confirmed-commit" in capabilities["text"]
    deeds = [entry["deed"] for entry in plant.told("audit", "list", "--device", "OLT-WEST-01")]
    assert deeds == ["device.hostKeyPinned", "secret.set", "device.added"]
    assert PASSWORD not in plant.rom("audit", "export").stdout


def test_a_changed_host_key_is_refused_until_a_person_says_why(plant: Plant) -> None:
    _, port = plant.olt("OLT-1")
    add = ("device", "add", "OLT-1", "--role", "access", "--profile", "bbf-olt",
           "--host", "127.0.0.1", "--username", "rom", "--secret", "device/OLT-1",
           "--attribute", "area=WEST-02", "--port")  # fmt: skip
    plant.rom(*add, str(port))
    plant.rom("secret", "set", "device/OLT-1", stdin=PASSWORD)
    plant.rom("device", "trust", "OLT-1", stdin="y\n")
    found = plant.told("device", "test", "OLT-1")
    assert found["usable"], found

    _, other = plant.olt("IMPOSTOR")
    # What the command does not say, the key above all, stays.
    moved = plant.rom("device", "add", "OLT-1", "--role", "access", "--profile", "bbf-olt",
                      "--port", str(other))  # fmt: skip
    assert (moved.exit_code, "lacks" in moved.stdout) == (0, False), moved.output
    assert plant.failed_at("OLT-1")[0] == "hostKey"
    refused = plant.rom("device", "trust", "OLT-1", stdin="y\n")
    assert (refused.exit_code, "--replace" in refused.output) == (2, True)
    no_reason = plant.rom("device", "trust", "OLT-1", "--replace", stdin="y\n")
    assert (no_reason.exit_code, "reason" in no_reason.output) == (2, True)
    wrong = plant.rom(
        "device", "trust", "OLT-1", "--replace", "--reason", "swapped", "--fingerprint",
        "SHA256:" + 43 * "A",
    )  # fmt: skip
    assert wrong.exit_code == 2
    assert plant.failed_at("OLT-1")[0] == "hostKey"
    replaced = plant.rom(
        "device", "trust", "OLT-1", "--replace", "--reason", "line card swapped", stdin="y\n"
    )
    assert replaced.exit_code == 0, replaced.output
    found = plant.told("device", "test", "OLT-1")
    assert found["usable"], found
    (entry, *_) = plant.told("audit", "list", "--deed", "device.hostKeyPinned")
    assert entry["reason"] == "line card swapped"
    assert entry["details"]["formerFingerprint"] != entry["details"]["fingerprint"]


def test_what_does_not_fit_is_said_in_words(plant: Plant) -> None:
    base = ("--host", "127.0.0.1", "--username", "rom", "--secret", "device/X")
    _, port = plant.olt("SWITCH", "openconfig-switch")
    plant.rom("device", "add", "NO-OLT", "--role", "access", "--profile", "bbf-olt", *base,
              "--port", str(port), "--attribute", "area=W")  # fmt: skip
    plant.rom("secret", "set", "device/X", stdin=PASSWORD)
    plant.rom("device", "trust", "NO-OLT", stdin="y\n")
    look, text = plant.failed_at("NO-OLT")
    assert (look, "no YANG module bbf-" in text) == ("fit", True)

    plant.rom("secret", "set", "device/X", stdin="another")
    look, text = plant.failed_at("NO-OLT")
    assert (look, text.startswith("AUTHENTICATION_FAILED")) == ("login", True)

    plant.rom("device", "add", "NOWHERE", "--role", "access", "--profile", "bbf-olt", *base,
              "--port", "1", "--attribute", "area=W")  # fmt: skip
    assert plant.failed_at("NOWHERE")[0] == "reach"
    assert plant.failed_at("OLT-SOUTH-03")[0] == "endpoint"
    assert plant.rom("device", "test", "NONE").exit_code == 2
    assert plant.rom("device", "trust", "RADIUS-01").exit_code == 2
    unknown = plant.rom("device", "add", "X", "--role", "access", "--profile", "none")
    assert unknown.exit_code == 2


@pytest.mark.parametrize(
    "profile",
    ["bbf-olt", "openconfig-switch", "sros-bng", "junos-bng", "iosxr-bng", "ietf-twamp-probe"],
)
def test_every_netconf_platform_fits_its_own_profile_and_no_other(profile: str) -> None:
    announced = {module.namespace for module in load_schema(profile).modules.values()}
    for other in (profile, "bbf-olt" if profile != "bbf-olt" else "sros-bng"):
        wanted = load_profile(other)
        assert wanted.yang is not None
        used = {wanted.yang.namespaces[module] for module in modules_used(wanted)}
        assert used
        assert (used <= announced) == (other == profile), sorted(used - announced)


def test_command_lines_web_services_and_databases_are_tested_alike(plant: Plant) -> None:
    switch = CliDevice(
        "EAS-9", "ios-switch", Credentials("rom", PASSWORD), plant.folder / "eas", minute=2.0
    )
    port = plant.start(switch)
    agent = KeaAgent(plant.folder / "kea", {"dhcp4": {"Dhcp4": {}}}, "kea", PASSWORD)
    plant.start(agent)

    async def installed(serial: str) -> None:
        return

    shop = Logistics(plant.folder / "shop", [], PASSWORD, 1.0, installed)
    plant.start(shop)
    rows = RadiusDatabase(plant.folder / "radius", {})
    ways = {
        "EAS-9": ("ios-switch", "access", "--host", "127.0.0.1", "--port", str(port),
                  "--username", "rom", "--attribute", "area=W"),
        "KEA-9": ("kea-dhcp4", "dhcp4", "--host", "127.0.0.1", "--username", "kea",
                  "--option", f"url={agent.web.url}"),
        "LOG-9": ("logistics-rest", "logistics", "--host", "127.0.0.1",
                  "--option", f"url={shop.web.url}"),
        "RADIUS-9": ("freeradius-sql", "radius", "--host", "127.0.0.1",
                     "--option", f"url=sqlite:///{rows.path}"),
    }  # fmt: skip
    plant.rom("secret", "set", "device/all", stdin=PASSWORD)
    for name, (profile, role, *way) in ways.items():
        secret = () if name == "RADIUS-9" else ("--secret", "device/all")
        added = plant.rom(
            "device", "add", name, "--profile", profile, "--role", role, *way, *secret
        )
        assert added.exit_code == 0, added.output
    plant.rom("device", "trust", "EAS-9", stdin="y\n")
    for name in ways:
        found = plant.told("device", "test", name)
        assert found["usable"], found

    plant.rom("secret", "set", "device/all", stdin="another")
    for name in ("EAS-9", "KEA-9", "LOG-9"):
        assert plant.failed_at(name)[0] == "login"
    plant.rom(
        "device", "add", "RADIUS-9", "--profile", "freeradius-sql", "--role", "radius",
        "--host", "127.0.0.1", "--option", f"url=sqlite:///{plant.folder / 'empty.db'}",
    )  # fmt: skip
    look, text = plant.failed_at("RADIUS-9")
    assert (look, "table rad" in text) == ("fit", True)


def test_a_password_is_replaced_once_the_devices_take_the_new_one(plant: Plant) -> None:
    _, port = plant.olt("OLT-1")
    plant.rom("device", "add", "OLT-1", "--role", "access", "--profile", "bbf-olt",
              "--host", "127.0.0.1", "--port", str(port), "--username", "rom",
              "--secret", "device/OLT-1", "--attribute", "area=W")  # fmt: skip
    plant.rom("secret", "set", "device/OLT-1", stdin="the-former")
    plant.rom("device", "trust", "OLT-1", stdin="y\n")
    refused = plant.rom("secret", "rotate", "device/OLT-1", stdin="not-on-the-device")
    assert (refused.exit_code, "OLT-1" in refused.output) == (2, True)
    assert "not-on-the-device" not in refused.output
    assert plant.failed_at("OLT-1")[0] == "login"  # with the former one, as it was
    assert plant.rom("secret", "rotate", "device/OLT-1", stdin=PASSWORD).exit_code == 0
    found = plant.told("device", "test", "OLT-1")
    assert found["usable"], found
    assert plant.told("audit", "list")[0]["deed"] == "secret.rotated"


def test_secrets_go_in_and_never_come_out(plant: Plant) -> None:
    file = plant.folder / "value"
    file.write_text(f"{PASSWORD}\n")
    assert plant.rom("secret", "set", "device/OLT-SOUTH-03", "--file", str(file)).exit_code == 0
    engine = make_engine(plant.database)
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE device SET host = '127.0.0.1', port = 1, secret_name = name_of "
                "FROM (SELECT 'device/OLT-SOUTH-03' AS name_of) AS given "
                "WHERE name = 'OLT-SOUTH-03'"
            )
        )
        stored = connection.execute(sa.text("SELECT sealed FROM secret")).scalars().all()
    engine.dispose()
    assert PASSWORD.encode() not in b"".join(bytes(each) for each in stored)
    in_use = plant.rom("secret", "delete", "device/OLT-SOUTH-03")
    assert (in_use.exit_code, "named by OLT-SOUTH-03" in in_use.output) == (2, True)
    assert plant.rom("secret", "set", "device/spare", stdin="x").exit_code == 0
    assert plant.rom("secret", "delete", "device/spare").exit_code == 0
    assert plant.rom("secret", "delete", "device/spare").exit_code == 2
    for name in ("bgp/ENT-1102-MELB", "ztp-url/x", "../x", "a//b", "", "a b"):
        assert plant.rom("secret", "set", name, stdin="x").exit_code == 2, name
    assert plant.rom("secret", "set", "device/y", stdin="two\nlines").exit_code == 2
    assert plant.rom("secret", "set", "device/y", stdin="").exit_code == 2
    said = "".join(
        plant.rom(*words).output
        for words in (("secret", "list"), ("audit", "export"), ("device", "list", "--json"))
    )
    assert PASSWORD not in said
    assert "two\nlines" not in said
