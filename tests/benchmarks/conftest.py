"""Simulated devices in processes of their own, numbered sites, and the real writer on both."""

import json
import logging
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache, partial
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
import yaml
from pydantic import SecretStr

from adapters.fleet import Fleet
from adapters.seam import Endpoint, Session
from device_profiles.fragment import Fragment
from device_profiles.profile import load_profile
from device_profiles.render import render
from mock_devices.lab.baselines import Baselines
from mock_devices.lab.topology import NetconfDeviceSpec, load_topology
from rom.ledger.group import WriterSettings
from rom.ledger.writer import DeviceWriter
from rom.model.change import Policy
from rom.store import changes, intents
from rom.store.database import make_engine, migrate
from rom.store.tables import change
from rom.vault.vault import Vault

PROJECT = Path(__file__).parents[2]
TOPOLOGY = PROJECT / "mock_devices" / "topologies" / "enterprise-fibre" / "topology.yaml"
PASSWORD = "lab"
SITES_PER_CUSTOMER, SITES_PER_PON = 10, 64
ITEMS = {
    "bbf-olt": {"bearer": "gpon-bearer", "vlan": "vlan-service", "qos": "qos-policy"},
    "sros-bng": {
        "vlan": "vlan-service",
        "ip": "ip-profile",
        "qos": "qos-policy",
        "sla": "sla-monitoring",
    },
}


@lru_cache
def _pilot() -> dict[str, Any]:
    text = (PROJECT / "tests" / "data" / "contexts" / "ENT-1102-MELB.yaml").read_text()
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def site_name(number: int) -> str:
    return f"ENT-{2000 + number // SITES_PER_CUSTOMER}-S{number:04}"


def context(number: int) -> dict[str, Any]:
    """The pilot site's context with every resource numbered on."""
    customer, pon = 2000 + number // SITES_PER_CUSTOMER, 1 + number // SITES_PER_PON
    subnet = IPv4Network((int(IPv4Network("10.100.0.0/29").network_address) + 8 * number, 29))
    prefix = IPv6Network((int(IPv6Network("2001:db8:4000::/64")[0]) + (number << 64), 64))
    result = deepcopy(_pilot())
    result["site"].update(key=site_name(number), name=site_name(number))
    result["customer"].update(id=f"CUST-ENT-{customer}", number=customer, vpn=f"ENT-{customer}")
    resources = result["res"]
    resources["bearer"].update(
        port=f"2/{pon}",
        channel_partition=f"CPART-2-{pon}",
        channel_pair=f"CPAIR-2-{pon}-gpon",
        channel_termination=f"CT-2-{pon}",
    )
    resources["ont"].update(serial=f"ALCL{0xA0000000 + number:08X}")
    resources["onu_id"]["value"] = number % SITES_PER_PON
    resources["alloc_id"]["value"] = 512 + number
    resources["gemport_tc1"]["value"] = 1000 + 2 * number
    resources["gemport_tc3"]["value"] = 1001 + 2 * number
    resources["vlan"]["value"] = 100 + number
    resources["ipv4"].update(
        prefix=str(subnet), network=str(subnet[0]), gateway=str(subnet[1]), ce=str(subnet[2])
    )
    resources["ipv6"].update(prefix=str(prefix), gateway=str(prefix[1]), ce=str(prefix[2]))
    result["circuit_id"] = f"OLT-SOUTH-03 xpon 2/{pon}/{number % SITES_PER_PON}:{100 + number}"
    return result


@lru_cache(maxsize=2048)
def wanted_fragments(profile: str, number: int) -> Mapping[str, Fragment]:
    """What a numbered site wants on a platform, by item key."""
    known, values = load_profile(profile), context(number)
    return {key: render(known, name, values) for key, name in ITEMS[profile].items()}


@dataclass
class DeviceProcess:
    """A simulated device and the line to it."""

    endpoint: Endpoint
    process: subprocess.Popen[bytes] = field(repr=False)

    def told(self, **settings: float) -> Counter[str]:
        """Change settings; return the operations the device has seen by name."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(settings).encode() + b"\n")
        self.process.stdin.flush()
        return Counter(json.loads(self.process.stdout.readline()))


@contextmanager
def device_process(
    name: str, profile: str, baseline: bytes, folder: Path
) -> Iterator[DeviceProcess]:
    """A device with a baseline, in an interpreter that nobody shares."""
    file = folder / f"{name}.xml"
    file.write_bytes(baseline)
    command = [sys.executable, "-m", "tests.benchmarks.device_process", profile, str(file)]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [*command, str(folder / name)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=PROJECT,
    ) as process:
        assert process.stdout is not None
        port, key = json.loads(process.stdout.readline())
        yield DeviceProcess(
            Endpoint(name, profile, "127.0.0.1", port, "rom", SecretStr(PASSWORD), key), process
        )
        process.terminate()


class Network:
    """One OLT and one BNG, and the writer of a gateway that has both."""

    def __init__(self, engine: sa.Engine, devices: Mapping[str, DeviceProcess]) -> None:
        self.engine = engine
        self.devices = devices
        self.vault = Vault(engine, SecretStr("k" * 40))
        self.fleet = Fleet(load_profile, self.vault.resolve)

    @contextmanager
    def open(self, device: str, site: str) -> Iterator[Session]:
        with self.fleet.session(self.devices[device].endpoint) as session:
            yield session

    def commit_delay(self, seconds: float) -> None:
        for device in self.devices.values():
            device.told(commit_delay=seconds)

    def calls(self) -> Counter[str]:
        """Operations all devices have seen so far, by name."""
        return sum((device.told() for device in self.devices.values()), Counter())

    def want(self, numbers: Iterable[int]) -> None:
        """Ask both devices' writers for the sites."""
        with self.engine.begin() as connection:
            for number in numbers:
                for name, device in self.devices.items():
                    intents.keep(
                        connection,
                        device=name,
                        site=site_name(number),
                        role="access" if device.endpoint.profile == "bbf-olt" else "bng",
                        fragments=wanted_fragments(device.endpoint.profile, number),
                    )
                    changes.request(connection, device=name, site=site_name(number), kind="apply")

    def take_back(self, number: int, device: str, policy: Policy) -> None:
        """Ask a device's writer to take a site back."""
        site = site_name(number)
        with self.engine.begin() as connection:
            intents.keep(connection, device=device, site=site, role="", fragments={})
            changes.request(connection, device=device, site=site, kind="rollback", policy=policy)

    def run(self, device: str, group_size: int = 64) -> None:
        """Let a device's writer take everything that waits for it."""
        settings = WriterSettings("bench", 60, 120, group_size, 60)
        DeviceWriter(self.engine, self, settings, self.vault).run(device)

    def write(self, group_size: int = 64) -> None:
        """Let each device's writer take everything that waits, at the same time."""
        with ThreadPoolExecutor(len(self.devices)) as pool:
            list(pool.map(partial(self.run, group_size=group_size), self.devices))

    def unfinished(self, device: str = "") -> list[Any]:
        """Changes that did not end well, of one device or of all."""
        query = sa.select(change).where(change.c.state != "done").limit(3)
        if device:
            query = query.where(change.c.device == device)
        with self.engine.connect() as connection:
            return list(connection.execute(query))


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Nothing logged: it would cost time and hide what is reported."""
    known = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**known)


@pytest.fixture
def baselines() -> Mapping[str, tuple[str, bytes]]:
    """Platform and first configuration of the OLT and the BNG, by name."""
    topology = load_topology(TOPOLOGY)
    files = Baselines(TOPOLOGY.parent / "baselines", ())
    found = {}
    for name in ("OLT-SOUTH-03", "BNG-MEL-01"):
        spec = topology.devices[name]
        assert isinstance(spec, NetconfDeviceSpec)
        ports = tuple(f"2/{port}" for port in range(1, 9)) if spec.pon_ports else ()
        spec = spec.model_copy(update={"pon_ports": ports})
        found[name] = (spec.platform, files.netconf(name, spec))
    return found


@pytest.fixture
def network(
    database_url: str, tmp_path: Path, baselines: Mapping[str, tuple[str, bytes]]
) -> Iterator[Network]:
    """Fresh devices and a fresh database."""
    engine = make_engine(database_url)
    migrate(engine)
    (olt, (olt_profile, olt_config)), (bng, (bng_profile, bng_config)) = baselines.items()
    with (
        device_process(olt, olt_profile, olt_config, tmp_path) as first,
        device_process(bng, bng_profile, bng_config, tmp_path) as second,
    ):
        made = Network(engine, {olt: first, bng: second})
        yield made
        made.fleet.close()
    engine.dispose()


@pytest.fixture
def fragments() -> Callable[[str, int], Mapping[str, Fragment]]:
    """What a numbered site wants on a platform."""
    return wanted_fragments


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print past pytest's capture: a benchmark reports."""

    def line(text: str) -> None:
        with capsys.disabled():
            print(f"\n{text}", end="", flush=True)  # noqa: T201 - a benchmark reports

    return line
