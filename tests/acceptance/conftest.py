"""What acceptance tests share: a lab that does not let them wait for what they do not look at."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import mock_devices

SHIPPED = Path(mock_devices.__file__).parent / "topologies" / "enterprise-fibre"


@pytest.fixture(scope="session", autouse=True)
def packets_leave_quickly() -> Iterator[None]:
    """Send a measurement's packets faster than the lab does; there are as many of them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("ROM_TWAMP_INTERVAL", "0.0002")
        yield


@pytest.fixture(scope="session")
def near_lab(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The shipped topology with a carrier that is there at once."""
    place = tmp_path_factory.mktemp("near") / SHIPPED.name
    shutil.copytree(SHIPPED, place)
    file = place / "topology.yaml"
    text = file.read_text()
    assert "delivery_seconds: 4.0" in text
    file.write_text(text.replace("delivery_seconds: 4.0", "delivery_seconds: 0.2"))
    return str(file)
