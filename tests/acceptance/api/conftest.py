"""A whole gateway with the simulated lab, as processes, reached over HTTP only."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import api
from api.serving.scratch import gateway_process

EXAMPLES = Path(api.__file__).parent / "examples"


@pytest.fixture(scope="session")
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rom-acceptance-") as name:
        if os.geteuid() == 0:
            Path(name).chmod(0o711)  # PostgreSQL runs as another user then
        yield Path(name)


@pytest.fixture(scope="session")
def url(data_dir: Path) -> Iterator[str]:
    with gateway_process(data_dir, "enterprise-fibre") as found:
        yield found


@pytest.fixture
def http(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield client
