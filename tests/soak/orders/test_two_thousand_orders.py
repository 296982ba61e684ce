"""Two thousand orders in a row: a gateway does not grow, and the last takes as long as the first.

``ROM_SOAK_ORDERS`` chooses another number. The figures are printed in the end.
"""

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from math import ceil
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.acceptance.noc import (
    FIRST,
    PILOT,
    SECOND,
    Document,
    Noc,
    brisbane,
    only,
    roomy_network,
    without,
)
from tests.faults.network import Gateway, order

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]

ORDERS = int(os.environ.get("ROM_SOAK_ORDERS", "2000"))
ROUNDS = 10
RATES = ("100M", "200M", "300M", "400M")
UNMANAGED = ("SLA-Monitoring", "CE-Router")
WISHES: dict[str, Callable[[], Document]] = {
    FIRST: lambda: brisbane(FIRST),
    SECOND: lambda: brisbane(SECOND),
    PILOT: lambda: order("so-pilot-melbourne"),
}


@dataclass(frozen=True)
class Sample:
    """What a gateway uses after so many orders."""

    orders: int
    seconds: float
    """Since the sample before."""
    memory_mb: float
    threads: int
    descriptors: int
    database_kb: int
    log_kb: int


def sample(gateway: Gateway, orders: int, begun: float) -> Sample:
    assert gateway.child is not None
    process = Path(f"/proc/{gateway.child.pid}")
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    (row,) = gateway.rows("SELECT pg_database_size(current_database()) AS size")
    return Sample(
        orders,
        monotonic() - begun,
        int(status["VmRSS"].split()[0]) / 1024,
        int(status["Threads"]),
        len(list((process / "fd").iterdir())),
        row.size // 1024,
        (gateway.place / "serve.log").stat().st_size // 1024,
    )


def modifies(noc: Noc, site: str, number: int) -> None:
    """Change the site's rate so many times, one after the other."""
    rates = itertools.cycle(RATES)
    for _ in range(number):
        document = only(WISHES[site](), "QoS-Policy")
        (item,) = document["orderItem"]
        item["action"] = "modify"
        rate = next(rates)
        item["resource"]["resourceCharacteristic"] = [
            {"name": name, "value": rate} for name in ("downstream", "upstream")
        ]
        noc.done(document)


def test_two_thousand_orders_leave_a_gateway_as_it_was(capsys: Any) -> None:
    each = ceil(ORDERS / ROUNDS / len(WISHES))
    with roomy_network(ROM_TWAMP_PACKETS="300") as noc, ThreadPoolExecutor(len(WISHES)) as pool:
        for wish in WISHES.values():
            noc.done(without(wish(), *UNMANAGED))
        samples = []
        for index in range(ROUNDS):
            begun = monotonic()
            list(pool.map(lambda site: modifies(noc, site, each), WISHES))
            samples.append(sample(noc.gateway, (index + 1) * each * len(WISHES), begun))
    told(capsys, samples)
    early, late = samples[1], samples[-1]
    assert late.memory_mb < early.memory_mb * 1.25
    assert late.threads <= early.threads + 8
    assert late.descriptors <= early.descriptors + 16
    assert late.seconds < early.seconds * 1.5
    first, second = (samples[b].database_kb - samples[a].database_kb for a, b in ((0, 4), (5, 9)))
    assert second < first * 1.3
    assert samples[-1].log_kb / samples[-1].orders < 32


def told(capsys: Any, samples: list[Sample]) -> None:
    names = [field.name for field in fields(Sample)]
    lines = ["", " ".join(f"{name:>12}" for name in names)]
    for each in samples:
        lines.append(" ".join(f"{value:12.0f}" for value in astuple(each)))
    with capsys.disabled():
        print("\n".join(lines))  # noqa: T201 - a long run reports
