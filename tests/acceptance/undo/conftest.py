"""One network of its own for what only a look at whole devices can tell.

Each test asks for the sites it needs in service and finds them so, whatever went before it.
"""

from typing import Any

import pytest

from tests.acceptance.noc import (
    FIRST,
    PILOT,
    SECOND,
    SYDNEY,
    Noc,
    brisbane,
    roomy_network,
    without,
)
from tests.acceptance.stage import Stage
from tests.faults.network import order

Whole = dict[str, str]
WANTED = {
    FIRST: lambda: brisbane(FIRST),
    SECOND: lambda: without(brisbane(SECOND), "SLA-Monitoring"),
    PILOT: lambda: order("so-pilot-melbourne"),
    SYDNEY: lambda: order("so-wave1-sydney-2"),
}


@pytest.fixture(scope="module")
def noc(folder: Any) -> Noc:
    found: Noc = folder.keep("noc", roomy_network)
    return found


@pytest.fixture(scope="module")
def stage(folder: Any, noc: Noc) -> Stage:
    found: Stage = folder.note("stage", lambda: Stage(noc, WANTED, noc.whole))
    return found


@pytest.fixture
def others(stage: Stage) -> Whole:
    """What every device holds with all sites but Brisbane 1 in service, as they are."""
    return stage.others()


@pytest.fixture
def full(stage: Stage) -> Whole:
    """What every device holds with all four sites in service, as they are."""
    return stage.full()
