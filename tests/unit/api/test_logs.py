"""Logs are JSON lines that carry the request and hide secrets."""

import json
import subprocess
import sys

import pytest

from rom.store.database import make_engine

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


FAILING = """
import logging, structlog, sys
from api.logs import configure_logs
configure_logs("INFO", as_json={as_json})
def enter(password):
    credentials = dict(user="rom", key=password)
    raise ValueError("refused")
try:
    enter("geh" + "eim")
except ValueError:
    structlog.get_logger("rom.x").exception("failed")
    logging.getLogger("library").exception("failed too")
"""


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_in_the_log_shows_no_local_variable(*, as_json: bool) -> None:
    program = FAILING.format(as_json=as_json)
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.count("ValueError: refused") == 2
    assert "geheim" not in done.stderr


def test_a_command_that_crashes_shows_no_local_variable() -> None:
    program = (
        "import sys; import api.cli, api.cli.token\n"
        "def broken(*a, **k):\n"
        "    password = 'geh' + 'eim'\n"
        "    raise ValueError('broken')\n"
        "api.cli.token.read_settings = broken\n"
        "sys.argv = ['rom', 'token', 'list']\n"
        "api.cli.main()\n"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "ValueError: broken" in done.stderr
    assert "geheim" not in done.stderr


def test_an_error_of_the_database_does_not_tell_the_values_of_its_statement() -> None:
    engine = make_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert engine.hide_parameters
