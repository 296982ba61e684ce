"""A gateway over a database, in a process of its own: one order in, worked on for a moment.

``python -m tests.integration.telemetry.gateway URL DIRECTORY TRACES REQUEST``
"""

import json
import sys
import threading
from pathlib import Path

import structlog
from fastapi.testclient import TestClient
from pydantic import SecretStr

import api
from api.app import create_app
from api.logs import configure_logs
from api.traces import traces_sent
from rom.fulfilment.fulfiller import Fulfiller
from rom.runtime import open_gateway
from rom.settings import Settings

ORDER = json.loads((Path(api.__file__).parent / "examples" / "so-pilot-melbourne.json").read_text())
TOKEN = "token-of-a-circuit-that-is-a-secret"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def main(url: str, directory: str, traces: str, request: str) -> None:
    """Serve one order without a socket; the handler's end is awaited."""
    configure_logs("INFO", as_json=True)
    settings = Settings(
        data_dir=Path(directory), database_url=SecretStr(url), traces_url=traces, workers=1
    )
    stepped = threading.Event()
    run = Fulfiller.run

    def noted(fulfiller: Fulfiller, site: str) -> object:
        structlog.get_logger("test").info("handler at work")
        found = run(fulfiller, site)
        stepped.set()
        return found

    Fulfiller.run = noted  # type: ignore[method-assign, assignment]  # to know when it has been
    with traces_sent(settings.traces_url), open_gateway(settings) as gateway:
        client = TestClient(create_app(gateway, settings), base_url="http://127.0.0.1")
        gateway.start()
        answer = client.post(
            "/tmf-api/resourceOrdering/v4/resourceOrder",
            json=ORDER,
            headers={"X-Request-ID": request, "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"},
        )
        client.get(f"/ztp/v1/{TOKEN}/ztp.py")
        print(answer.json()["id"])  # noqa: T201 - what the test asks for
        assert stepped.wait(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
