"""One network, and what engineers do to it: over HTTP, with ``rom``, by hand.

Each test asks for the sites it needs in service, or gone, and finds them so.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.acceptance.noc import (
    FIRST,
    PILOT,
    SECOND,
    SYDNEY,
    Noc,
    audited_network,
    brisbane,
    faster,
)
from tests.acceptance.stage import Stage
from tests.faults.network import order

BNG = "BNG-BNE-01"
Running = dict[str, str]
WANTED = {
    FIRST: lambda: brisbane(FIRST),
    SECOND: lambda: brisbane(SECOND),
    PILOT: lambda: order("so-pilot-melbourne"),
    SYDNEY: lambda: order("so-wave1-sydney-2"),
}


@pytest.fixture(scope="module")
def noc(folder: Any) -> Noc:
    found: Noc = folder.keep("noc", audited_network)
    return found


@pytest.fixture(scope="module")
def stage(folder: Any, noc: Noc) -> Stage:
    found: Stage = folder.note("stage", lambda: Stage(noc, WANTED, noc.running))
    return found


@pytest.fixture
def before(stage: Stage) -> Running:
    """What every device held before the first order."""
    return stage.before


@pytest.fixture
def others(stage: Stage) -> Running:
    """What every device holds with all sites but Brisbane 1 in service, as they are."""
    return stage.others()


@pytest.fixture
def full(stage: Stage) -> Running:
    """What every device holds with all four sites in service, as they are."""
    return stage.full()


@pytest.fixture
def without_first(noc: Noc, stage: Stage, others: Running) -> None:
    """Brisbane 1 has been in service and is no more; all others are."""
    if FIRST not in noc.orders:
        stage.serves(FIRST)
    stage.takes_back(FIRST)


@pytest.fixture
def without_second(noc: Noc, stage: Stage) -> None:
    """Brisbane 2 has been in service and is no more."""
    if SECOND not in noc.orders:
        stage.serves(SECOND)
    stage.takes_back(SECOND)


@pytest.fixture
def pilot(stage: Stage) -> None:
    """Melbourne is in service."""
    stage.serves(PILOT)


@pytest.fixture
def pilot_on_its_gateway(noc: Noc, stage: Stage) -> None:
    """Melbourne is in service, or what its gateway could not let go is still there."""
    if not noc.held(PILOT):
        stage.serves(PILOT)


@pytest.fixture
def sydney(stage: Stage) -> None:
    """Sydney is in service."""
    stage.serves(SYDNEY)


def on_interface(site: str, leaves: str) -> str:
    """The Brisbane gateway's configuration with leaves of a site's interface."""
    return (
        '<configure xmlns="urn:nokia.com:sros:ns:yang:sr:conf"><service><vprn>'
        "<service-name>ENT-1102</service-name><interface>"
        f"<interface-name>{site}</interface-name>{leaves}</interface></vprn></service></configure>"
    )


@pytest.fixture
def drifted(noc: Noc, full: Running) -> Iterator[Running]:
    """Somebody has typed another description of Brisbane 1; afterwards it is as it was."""
    described = "<description>{}</description>".format
    noc.by_hand(BNG, on_interface(FIRST, described("Tuesday night")))
    yield noc.running()
    if "Tuesday night" in noc.running()[BNG]:
        noc.by_hand(BNG, on_interface(FIRST, described(f"SI-FA-{FIRST}")))


@pytest.fixture(scope="session")
def modify() -> Any:
    return faster
