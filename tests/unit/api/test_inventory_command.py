"""``rom inventory`` acts on the gateway that is named, says which, and names lines."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from api.cli import client
from api.cli.inventory import app

URL = "http://gateway.example"
Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[httpx.Request]]:
    """Let a gateway at ``URL`` answer; returns what it is asked."""

    def answering(answer: Answer) -> list[httpx.Request]:
        asked: list[httpx.Request] = []

        def handle(request: httpx.Request) -> httpx.Response:
            asked.append(request)
            return answer(request)

        real = httpx.Client

        def made(**options: Any) -> httpx.Client:
            return real(**options, transport=httpx.MockTransport(handle))

        monkeypatch.setattr(client.httpx, "Client", made)
        monkeypatch.setenv("ROM_URL", URL)
        return asked

    return answering


def run(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


def test_a_dry_run_prints_what_would_come_change_and_go(gateway: Any, tmp_path: Path) -> None:
    changes = [
        {"section": "sites", "name": "S", "change": "created"},
        {"section": "network", "name": "network", "change": "changed",
         "fields": {"ntp": {"before": None, "after": "192.0.2.1"}}},
        {"section": "pool V", "name": "100-103", "change": "removed"},
    ]  # fmt: skip
    body = {"created": 1, "changed": 1, "removed": 4, "changes": changes}
    asked = gateway(lambda _: httpx.Response(200, json=body))
    file = tmp_path / "file.yaml"
    file.write_text("network: {ntp: 192.0.2.1}\n")
    done = run("load", str(file), "--dry-run")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[:4] == [
        "+ sites S", "~ network network", "    ntp: nothing -> 192.0.2.1", "- pool V 100-103",
    ]  # fmt: skip
    assert URL in done.stdout
    assert str(asked[0].url) == f"{URL}/rom/v1/inventory?dryRun=true"


def test_what_a_gateway_refuses_is_told_with_the_lines_of_the_file(
    gateway: Any, tmp_path: Path
) -> None:
    problem = {"entry": "sites[1] 'B'", "field": "customer", "text": "'C' is not known",
               "fix": "add it", "pointer": "/sites/1/customer"}  # fmt: skip
    body = {"code": "inventoryRefused", "reason": "x", "problems": [problem]}
    gateway(lambda _: httpx.Response(400, json=body))
    file = tmp_path / "file.yaml"
    file.write_text("sites:\n  - key: A\n    customer: C\n  - key: B\n    customer: C\n")
    done = run("load", str(file))
    assert done.exit_code == 2
    said = f"{file}: line 5: sites[1] 'B', customer: 'C' is not known; add it"
    assert said in done.stderr.replace("\n", " ")


def test_the_export_is_yaml_that_says_the_same(gateway: Any, tmp_path: Path) -> None:
    content = {"network": {"ntp": "192.0.2.1"}, "sites": [{"key": "Ä", "timezone": "UTC"}]}
    gateway(lambda _: httpx.Response(200, json=content))
    assert yaml.safe_load(run("export").stdout) == content
    file = tmp_path / "out.yaml"
    assert run("export", str(file)).exit_code == 0
    assert yaml.safe_load(file.read_text()) == content
