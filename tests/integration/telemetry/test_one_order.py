"""One order's way can be followed by its request: in the log, and in a trace."""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from rom.store.embedded import EmbeddedPostgres
from tests.databases import stocked_database
from tests.integration.telemetry.gateway import TOKEN, TRACE

REQUEST = "the-request-of-this-test"
SITE = "ENT-1102-MELB"


@dataclass
class Seen:
    """What came of one order."""

    sent: bytes
    order: str
    spans: list[Any]
    lines: list[dict[str, Any]]

    def named(self, name: str) -> list[dict[str, str]]:
        """Return the attributes of the spans of a name."""
        return [
            {each.key: each.value.string_value for each in span.attributes}
            for span in self.spans
            if span.name == name
        ]


@pytest.fixture(scope="module")
def seen(postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name there
            return

    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=collector.serve_forever)
    thread.start()
    traces = f"http://127.0.0.1:{collector.server_port}/v1/traces"
    place = tmp_path_factory.mktemp("data")
    try:
        with stocked_database(postgres_server) as url:
            done = subprocess.run(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-m", "tests.integration.telemetry.gateway",
                 url, str(place), traces, REQUEST],
                capture_output=True, text=True, check=False, timeout=120,
                cwd=Path(__file__).parents[3],
            )  # fmt: skip
    finally:
        collector.shutdown()
        thread.join()
        collector.server_close()
    assert done.returncode == 0, done.stderr
    spans = []
    for body in bodies:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            spans += [span for scope in resource.scope_spans for span in scope.spans]
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    return Seen(b"".join(bodies), done.stdout.strip(), spans, lines)


def test_the_collector_gets_request_and_order_steps_as_one_trace(seen: Seen) -> None:
    [request] = [span for span in seen.spans if span.name.startswith("POST /tmf-api")]
    assert request.trace_id.hex() == TRACE
    told = seen.named(request.name)[0]
    assert told["rom.order_id"] == seen.order
    assert told["rom.request_id"] == REQUEST
    steps = seen.named("order step")
    assert {"rom.site": SITE, "rom.order_id": seen.order} in steps
    of_the_request = [span for span in seen.spans if span.trace_id.hex() == TRACE]
    assert {"site handler", "order step"} <= {span.name for span in of_the_request}


def test_every_line_of_the_log_names_the_request_the_order_and_the_site(seen: Seen) -> None:
    [access] = [line for line in seen.lines if line.get("status") == 201]
    assert (access["request_id"], access["order_id"]) == (REQUEST, seen.order)
    [at_work] = [line for line in seen.lines if line["event"] == "handler at work"][:1]
    assert (at_work["request_id"], at_work["site"]) == (REQUEST, SITE)
    moved = [line for line in seen.lines if line["event"] == "item.moved"]
    assert moved
    for line in moved:
        if line.get("request_id"):
            assert (line["order_id"], line["site"]) == (seen.order, SITE)
        assert "trace_id" in line


def test_a_routers_token_is_in_no_trace_and_no_log(seen: Seen) -> None:
    assert seen.named("GET /ztp/v1/{token}/ztp.py")
    assert TOKEN.encode() not in seen.sent
    assert TOKEN not in json.dumps(seen.lines)
