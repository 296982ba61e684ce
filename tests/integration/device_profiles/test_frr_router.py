"""FRR as a customer's router: a further profile and a further command language, no more."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from adapters.cli.session import CliSession
from adapters.seam import Endpoint, Session
from device_profiles.checks import CheckResult, checks
from device_profiles.cli import day1_text, decode, with_secrets
from device_profiles.fragment import Fragment, merged
from device_profiles.profile import load_profile
from device_profiles.render import render
from device_profiles.tree import PRESENT
from mock_devices.cli.device import CliDevice, Credentials
from mock_devices.cli.grammar import load_grammar
from mock_devices.cli.machine import Machine
from rom.ledger.group import WriterSettings
from rom.ledger.writer import DeviceWriter
from rom.model.change import Policy
from rom.store import changes, intents
from rom.store.database import make_engine
from rom.vault.vault import Vault
from tests.contexts import load_context

SITE, NAME = "ENT-1102-MELB", "FRR2340567"
PROFILE = load_profile("frr-ce")
PASSWORD = "lab-Password-1"
SHARED = Path(__file__).parents[4] / "shared" / "payloads" / "ce-frr" / "frr.conf"
BASELINE = """\
hostname frr
interface eth0
 description management
 ip address 192.0.2.77/24
exit
"""

pytestmark = pytest.mark.timeout(120)


def fragments(changes_of_qos: dict[str, Any] | None = None) -> dict[str, Fragment]:
    context = load_context("ENT-1102-MELB-frr")
    if changes_of_qos:
        context = {**context, "res": {**context["res"], **changes_of_qos}}
    return {name: render(PROFILE, name, context) for name in PROFILE.fragments}


class Router:
    """A simulated FRR behind SSH, and the gateway's own writer in front of it."""

    def __init__(self, engine: sa.Engine, device: CliDevice, port: int) -> None:
        self.engine = engine
        self.device = device
        self.vault = Vault(engine, SecretStr("k" * 40))
        self._endpoint = Endpoint(
            device=NAME,
            profile="frr-ce",
            host="127.0.0.1",
            port=port,
            username="netops",
            password=SecretStr(PASSWORD),
            host_key=device.public_key,
            options={},
        )

    @contextmanager
    def open(self, device: str = NAME, site: str = SITE) -> Iterator[Session]:
        session = CliSession(self._endpoint, PROFILE, self.vault.resolve)
        try:
            yield session
        finally:
            session.close()

    def bring(self, wanted: dict[str, Fragment], kind: str = "apply") -> Any:
        """Make it the site's intent, let the writer run, return the settled change."""
        policy = Policy.APPLY if kind == "apply" else Policy.REFUSE
        with self.engine.begin() as connection:
            intents.keep(connection, device=NAME, site=SITE, role="ce", fragments=wanted)
            number = changes.request(connection, device=NAME, site=SITE, kind=kind, policy=policy)
        settings = WriterSettings("test", 30, 120, 64, 0.001)
        DeviceWriter(self.engine, self, settings, self.vault).run(NAME)
        with self.engine.connect() as connection:
            return connection.execute(
                sa.text('SELECT * FROM "change" WHERE id = :n'), {"n": number}
            ).one()

    def configured(self) -> list[str]:
        """Return the configuration lines it was told since the last look."""
        lines = [each.line.strip() for each in self.device.record.lines if each.mode != "exec"]
        self.device.record.lines.clear()
        return lines


@pytest.fixture
def router(database_url: str, tmp_path: Path) -> Iterator[Router]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    device = CliDevice(
        NAME, "frr-ce", Credentials("netops", PASSWORD), tmp_path / "state", baseline=BASELINE
    )
    port = asyncio.run_coroutine_threadsafe(device.start(), loop).result(30)
    engine = make_engine(database_url)
    yield Router(engine, device, port)
    engine.dispose()
    asyncio.run_coroutine_threadsafe(device.stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def test_it_takes_a_site_once_and_goes_back_byte_by_byte(router: Router) -> None:
    before = router.device.running_config
    there = router.bring(fragments())
    assert there.state == "done"
    assert "ip address 10.88.12.2/29" in router.device.running_config
    assert router.device.startup_config == router.device.running_config
    assert router.configured()

    full = router.device.running_config
    again = router.bring(fragments())
    assert (again.state, again.edits) == ("done", 0)
    assert router.configured() == []
    assert router.device.running_config == full

    back = router.bring({}, kind="rollback")
    assert back.state == "done"
    assert router.device.running_config == before
    assert router.device.startup_config == before


def test_another_address_changes_its_lines_and_no_other(router: Router) -> None:
    router.bring(fragments())
    router.configured()
    lan = {
        "prefix": "172.20.9.0/24",
        "network": "172.20.9.0",
        "length": 24,
        "gateway": "172.20.9.1",
    }
    router.bring(fragments({"lan": lan}))
    told = set(router.configured()) - {"exit"}
    assert told == {
        "interface eth2", "no ip address 172.20.1.1/24", "ip address 172.20.9.1/24",
        "router bgp 65112", "address-family ipv4 unicast",
        "no network 172.20.1.0/24", "network 172.20.9.0/24",
        "no ip prefix-list PL-SITE seq 5", "ip prefix-list PL-SITE seq 5 permit 172.20.9.0/24",
    }  # fmt: skip


def test_a_key_leaves_only_towards_the_device(router: Router) -> None:
    router.bring(fragments())
    key = router.vault.resolve(f"bgp/{SITE}").get_secret_value()
    assert f"neighbor 10.88.12.1 password {key}" in router.device.running_config
    with router.open() as session:
        read = session.read([("router bgp 65112",)])
    assert key not in str(read)
    assert any(value.startswith("digest:") for value in read.values())


def test_what_it_does_not_know_is_refused_in_its_own_words(router: Router) -> None:
    before = router.device.running_config
    row = router.bring({"odd": Fragment({("ip sla responder",): PRESENT})})
    assert row.state == "refused"
    assert "Unknown command: ip sla responder" in row.error
    assert router.device.running_config == before


def bgp_row(state: str) -> str:
    """One neighbour in the columns of FRR's ``show bgp summary``."""
    return (
        f"10.88.12.1      4      64500        12        14        0    0    0 00:03:21 {state:>12}"
    )


@pytest.mark.parametrize("state", ["2", "0", "Active", "Idle"])
def test_the_check_reads_frrs_columns(state: str) -> None:
    (check,) = checks(PROFILE, "ce-router", load_context("ENT-1102-MELB-frr"))
    other = bgp_row("17").replace("10.88.12.1 ", "10.88.12.10")
    found = re.search(check.pattern, f"{other}        2 N/A\n{bgp_row(state)}        2 PE\n")
    assert found is not None
    assert found[1] == state
    assert (check.judge(found[1])[0] is CheckResult.PASSED) == state.isdecimal()


def test_the_whole_file_is_taken_and_shown_again(tmp_path: Path) -> None:
    tree = merged(fragments()).own
    machine = Machine("ce", load_grammar("frr-ce"), tmp_path, serial=NAME)
    file = with_secrets(day1_text(PROFILE, tree), lambda name: "Lab" + name[:2])

    assert [remark for remark in machine.merge(file) if remark.refused] == []
    read = decode(PROFILE, machine.running_text())
    shown = {path: value for path, value in tree.items() if not PROFILE.is_secret(path)}
    assert {path: read[path] for path in shown} == shown
    again = Machine("again", load_grammar("frr-ce"), tmp_path / "again", serial=NAME)
    assert again.load(machine.running_text()) == []
    assert again.running_text() == machine.running_text()


@pytest.mark.skipif(not SHARED.exists(), reason="the example payloads are not here")
def test_the_example_file_is_taken_and_says_what_a_site_says(tmp_path: Path) -> None:
    machine = Machine("ce", load_grammar("frr-ce"), tmp_path, serial=NAME)
    assert machine.load(SHARED.read_text()) == []
    theirs = decode(PROFILE, SHARED.read_text())
    ours = dict(merged(fragments()).own)
    differing = {path for path in theirs if path not in ours or ours[path] != theirs[path]}
    assert {path[-1] for path in differing if not PROFILE.is_secret(path)} == {"description"}
