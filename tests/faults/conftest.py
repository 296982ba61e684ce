"""One network for all faults that do not kill the gateway."""

from collections.abc import Iterator

import pytest

from tests.faults.network import Shared, network, order, state_of


@pytest.fixture(scope="session")
def shared() -> Iterator[Shared]:
    with network() as gateway:
        gateway.completes(gateway.post(order("so-pilot-melbourne")))
        running, changes = state_of(gateway)
        yield Shared(gateway, gateway.lab, running, changes)
