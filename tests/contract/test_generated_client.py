"""A client generated from our OpenAPI creates, reads and lists an order."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient


@pytest.fixture
def client_package(app: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Generate the client's package and return its name; it can be imported."""
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(app.openapi()))
    (tmp_path / "config.yaml").write_text("package_name_override: rom_client\npost_hooks: []\n")
    subprocess.run(  # noqa: S603 - our own generator on our own file
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--path", str(document), "--output-path", str(tmp_path / "rom_client")),
            *("--config", str(tmp_path / "config.yaml")),
        ],
        check=True,
        capture_output=True,
        timeout=90,
        cwd=tmp_path,
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return "rom_client"


def folder(root: Any) -> str:
    """Return how the generator has spelled the tag of resource orders."""
    (found,) = Path(root.__file__).parent.glob("api/*/create_resource_order.py")
    return found.parent.name


def test_a_generated_client_takes_an_order_all_the_way(
    client_package: str, http: TestClient, example: Any
) -> None:
    root = importlib.import_module(client_package)
    models = importlib.import_module(f"{client_package}.models")
    create, read, listed = (
        importlib.import_module(f"{client_package}.api.{folder(root)}.{name}")
        for name in ("create_resource_order", "retrieve_resource_order", "list_resource_order")
    )
    # The requests go to the application itself, as over a wire.
    client = root.Client(base_url="http://127.0.0.1:8652")
    client.set_httpx_client(http)
    body = models.ResourceOrderCreate.from_dict(
        example("so-wave2-brisbane") | {"name": "by a client"}
    )
    made = create.sync(client=client, body=body)
    assert isinstance(made, models.ResourceOrder), made
    assert made.state == "acknowledged"
    again = read.sync(made.id, client=client)
    assert again.to_dict() == made.to_dict()
    found = listed.sync(client=client, name="by a client", sort="-orderDate", limit=5)
    assert [order.id for order in found] == [made.id]
    refused = listed.sync(client=client, state="running")
    assert isinstance(refused, models.Error)
    assert refused.reason.startswith("state:")
    assert isinstance(http, httpx.Client)
