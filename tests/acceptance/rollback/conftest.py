"""One network with four sites in service, and what engineers do to it: over HTTP, ``rom``, by hand.

The tests run in one process and in the order of the files; each leaves the network as its last
line says. Brisbane 1 is ordered last, so that the network without it is known.
"""

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
from tests.faults.network import order


@pytest.fixture(scope="module")
def noc(folder: Any) -> Noc:
    found: Noc = folder.keep("noc", audited_network)
    return found


@pytest.fixture(scope="module")
def before(folder: Any, noc: Noc) -> dict[str, str]:
    """What every device held before the first order."""
    found: dict[str, str] = folder.note("before", noc.running)
    return found


@pytest.fixture(scope="module")
def others(folder: Any, noc: Noc, before: dict[str, str]) -> dict[str, str]:
    """What every device holds with all sites but Brisbane 1 in service."""

    def brought_in() -> dict[str, str]:
        documents = {
            SECOND: brisbane(SECOND),
            PILOT: order("so-pilot-melbourne"),
            SYDNEY: order("so-wave1-sydney-2"),
        }
        noc.orders |= {site: noc.gateway.post(document) for site, document in documents.items()}
        for site in documents:
            noc.gateway.completes(noc.orders[site])
        return noc.running()

    found: dict[str, str] = folder.note("others", brought_in)
    return found


@pytest.fixture(scope="module")
def full(folder: Any, noc: Noc, others: dict[str, str]) -> dict[str, str]:
    """What every device holds with all four sites in service."""

    def brought_in() -> dict[str, str]:
        noc.orders[FIRST] = noc.gateway.post(brisbane(FIRST))
        noc.gateway.completes(noc.orders[FIRST])
        return noc.running()

    found: dict[str, str] = folder.note("full", brought_in)
    return found


@pytest.fixture(scope="session")
def modify() -> Any:
    return faster
