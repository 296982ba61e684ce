"""One network for all faults that do not kill the gateway."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults.network import Shared, network, order, state_of


@contextmanager
def undisturbed() -> Iterator[Shared]:
    with network() as gateway:
        gateway.completes(gateway.post(order("so-pilot-melbourne")))
        running, changes = state_of(gateway)
        yield Shared(gateway, gateway.lab, running, changes)


@pytest.fixture(scope="module")
def shared(folder: Any) -> Shared:
    found: Shared = folder.keep("shared", undisturbed)
    return found
