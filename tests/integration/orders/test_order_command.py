"""``rom order`` on held items and stuck cancellations, against a real gateway without workers."""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import uvicorn
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from api.app import create_app
from api.cli import app as commands
from api.serving.claim import listen
from rom.runtime import open_gateway
from rom.settings import Settings

SITE, DEVICE = "ENT-1102-MELB", "OLT-SOUTH-03"
Rom = Callable[..., Result]


@pytest.fixture
def rom_order(north: Any, database_url: str, tmp_path: Path) -> Iterator[Rom]:
    """``rom order`` with the gateway's address; ``north`` does on its database what workers do."""
    quiet = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=quiet)
    settings = Settings(database_url=SecretStr(database_url), data_dir=tmp_path / "gateway")
    with open_gateway(settings) as gateway:
        listening = listen("127.0.0.1", 0)
        app = create_app(gateway, settings)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"

        def run(*words: str) -> Result:
            arguments = ["order", *words, "--url", url]
            return CliRunner().invoke(commands, arguments, env={"COLUMNS": "200"})

        yield run
        server.should_exit = True
        app.state.live.closed = True
        thread.join()
        listening.close()
    structlog.reset_defaults()


def test_a_held_item_is_retried_and_completed_on_somebodys_word(
    north: Any, pilot: Any, only: Any, rom_order: Rom
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    north.rom.do(
        "UPDATE change SET state = 'refused', reason = 'DEVICE_REFUSED', error = 'no memory'"
    )
    north.rom.run(SITE)
    item = ("--item", "ROI-001", "--requester", "noc-anna")
    early = rom_order("complete", order_id, *item, "--reason", "looks well")
    assert early.exit_code == 2
    assert "not on its devices yet" in early.output
    assert "Retry it, or cancel it" in early.output

    retried = rom_order("retry", order_id, *item, "--reason", "memory added")
    assert (retried.exit_code, retried.output) == (0, f"Order {order_id} is inProgress\n")
    assert north.rom.notes(order_id)[-1] == "RETRIED: by noc-anna: memory added"
    again = rom_order("retry", order_id)
    assert again.exit_code == 2
    assert f"409 nothing of order {order_id} is held" in again.output

    north.rom.write()
    north.rom.do("UPDATE order_item SET state = 'held', step = 'verifying', reason = 'WRONG_ONT'")
    north.rom.do("UPDATE reservation SET state = 'standby'")
    north.rom.do("UPDATE resource_order SET state = 'held'")
    assert rom_order("complete", order_id, *item).exit_code == 2  # it needs a reason
    done = rom_order("complete", order_id, *item, "--reason", "seen by the field team")
    assert done.exit_code == 0, done.output
    assert done.output == f"Item ROI-001 is completed; order {order_id} is completed\n"
    words = "COMPLETED_BY_HAND: by noc-anna: seen by the field team"
    assert north.rom.notes(order_id)[-1] == words


def test_an_item_or_an_order_is_cancelled(north: Any, pilot: Any, rom_order: Rom) -> None:
    order_id = north.post(pilot)
    north.rom.run(SITE)
    north.rom.do("UPDATE order_item SET state = 'held' WHERE item_id = 'ROI-005'")
    assert rom_order("cancel", order_id).exit_code == 2  # it needs a reason
    unknown = rom_order("cancel", order_id, "--item", "ROI-999", "--reason", "x")
    assert (unknown.exit_code, "404" in unknown.output) == (2, True)
    one = rom_order("cancel", order_id, "--item", "ROI-005", "--reason", "not wanted")
    assert one.exit_code == 0, one.output
    assert re.search(r"Cancellation CO-\w+ is acknowledged", one.output)
    refused = rom_order("cancel", order_id, "--reason", "all of it")
    assert (refused.exit_code, "open cancellation" in refused.output) == (2, True)
    north.runner.advance(SITE)
    assert north.rom.item(order_id, "ROI-005").state == "cancelled"
    assert rom_order("cancel", order_id, "--reason", "all of it").exit_code == 0
    north.runner.advance(SITE)
    assert north.order(order_id).state == "cancelled"


def test_a_device_that_stays_out_of_reach_is_given_up(
    north: Any, pilot: Any, only: Any, rom_order: Rom
) -> None:
    order_id = north.post(only(pilot, "ROI-001"))
    north.rom.run(SITE)
    north.rom.write()
    give_up = ("give-up", order_id, "--device", DEVICE, "--reason", "burnt down")
    assert "no open cancellation" in rom_order(*give_up).output
    assert rom_order("cancel", order_id, "--reason", "withdrawn").exit_code == 0
    north.runner.advance(SITE)
    early = rom_order(*give_up)
    assert (early.exit_code, "is not stuck at" in early.output) == (2, True)
    north.rom.do("UPDATE change SET attempts = 4 WHERE kind = 'rollback'")
    assert rom_order(*give_up[:4]).exit_code == 2  # it needs a reason
    unknown = rom_order("give-up", "RO-0", *give_up[2:])
    assert (unknown.exit_code, "404" in unknown.output) == (2, True)
    done = rom_order(*give_up)
    assert done.exit_code == 0, done.output
    assert f"goes on without {DEVICE}; it is inProgress" in done.output
    north.runner.advance(SITE)
    assert north.order(order_id).state == "cancelled"
