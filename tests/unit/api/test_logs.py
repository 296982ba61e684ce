"""Logs are JSON lines that carry the request and hide secrets."""

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from api.logs import configure_logs
configure_logs("INFO", as_json=True)
structlog.contextvars.bind_contextvars(order_id="RO-7")
structlog.get_logger("rom.x").info("took", device={"password": "geheim"}, snmp_community="geheim")
logging.getLogger("library").warning("words of a %s", "library")
logging.getLogger("nornir.core").info("task arguments: geheim")
try:
    raise ValueError("why")
except ValueError as error:
    structlog.get_logger("rom.x").error("failed", exc_info=error)
"""


def test_every_line_is_json_with_the_order_and_without_secrets() -> None:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert "geheim" not in done.stderr
    assert done.stdout == ""
    took, library, failed = (json.loads(line) for line in done.stderr.splitlines())
    assert took["order_id"] == library["order_id"] == "RO-7"
    assert took["device"] == {"password": "***"}
    assert library["event"] == "words of a library"
    assert "ValueError: why" in failed["exception"]
