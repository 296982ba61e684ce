"""Sites on an OLT and a BNG whose commits take a second each: groups against one at a time.

The scripts get their payloads ready-made and keep their sessions open; of 200 sites they do some,
and the time is scaled up, which is fair as every site costs them the same.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest
from lxml import etree
from ncclient import manager
from nornir.core import Nornir
from nornir.core.configuration import Config, LoggingConfig
from nornir.core.inventory import ConnectionOptions, Defaults, Groups, Host, Hosts, Inventory
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir.core.state import GlobalState
from nornir.core.task import Task
from nornir.plugins.runners import ThreadedRunner

from adapters.netconf import operations
from adapters.netconf.rpc import Conversation
from adapters.netconf.transport import opened
from adapters.seam import Endpoint
from device_profiles.fragment import merged
from device_profiles.profile import load_profile
from device_profiles.tree import Path, difference
from device_profiles.yang import encode_edit

SITES, BY_SCRIPT, COMMIT_SECONDS = 200, 10, 1.0

pytestmark = pytest.mark.benchmark


class StockPlugin:
    """What a script's author writes: ncclient as it comes."""

    def open(self, *_: Any, extras: dict[str, Any], **__: Any) -> None:
        endpoint: Endpoint = extras["endpoint"]
        self.connection = manager.connect(
            host=endpoint.host,
            port=endpoint.port,
            username=endpoint.username,
            password=endpoint.password.get_secret_value(),
            hostkey_verify=False,
            allow_agent=False,
            look_for_keys=False,
        )

    def close(self) -> None:
        self.connection.close_session()


class RepairedPlugin:
    """The same script over this product's transport."""

    def open(self, *_: Any, extras: dict[str, Any], **__: Any) -> None:
        endpoint: Endpoint = extras["endpoint"]
        self.connection = Conversation(*opened(endpoint, 10), endpoint.device)

    def close(self) -> None:
        self.connection.close()


def push_stock(task: Task, config: Mapping[str, etree._Element]) -> None:
    session = task.host.get_connection("stock", task.nornir.config)
    session.lock("candidate")
    session.edit_config(config[task.host.name], target="candidate")
    session.validate()
    session.commit()
    session.unlock("candidate")


def push_repaired(task: Task, config: Mapping[str, etree._Element]) -> None:
    session = task.host.get_connection("repaired", task.nornir.config)
    for operation in (
        operations.lock("candidate"),
        operations.edit_config(config[task.host.name], isolated=True),
        operations.validate(),
        operations.commit(),
        operations.unlock("candidate"),
    ):
        session.call(operation, 10)


def payload(wanted: Mapping[str, Any], profile: str) -> etree._Element:
    """One site's whole configuration of one device, shared objects included."""
    whole = merged(wanted)
    tree: dict[Path, str] = dict(whole.own)
    for item in whole.shared:
        tree.update(item.tree)
    return encode_edit(load_profile(profile), difference({}, tree))


def script_seconds(
    network: Any,
    numbers: Iterable[int],
    fragments: Callable[[str, int], Mapping[str, Any]],
    plugin: str,
    push: Callable[..., None],
) -> float:
    """Seconds a nornir script takes to do sites one by one, both devices of a site at once."""
    endpoints = {name: device.endpoint for name, device in network.devices.items()}
    configs = [
        {
            name: payload(fragments(endpoint.profile, number), endpoint.profile)
            for name, endpoint in endpoints.items()
        }
        for number in numbers
    ]
    hosts = {
        name: Host(name, connection_options={plugin: ConnectionOptions(extras={"endpoint": each})})
        for name, each in endpoints.items()
    }
    nornir = Nornir(
        inventory=Inventory(Hosts(hosts), Groups(), Defaults()),
        config=Config(logging=LoggingConfig(enabled=False)),
        data=GlobalState(dry_run=False, failed_hosts=set()),
        runner=ThreadedRunner(num_workers=len(hosts)),
    )
    began = time.perf_counter()
    for config in configs:
        nornir.run(push, config=config).raise_on_error()
    taken = time.perf_counter() - began
    nornir.close_connections()
    return taken


def test_two_hundred_sites_go_out_in_groups_and_need_nothing_the_second_time(
    network: Any, fragments: Any, report: Callable[[str], None]
) -> None:
    plugins: Any = ConnectionPluginRegister  # its types want attributes that nobody reads
    plugins.register("stock", StockPlugin)
    plugins.register("repaired", RepairedPlugin)
    network.commit_delay(COMMIT_SECONDS)
    for number in range(SITES):
        for profile in ("bbf-olt", "sros-bng"):
            fragments(profile, number)  # rendering is not what is measured

    began = time.perf_counter()
    network.want(range(SITES))
    network.write(group_size=64)
    groups = time.perf_counter() - began
    first = network.calls()
    assert network.unfinished() == []

    began = time.perf_counter()
    network.want(range(SITES))
    network.write(group_size=64)
    again = time.perf_counter() - began
    second = network.calls() - first
    assert network.unfinished() == []

    scale = SITES / BY_SCRIPT
    numbers = range(SITES, SITES + 2 * BY_SCRIPT)
    stock = scale * script_seconds(network, numbers[:BY_SCRIPT], fragments, "stock", push_stock)
    repaired = scale * script_seconds(
        network, numbers[BY_SCRIPT:], fragments, "repaired", push_repaired
    )
    report(
        f"{SITES} sites on an OLT and a BNG, commits of {COMMIT_SECONDS:.0f} s: groups of 64 "
        f"{groups:.1f} s ({SITES / groups:.1f} sites/s, {first['commit']} commits and "
        f"{first['get-config']} reads on both devices); "
        f"one by one, scaled from {BY_SCRIPT}: stock ncclient {stock:.0f} s "
        f"({SITES / stock:.2f} sites/s), repaired transport {repaired:.0f} s; "
        f"{2 * SITES} commits"
    )
    report(
        f"stock / groups = {stock / groups:.1f}; repaired / groups = {repaired / groups:.1f}; "
        f"stock / repaired = {stock / repaired:.2f}"
    )
    report(
        f"the same {SITES} sites again: {again:.1f} s ({SITES / again:.0f} sites/s), "
        f"{second['get-config']} reads, {second['edit-config']} edits, {second['commit']} commits; "
        f"first / again = {groups / again:.1f}"
    )
    assert stock > 10 * groups
    assert set(second) == {"get-config"}
    assert first["commit"] <= 20  # two for each of four groups on each of two devices are 16
