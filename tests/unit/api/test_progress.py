"""Progress in plain lines: each change once, a return to an earlier state again."""

import json
from io import StringIO
from typing import Any

from rich.console import Console

from api.cli.watch import LiveTable, PlainLines, progress_on


def test_a_state_that_comes_back_is_said_again_and_a_step_only_once(
    finished_report: dict[str, Any],
) -> None:
    output = StringIO()
    progress = PlainLines(Console(file=output))
    for state in ("held", "inProgress", "inProgress", "held"):
        report = json.loads(json.dumps(finished_report))
        report["order"]["orderItem"][0]["state"] = state
        progress.update(report)
    lines = [line.split(" s  ")[1] for line in output.getvalue().splitlines()]
    said = [line for line in lines if line.startswith("ROI-001 RFS:GPON-Bearer is")]
    assert [line.rsplit(" ", 1)[1] for line in said] == ["held", "inProgress", "held"]
    assert [line.split() for line in lines].count(
        ["ROI-001", "RFS:GPON-Bearer", "reserved", "done", "port", "8"]
    ) == 1


def test_a_terminal_gets_a_table_that_is_redrawn(finished_report: dict[str, Any]) -> None:
    output = StringIO()
    console = Console(file=output, force_terminal=True, width=120)
    progress = progress_on(console)
    assert isinstance(progress, LiveTable)
    with progress:
        progress.update(finished_report)
    assert "RFS:GPON-Bearer" in output.getvalue()


def test_a_file_gets_plain_lines() -> None:
    assert isinstance(progress_on(Console(file=StringIO())), PlainLines)


def test_the_table_tells_each_step_with_its_seconds_since_the_order(
    finished_report: dict[str, Any],
) -> None:
    finished_report["order"]["orderDate"] = "2026-11-21T10:00:00.000Z"
    finished_report["steps"] = [
        {"item": "ROI-001", "step": name, "state": "inProgress", "time": time, "note": ""}
        for name, time in (
            ("reserved", "2026-11-21T10:00:00.250+00:00"),
            ("queued", "2026-11-21T10:00:01+00:00"),
            ("queued", "2026-11-21T10:00:09+00:00"),
        )
    ]
    output = StringIO()
    with LiveTable(Console(file=output, force_terminal=True, width=160)) as progress:
        progress.update(finished_report)
    assert "reserved 0.2, queued 1.0 " in output.getvalue()
