"""A gateway that dies within a confirmed commit's window: the device returns by itself."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.faults.network import until
from tests.integration.undo.doomed import WITHIN
from tests.integration.undo.network import Network
from tests.laws.devices import oracle, same
from tests.laws.sites import DEVICES, OLT, Wish, fragments

ROOT = Path(__file__).parents[3]
WINDOW_SECONDS = 8
pytestmark = pytest.mark.timeout(240)


@contextmanager
def killed_within_its_window(network: Network, seconds: int) -> Iterator[None]:
    """A writer is killed between its commit and the confirmation; the window is then still open."""
    command = [sys.executable, "-m", "tests.integration.undo.doomed", network.url, OLT]
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [*command, str(seconds)], cwd=ROOT, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:  # it logs there as well
                if WITHIN in line.decode():
                    break
            else:
                pytest.fail("the writer never came to its window")
            yield
        finally:
            child.kill()


def kinds(network: Network) -> list[str]:
    """What has become running on the OLT, and how."""
    return [applied.kind for applied in network.devices[OLT].counters.applied]


def recover(network: Network) -> None:
    """The dead one's lease has run out, and the next writer comes up."""
    with network.engine.begin() as connection:
        connection.execute(sa.text("UPDATE device_lease SET until = now() - interval '1 s'"))
    network.write(OLT)


def test_the_device_returns_alone_and_the_ledger_learns_of_it_by_reading(network: Network) -> None:
    network.bring(0, Wish(500))
    before = network.running()
    number = network.ask(OLT, 0, fragments(OLT, 0, Wish(800)), "modify")
    applied = len(kinds(network))
    with killed_within_its_window(network, WINDOW_SECONDS):
        assert kinds(network)[applied:] == ["confirmed"]
        assert network.running()[OLT] != before[OLT]
    connections = network.devices[OLT].counters.connections

    until(lambda: kinds(network)[applied:] == ["confirmed", "revert"], "it returned", 60)
    assert network.devices[OLT].counters.connections == connections  # nobody asked it to
    assert network.running() == before
    (dead,) = network.rows("SELECT id, state FROM device_txn WHERE kind = 'modify'")
    assert dead.state == "confirming"

    recover(network)
    (first, second) = network.rows(
        "SELECT id, state, error FROM device_txn WHERE kind = 'modify' ORDER BY started_at"
    )
    assert (first.id, first.state, first.error) == (dead.id, "reverted", "resolved by reading")
    assert second.state == "committed"
    assert network.change(number).state == "done"
    same(OLT, network.devices[OLT].running, oracle(OLT, {0: Wish(800)}))
    assert network.roll_back(0)["result"]["verdict"] == "VERIFIED"
    for device in DEVICES:  # no effect of the dead one has stayed in the ledger
        same(device, network.devices[device].running, oracle(device, {}))
