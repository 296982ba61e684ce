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
    assert lines.count("ROI-001 RFS:GPON-Bearer reserved done port 8") == 1


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
