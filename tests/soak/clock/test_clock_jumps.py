"""The clock of gateway and database jumps by hours, both ways, while orders are under way.

Both run with a wall clock that the test moves; the simulated network's stays. Were a pause to last
as much longer as the clock was set back, an order would need six hours.
"""

import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from rom.store.embedded import EmbeddedPostgres
from tests.faults.network import Lab, a_place, inventory_file, order, until
from tests.soak.kills.pair import LINKS, Replica

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

HOURS = 6 * 3600
SOURCE = Path(__file__).with_name("shifted_clock.c")


@dataclass
class Clock:
    """The wall clock of whoever runs with ``environment``."""

    place: Path

    def __post_init__(self) -> None:
        compiler = shutil.which("gcc")
        assert compiler is not None
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(self.library), str(SOURCE)]
        subprocess.run(command, check=True)  # noqa: S603 - our own source
        self.shift = 0
        self._write()
        self._file.chmod(0o644)

    @property
    def library(self) -> Path:
        return self.place / "shifted_clock.so"

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "CLOCK_SHIFT": str(self._file)}

    def jump(self, seconds: int) -> None:
        """Set the clock forward, or back."""
        self.shift += seconds
        self._write()

    @property
    def _file(self) -> Path:
        return self.place / "shift"

    def _write(self) -> None:
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", self.shift))  # in place: others have it mapped


class ShiftedPostgres(EmbeddedPostgres):
    """PostgreSQL that goes by the moved clock."""

    clock: Clock

    def _call(self, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        if (program, *arguments[:1]) != ("pg_ctl", "start"):
            return super()._call(program, *arguments)
        binary = str(self._binaries() / program)
        words = [f"{name}={value}" for name, value in self.clock.environment.items()]
        command = ["/usr/bin/env", *words, binary, *map(str, arguments)]
        return subprocess.run(  # noqa: S603 - our own binary
            command, user=self._user, cwd="/", stdin=subprocess.DEVNULL, check=False, text=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"LC_ALL": "C.UTF-8"},
        )  # fmt: skip


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with a_place() as found:
        yield found


@pytest.fixture(scope="module")
def clock(place: Path) -> Clock:
    return Clock(place)


@pytest.fixture(scope="module")
def gateway(place: Path, clock: Clock) -> Iterator[Replica]:
    state = place / "lab"
    state.mkdir(mode=0o700)
    postgres = ShiftedPostgres(place / "database")
    postgres.clock = clock
    with postgres as database:
        lab = Lab(state, "enterprise-fibre", 4.0)
        found = Replica(place / "gateway", lab, database.url, None)
        found.environment |= {**clock.environment, "ROM_CONFIRM_SECONDS": "120"}
        found.begin("--inventory", str(inventory_file(place, brisbane_links=LINKS)))
        try:
            until(found.takes_orders, "the gateway takes orders", 120)
            yield found
        finally:
            assert found.child is not None
            found.child.stop(30)
            found.http.close()
            lab.stop()


def told(gateway: Replica, event: str) -> list[dict[str, object]]:
    return [line for line in gateway.log() if line.get("event") == event]


def test_a_clock_set_forward_while_a_router_is_on_its_way_stops_nothing(
    gateway: Replica, clock: Clock
) -> None:
    order_id = gateway.post(order("so-pilot-melbourne"))
    gateway.awaits(order_id, "ROI-006", state="pending", reason="AWAITING_CPE")
    clock.jump(HOURS)
    gateway.completes(order_id)


def test_a_retry_comes_when_it_should_after_the_clock_was_set_back(
    gateway: Replica, clock: Clock
) -> None:
    gateway.lab.fault("BNG-MEL-01", "refuse-connections", on=True)
    gateway.lab.fault("BNG-MEL-01", "drop-session", operation="get-config", moment="before")
    order_id = gateway.post(changed_rate("300M"))
    until(
        lambda: gateway.rows(
            "SELECT 1 FROM change WHERE device = 'BNG-MEL-01' AND due_at IS NOT NULL"
        ),
        "the change is put off",
    )
    clock.jump(-HOURS)
    gateway.lab.fault("BNG-MEL-01", "refuse-connections", on=False)
    gateway.completes(order_id)
    assert told(gateway, "clock.set_back")


def test_a_killed_gateway_s_lease_ends_though_the_clock_was_set_back(
    gateway: Replica, clock: Clock
) -> None:
    clock.jump(HOURS)
    gateway.lab.fault("BNG-MEL-01", "slow-commit", seconds=2)
    order_id = gateway.post(changed_rate("400M"))
    until(
        lambda: gateway.rows("SELECT 1 FROM device_txn WHERE state = 'sent'"),
        "a commit has left",
    )
    gateway.kill()
    clock.jump(-HOURS)
    gateway.begin()
    until(gateway.takes_orders, "the gateway takes orders", 120)
    gateway.completes(order_id)
    checked = gateway.rom("device", "check", "--all")
    assert checked.exit_code == 0, checked.output


def changed_rate(rate: str) -> dict[str, object]:
    document = order("so-pilot-melbourne")
    document["orderItem"] = [
        item
        for item in document["orderItem"]
        if item["resourceSpecification"]["id"] == "RFS:QoS-Policy"
    ]
    (item,) = document["orderItem"]
    item["action"] = "modify"
    item.pop("orderItemRelationship", None)
    item["resource"]["resourceCharacteristic"] = [
        {"name": name, "value": rate} for name in ("downstream", "upstream")
    ]
    return document
