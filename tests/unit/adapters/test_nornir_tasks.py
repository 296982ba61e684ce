"""Nornir tasks against a session that keeps what it is asked."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from nornir.core import Nornir
from nornir.core.configuration import Config, LoggingConfig
from nornir.core.inventory import ConnectionOptions, Host, Hosts, Inventory
from nornir.core.plugins.connections import ConnectionPluginRegister
from nornir.core.state import GlobalState
from nornir.core.task import Result, Task
from nornir.plugins.runners import SerialRunner

from adapters.errors import DeviceTimeout, Unsupported
from adapters.nornir import tasks
from adapters.nornir.connection import NAME, SessionPlugin
from adapters.nornir.tasks import ByHost
from adapters.receipts import receipt
from adapters.seam import ApplyMode, Query, Receipt, SiteEdits, SiteOutcome
from device_profiles.checks import Check
from device_profiles.tree import Edit, Path, Tree, in_scope

PORT = ("openconfig-interfaces:interfaces", "interface[name='Gi0/1']")
TEXT, SPEED = (*PORT, "config", "description"), (*PORT, "config", "mtu")
HELD = {PORT: "", TEXT: "old", SPEED: "1500"}


@dataclass
class Device:
    """A session, and the lease on it, of one simulated host."""

    held: Tree = field(default_factory=lambda: HELD)
    values: Mapping[str, str | None] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    done: list[Any] = field(default_factory=list)
    opened: int = 0

    def take(self) -> "Device":
        self.opened += 1
        return self

    def end(self) -> None:
        self.opened -= 1

    def read(self, scope: Collection[Path]) -> Tree:
        self.done.append(("read", frozenset(scope)))
        return in_scope(self.held, scope)

    def probe(self, queries: Sequence[Query]) -> Mapping[str, str | None]:
        assert all(type(query) is Query for query in queries)
        return {query.name: self.values.get(query.name) for query in queries}

    def apply(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> Receipt:
        self.done.append(("apply", tuple(batch), mode))
        return receipt(batch, mode, self.refused, "<sent/>")

    def confirm(self, transaction: str) -> None:
        self.done.append(("confirm", transaction))

    def cancel(self, transaction: str) -> None:
        raise DeviceTimeout(transaction, device="A")


@pytest.fixture
def device() -> Device:
    return Device()


Run = Callable[..., Result]


@pytest.fixture
def run(device: Device) -> Run:
    """Run a task on the device and return the first of its results."""
    if NAME not in ConnectionPluginRegister.available:
        ConnectionPluginRegister.register(NAME, SessionPlugin)

    def once(
        task: Callable[..., Result],
        *,
        platform: str = "openconfig-switch",
        dry: bool = False,
        **arguments: Any,
    ) -> Result:
        options = {NAME: ConnectionOptions(extras={"lease": device})}
        host = Host("A", platform=platform, connection_options=options)
        nornir = Nornir(
            Inventory(Hosts(A=host)),
            Config(logging=LoggingConfig(enabled=False)),
            GlobalState(dry_run=dry, failed_hosts=set()),
            runner=SerialRunner(),
        )
        with nornir:
            return nornir.run(task, **arguments)["A"][0]

    return once


def test_a_read_returns_the_tree(run: Run, device: Device) -> None:
    assert run(tasks.read, scope=[TEXT]).result == {PORT: "", TEXT: "old"}
    assert device.opened == 0, "the connection was given back"


def test_each_host_gets_its_own_argument(run: Run) -> None:
    assert run(tasks.read, scope=ByHost({"A": [TEXT], "B": []})).result[TEXT] == "old"


def test_a_host_without_an_argument_of_its_own_is_refused(run: Run, device: Device) -> None:
    ended = run(tasks.read, scope=ByHost({"B": [TEXT]}))
    assert isinstance(ended.exception, Unsupported)
    assert device.done == []


def test_a_check_returns_values_and_judges_those_that_expect_one(run: Run, device: Device) -> None:
    device.values = {"speed": "10G", "oper": "DOWN", "uptime": "7"}
    checks = [
        Check("speed", command="s", expect="10G"),
        Check("oper", command="o", expect="UP", waiting={"DOWN": "AWAITING_CPE"}),
        Query("uptime", command="u"),
        Query("nothing", command="n"),
    ]
    ended = run(tasks.check, queries=checks)
    assert ended.result == {"speed": "10G", "oper": "DOWN", "uptime": "7", "nothing": None}
    assert ended.failed
    assert ended.failing == {"oper": "AWAITING_CPE"}


def test_a_check_that_all_pass_has_not_failed(run: Run, device: Device) -> None:
    device.values = {"speed": "10G"}
    assert not run(tasks.check, queries=[Check("speed", command="s", expect="10G")]).failed


def test_a_difference_without_a_scope_takes_nothing_away(run: Run, device: Device) -> None:
    found = run(tasks.diff, wanted={TEXT: "new"}, site="CHG-1")
    assert found.result == SiteEdits("CHG-1", (Edit(TEXT, "old", "new"),))
    assert "<description>new</description>" in found.diff
    assert "mtu" not in found.diff
    assert [kind for kind, *_ in device.done] == ["read"]


def test_what_the_scope_holds_and_nobody_wants_goes(run: Run) -> None:
    found = run(tasks.diff, wanted={TEXT: "old"}, scope=[(*PORT, "config")])
    assert found.result.edits == (Edit(SPEED, "1500", None),)


def test_nothing_differs_when_the_device_holds_what_is_wanted(run: Run) -> None:
    found = run(tasks.diff, wanted={TEXT: "old"})
    assert (found.result.edits, found.diff) == ((), "")


EDITS = [SiteEdits("CHG-1", (Edit(TEXT, "old", "new"),))]


def test_an_apply_sends_and_returns_the_receipt(run: Run, device: Device) -> None:
    ended = run(tasks.apply, batch=EDITS, mode=ApplyMode("t-1"))
    assert device.done == [("apply", tuple(EDITS), ApplyMode("t-1"))]
    assert ended.result.sites[0].outcome is SiteOutcome.APPLIED
    assert (ended.changed, ended.failed, ended.diff) == (True, False, "<sent/>")


def test_an_apply_names_its_transaction_itself_where_nobody_does(run: Run, device: Device) -> None:
    names = {run(tasks.apply, batch=EDITS).result.transaction for _ in range(2)}
    assert len(names) == 2


@pytest.mark.parametrize(("by_nornir", "by_argument"), [(True, None), (False, True)])
def test_a_dry_run_shows_what_would_be_sent_and_opens_nothing(
    run: Run, device: Device, *, by_nornir: bool, by_argument: bool | None
) -> None:
    def look(task: Task) -> Result:
        ended = tasks.apply(task, EDITS, dry_run=by_argument)
        assert device.opened == 0
        return ended

    ended = run(look, dry=by_nornir)
    assert ended.exception is None
    assert (ended.result, ended.changed, device.done) == (None, True, [])
    assert "<description>new</description>" in ended.diff


def test_an_argument_overrides_the_dry_run_of_nornir(run: Run, device: Device) -> None:
    run(tasks.apply, dry=True, batch=EDITS, dry_run=False)
    assert [kind for kind, *_ in device.done] == ["apply"]


def test_a_refused_part_fails_the_host_and_its_words_are_in_the_receipt(
    run: Run, device: Device
) -> None:
    device.refused = {"CHG-1": "no such port"}
    ended = run(tasks.apply, batch=EDITS)
    assert (ended.failed, ended.changed) == (True, False)
    assert ended.result.sites[0].error == "no such port"


def test_no_edits_change_nothing(run: Run) -> None:
    ended = run(tasks.apply, batch=[SiteEdits("CHG-1", ())])
    assert (ended.changed, ended.failed) == (False, False)


BGP_KEY = (
    "nokia-conf:configure", "service", "vprn[service-name='V']", "bgp",
    "neighbor[ip-address='10.0.0.2']", "authentication-key",
)  # fmt: skip


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_secret_among_the_arguments_is_refused(
    run: Run, device: Device, *, dry_run: bool
) -> None:
    batch = [SiteEdits("CHG-1", (Edit(BGP_KEY, None, "hunter2"),))]
    ended = run(tasks.apply, platform="sros-bng", batch=batch, dry_run=dry_run)
    assert isinstance(ended.exception, Unsupported)
    assert "hunter2" not in str(ended.exception)
    assert device.done == []


@pytest.mark.parametrize("wanted", ["secret:bgp/V", None])
def test_a_secret_by_its_name_is_sent_and_so_is_its_removal(
    run: Run, device: Device, wanted: str | None
) -> None:
    batch = [SiteEdits("CHG-1", (Edit(BGP_KEY, None, wanted),))]
    assert run(tasks.apply, platform="sros-bng", batch=batch).exception is None
    assert [kind for kind, *_ in device.done] == ["apply"]


def test_a_confirmed_commit_is_confirmed(run: Run, device: Device) -> None:
    assert run(tasks.confirm, transaction="t-1").changed
    assert device.done == [("confirm", "t-1")]


def test_an_error_of_the_device_is_the_results_exception(run: Run) -> None:
    ended = run(tasks.cancel, transaction="t-1")
    assert ended.failed
    assert isinstance(ended.exception, DeviceTimeout)
