"""One network of its own for what only a look at whole devices can tell."""

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
    without,
)
from tests.faults.network import order


@pytest.fixture(scope="module")
def noc(folder: Any) -> Noc:
    found: Noc = folder.keep("noc", audited_network)
    return found


@pytest.fixture(scope="module")
def before(folder: Any, noc: Noc) -> dict[str, str]:
    """What every device held before the first order."""
    found: dict[str, str] = folder.note("before", noc.whole)
    return found


@pytest.fixture(scope="module")
def others(folder: Any, noc: Noc, before: dict[str, str]) -> dict[str, str]:
    """What every device holds with the sites in service that most tests leave alone."""

    def brought_in() -> dict[str, str]:
        documents = {
            SECOND: without(brisbane(SECOND), "SLA-Monitoring"),
            PILOT: order("so-pilot-melbourne"),
            SYDNEY: order("so-wave1-sydney-2"),
        }
        noc.orders |= {site: noc.gateway.post(document) for site, document in documents.items()}
        for site in documents:
            noc.gateway.completes(noc.orders[site])
        return noc.whole()

    found: dict[str, str] = folder.note("others", brought_in)
    return found


@pytest.fixture(scope="module")
def full(folder: Any, noc: Noc, others: dict[str, str]) -> dict[str, str]:
    """What every device holds with Brisbane 1 in service too."""

    def brought_in() -> dict[str, str]:
        noc.orders[FIRST] = noc.done(brisbane(FIRST))
        return noc.whole()

    found: dict[str, str] = folder.note("full", brought_in)
    return found
