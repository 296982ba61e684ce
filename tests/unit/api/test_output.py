"""What is printed: framed on a terminal, plain and whole anywhere else."""

from io import StringIO
from typing import Any

from rich.console import Console, RenderableType

from api.cli.output import PLAIN_WIDTH
from api.cli.show import allocations, rollback, transactions
from api.cli.show_site import repair_preview


def printed(what: RenderableType, *, terminal: bool, width: int = PLAIN_WIDTH) -> str:
    output = StringIO()
    Console(file=output, force_terminal=terminal, width=width, color_system=None).print(what)
    return output.getvalue()


def test_a_file_gets_no_frames_and_one_line_a_row(finished_report: dict[str, Any]) -> None:
    text = printed(allocations(finished_report), terminal=False)
    assert text.isascii()
    row = next(line for line in text.splitlines() if "ROI-001" in line)
    assert row.split() == [
        "ENT-1102-MELB", "ROI-001", "RFS:GPON-Bearer", "OLT", "Port", "Physical", "LC2", "Port", "8"
    ]  # fmt: skip


def test_a_terminal_gets_frames(finished_report: dict[str, Any]) -> None:
    assert "╭" in printed(allocations(finished_report), terminal=True)


def test_an_item_shows_what_it_holds_besides_and_nothing_of_others(
    finished_report: dict[str, Any],
) -> None:
    def held(category: str, name: str, order: str = "RO-1") -> dict[str, Any]:
        holder = {"resourceOrderId": order, "itemId": "ROI-001"}
        return {"category": category, "name": name, "resourceOrderItem": [holder]}

    resources = [
        held("sap-bandwidth", "500000000"),
        held("onu-id", "17"),
        held("ont", "ALCL1"),
        held("gemport", "1041"),
        held("pon-port", "LC2 Port 8"),
        held("onu-id", "18", "RO-2"),
    ]
    text = printed(allocations(finished_report, resources), terminal=False)
    assert "ONT ALCL1, onu-id 17, gemport 1041, BNG 500 Mbit/s" in text
    assert "18" not in text


def test_native_text_can_be_copied_from_a_terminal_as_it_is(
    finished_report: dict[str, Any],
) -> None:
    finished_report["transactions"][0]["sent"] = "<config>\n  <vlan>2108</vlan>\n</config>"
    for terminal in (True, False):
        lines = printed(transactions(finished_report), terminal=terminal, width=80).splitlines()
        assert [line.strip() for line in lines[-3:]] == [
            "<config>",
            "<vlan>2108</vlan>",
            "</config>",
        ]


def test_a_preview_says_what_is_left_alone_and_why() -> None:
    device = {
        "device": "BNG-MEL-01", "order": 1, "sends": "", "edits": 0, "note": "cannot go back",
        "already": ["/a"], "kept": ["/b"], "later": [{"path": "/c", "site": "OTHER"}],
        "conflicts": [{"kind": "drift", "path": "/d", "expected": "1", "found": "2"}],
    }  # fmt: skip
    text = printed(rollback({"site": "S", "devices": [device], "releases": []}), terminal=False)
    for words in (
        "already as before: /a", "kept: /b", "OTHER wrote it later: /c",
        "conflict: drift /d: expected 1, found 2", "cannot go back",
    ):  # fmt: skip
        assert words in text


def test_a_repair_says_what_was_kept_by_decision_besides_what_differs() -> None:
    path = "/interfaces/interface[name='uplink-1']/description"
    row = {
        "device": "OLT-1",
        "edits": 1,
        "sends": "<config/>",
        "kept": [{"path": path, "task": "RB-7"}],
        "differences": [
            {"kind": "changed", "path": path, "expected": "ours", "found": "Tuesday night"}
        ],
    }
    text = printed(repair_preview({"site": "ENT-1", "devices": [row]}), terminal=False)
    assert f"changed: {path}: expected ours, found Tuesday night" in text
    assert f"kept on purpose by RB-7, would be overwritten: {path}" in text
