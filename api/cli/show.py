"""Tables of what an order got, sent and measured."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from api.cli.text import cell, safe

Row = Mapping[str, Any]
STATE_STYLES = {
    "completed": "green", "inProgress": "yellow", "held": "magenta", "pending": "magenta",
    "failed": "red", "rejected": "red", "cancelled": "red", "partial": "red",
}  # fmt: skip


def table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table; a cell may be text with a style or any value."""
    drawn = Table(title=title, title_justify="left", header_style="bold")
    for heading in headings:
        drawn.add_column(heading, overflow="fold")
    for row in rows:
        drawn.add_row(*(value if isinstance(value, Text) else cell(value) for value in row))
    return drawn


def state_cell(state: object) -> Text:
    """Return a state in its colour."""
    return cell(state, STATE_STYLES.get(str(state), ""))


def allocations(report: Row) -> Table:
    """Return which resource every item got."""
    return table(
        "Allocated resources",
        ("Site", "Item", "Specification", "Resource", "Type", "Value"),
        (
            (row["site"], row["item"], row["specification"], row["resource"], row["type"],
             row["value"])
            for row in report["allocations"]
        ),
    )  # fmt: skip


def transactions(report: Row) -> RenderableType:
    """Return what was sent to every device, in its own format."""
    shown: list[RenderableType] = [Text("Sent to the devices", "bold italic")]
    for row in report["transactions"]:
        title = f"{row['device']} · {row['role']} · {row['state']} · {row['edits']} edits"
        seconds = row.get("seconds")
        subtitle = ", ".join(row["sites"]) + ("" if seconds is None else f" · {seconds:.2f} s")
        body = Text(safe(row["sent"]).rstrip() or "nothing")
        shown.append(Panel(body, title=cell(title), subtitle=cell(subtitle), title_align="left"))
    return Group(*shown)


def measurements(report: Row) -> Table:
    """Return the measured test packets against the limits sold."""
    return table(
        "Measured by TWAMP",
        ("Site", "Probe", "Sent", "Lost", "Loss %", "at most %", "RTT ms p50 / p95 / max",
         "Limits", "Verdict"),
        (
            (row["site"], row["probe"], row["sent"], row["lost"],
             _number(row["loss_percent"]), _number(row["loss_upper_bound_percent"]),
             " / ".join(_number(row["rtt_ms"][name]) for name in ("p50", "p95", "max")),
             ", ".join(f"{name} {value}" for name, value in row["limits"].items()),
             cell(row["verdict"], "green" if row["verdict"] == "VERIFIED" else "red"))
            for row in report["measurements"]
        ),
    )  # fmt: skip


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def second_run(answer: Row) -> Table:
    """Return what a second run of the same intent did."""
    return table(
        f"Second run of {safe(answer['site'])}",
        ("Device", "Edits", "Outcome"),
        ((row["device"], row["edits"], _outcome(row)) for row in answer["devices"]),
    )


def _outcome(row: Row) -> str:
    if row.get("error"):
        return f"refused: {row['error']}"
    return f"sent in transaction {row.get('transaction')}" if row["edits"] else "nothing sent"


def rollback(preview: Row) -> RenderableType:
    """Return what taking the site back would send and release."""
    shown: list[RenderableType] = [
        Text(f"Rollback of {safe(preview['site'])}, dry run: nothing was sent", "bold italic")
    ]
    for row in sorted(preview["devices"], key=lambda row: int(row["order"])):
        body = Text(safe(row["sends"]).rstrip() or "nothing")
        for path in row["already"]:
            body.append(f"\nalready gone: {safe(path)}", "green")
        for conflict in row["conflicts"]:
            body.append(f"\nconflict: {_conflict(conflict)}", "red")
        if row.get("error"):
            body.append(f"\ncannot be read: {safe(row['error'])}", "red")
        title = f"{row['order']}. {row['device']} · {row['edits']} edits"
        shown.append(Panel(body, title=cell(title), title_align="left"))
    shown.append(
        table(
            "Would be released",
            ("Resource", "Pool", "Value"),
            ((row["name"], row["pool"], row["value"]) for row in preview["releases"]),
        )
    )
    return Group(*shown)


def _conflict(conflict: Row) -> str:
    return safe(
        f"{conflict['kind']} {conflict['path']}: expected {conflict['expected']}, "
        f"found {conflict['found']}"
    )


def whole_report(console: Console, report: Row) -> None:
    """Print everything known of an order."""
    console.print(items(report))
    if report["allocations"]:
        console.print(allocations(report))
    if report["transactions"]:
        console.print(transactions(report))
    if report["measurements"]:
        console.print(measurements(report))


def items(report: Row) -> Table:
    """Return every item with its state, its last step and the latest note."""
    last = {step["item"]: step for step in report["steps"]}
    order = report["order"]
    return table(
        f"Order {safe(order['id'])}: {safe(order['state'])}",
        ("Item", "Specification", "State", "Last step", "Note"),
        (
            (item["id"], specification(item), state_cell(item["state"]),
             _step(last.get(item["id"])), _note(item, last.get(item["id"])))
            for item in order["orderItem"]
        ),
    )  # fmt: skip


def specification(item: Row) -> str:
    """Return the name of what an item orders."""
    found = item.get("resourceSpecification") or item["resource"].get("resourceSpecification") or {}
    return str(found.get("name") or found.get("id") or "")


def _step(step: Row | None) -> str:
    return "" if step is None else f"{step['step']} {step['state']}"


def _note(item: Row, step: Row | None) -> str:
    if step is not None and step.get("note"):
        return str(step["note"])
    notes = item.get("note") or ()
    return str(notes[-1]["text"]) if notes else ""
