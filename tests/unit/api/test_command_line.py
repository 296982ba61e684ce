"""``rom`` against a real HTTP server: what it prints and how it exits."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import api
from api.cli import app
from tests.unit.api.conftest import TwinOrders

PILOT = Path(api.__file__).parent / "examples" / "so-pilot-melbourne.json"


def rom(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})


def test_submit_prints_the_order_and_leaves(url: str) -> None:
    done = rom("order", "submit", str(PILOT), "--url", url)
    assert done.exit_code == 0
    assert "Order RO-1 is acknowledged" in done.output


@pytest.mark.parametrize(
    ("state", "code"), [("completed", 0), ("failed", 1), ("partial", 1), ("rejected", 2)]
)
def test_watching_ends_with_the_order_and_exits_as_its_state_says(
    url: str,
    twin: Any,
    finished_report: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    state: str,
    code: int,
) -> None:
    running = json.loads(json.dumps(finished_report))
    running["order"]["state"] = "inProgress"
    twin.reports["RO-1"] = running
    finished_report["order"]["state"] = state

    plain = TwinOrders.report

    def looked_at(part: TwinOrders, order_id: str) -> Any:
        found = plain(part, order_id)
        if twin.reports[order_id] is running:
            twin.reports[order_id] = finished_report
            twin.events.append({"sequence": 1})
        return found

    monkeypatch.setattr(TwinOrders, "report", looked_at)
    done = rom("order", "submit", str(PILOT), "--watch", "--url", url)
    assert done.exit_code == code
    assert "ROI-001 RFS:GPON-Bearer reserved done port 8" in " ".join(done.output.split())
    assert done.output.index("is inProgress") < done.output.index(f"order RO-1 is {state}")


def test_watching_gives_up_in_time_and_says_that_the_order_goes_on(
    url: str, twin: Any, finished_report: dict[str, Any]
) -> None:
    finished_report["order"]["state"] = "held"
    twin.reports["RO-1"] = finished_report
    twin.events = [{"sequence": 1}]
    done = rom("order", "submit", str(PILOT), "--watch", "--timeout", "0", "--url", url)
    assert done.exit_code == 1
    assert "still held" in done.output


def test_a_refused_order_exits_2_with_field_and_fix(url: str, tmp_path: Path) -> None:
    order = json.loads(PILOT.read_text())
    order["orderItem"][0]["action"] = "destroy"
    file = tmp_path / "order.json"
    file.write_text(json.dumps(order))
    done = rom("order", "submit", str(file), "--url", url)
    assert done.exit_code == 2
    assert "orderItem[0].action: is unknown" in done.output
    assert "use add" in done.output


def test_nobody_listening_exits_2_and_says_how_to_start() -> None:
    done = rom("order", "list", "--url", "http://127.0.0.1:9")
    assert done.exit_code == 2
    assert "rom serve --lab" in done.output


@pytest.mark.parametrize(
    "words",
    [
        ("order", "show", "RO-9"),
        ("order", "show", "../../metrics"),
        ("order", "list", "--state", "running"),
        ("site", "rollback", "NOWHERE"),
        ("order", "submit", "/no/such/file.json"),
        ("order", "submit"),
        ("nonsense",),
    ],
)
def test_wrong_usage_and_unknown_names_exit_2(url: str, words: tuple[str, ...]) -> None:
    options = ("--url", url) if len(words) > 2 else ()
    assert rom(*words, *options).exit_code == 2


def test_show_prints_what_an_order_got_sent_and_measured_with_escapes_made_harmless(
    url: str, twin: Any, finished_report: dict[str, Any]
) -> None:
    twin.reports["RO-1"] = finished_report
    done = rom("order", "show", "RO-1", "--url", url)
    assert done.exit_code == 0
    for text in ("LC2 Port 8", "vlan[.='2109'] \\x1b[31m", "30000", "VERIFIED", "0.00999"):
        assert text in done.output
    assert "\x1b" not in done.output
    data = rom("order", "show", "RO-1", "--json", "--url", url)
    assert json.loads(data.output) == finished_report


def test_list_shows_states(url: str) -> None:
    rom("order", "submit", str(PILOT), "--url", url)
    done = rom("order", "list", "--url", url)
    assert "RO-1" in done.output
    assert "acknowledged" in done.output


def test_a_rollback_is_a_dry_run_that_shows_native_text_and_releases(url: str) -> None:
    done = rom("site", "rollback", "ENT-1102-MELB", "--url", url)
    assert done.exit_code == 0
    for text in ("dry run", "<service[.='x']/>", "2108", "1. BNG-MEL-01"):
        assert text in done.output


def test_a_site_shows_its_resources(url: str, twin: Any, make_row: Any) -> None:
    twin.resources = [make_row("1", "2108", "ENT-1102-MELB"), make_row("2", "2109")]
    done = rom("site", "show", "ENT-1102-MELB", "--url", url)
    assert "2108" in done.output
    assert "2109" not in done.output


def test_every_command_explains_itself() -> None:
    for words in ((), ("serve",), ("demo",), ("order",), ("site",), ("inventory",), ("lab",)):
        assert rom(*words, "--help").exit_code == 0
