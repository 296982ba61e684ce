"""A gateway as a process: open until the first token is made, closed from then on."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

import httpx
import pytest

from api.serving.scratch import gateway_process
from inventory import __file__ as inventory_package

ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
INVENTORY = Path(inventory_package).parent / "examples" / "enterprise-fibre.yaml"
Rom = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def data_dir(scratch_root: Path) -> Path:
    place = scratch_root / uuid4().hex
    place.mkdir()
    return place


@pytest.fixture
def rom(data_dir: Path) -> Rom:
    def run(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "api.cli", *words],
            env={**os.environ, "ROM_DATA_DIR": str(data_dir), "COLUMNS": "200", **environment},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return run


def status_becomes(url: str, wanted: int) -> bool:
    """Tell whether an anonymous request is answered so within some seconds."""
    deadline = monotonic() + 20
    while httpx.get(f"{url}{ORDERS}", trust_env=False).status_code != wanted:
        if monotonic() > deadline:
            return False
        sleep(0.1)
    return True


def test_the_first_token_closes_a_running_gateway_and_it_stays_closed(
    rom: Rom, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROM_INVENTORY_FILE", str(INVENTORY))
    with gateway_process(data_dir, None) as url:
        answer = httpx.get(f"{url}{ORDERS}", trust_env=False)
        assert (answer.status_code, answer.headers["X-ROM-Open-Lab"]) == (200, "true")

        made = rom("token", "create", "som-1", "--role", "som")
        assert made.returncode == 0, made.stderr
        token = made.stdout.strip()
        assert status_becomes(url, 401)

        (data_dir / "token").write_text(token + "\n")
        listed = rom("--token-file", str(data_dir / "token"), "order", "list", "--url", url)
        assert listed.returncode == 0, listed.stderr

        assert rom("token", "revoke", "som-1").returncode == 0
        known = {"Authorization": f"Bearer {token}"}
        for headers in ({}, known):
            answer = httpx.get(f"{url}{ORDERS}", headers=headers, trust_env=False)
            assert answer.status_code == 401

    log = (data_dir / "serve.log").read_text()
    assert "ACCESS IS OPEN" in log
    assert "access is closed" in log
    assert token not in log
