"""Follows an order until it is final: a live table on a terminal, plain lines otherwise."""

from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import Any, Protocol

from rich import box
from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from api.cli.client import GatewayClient
from api.cli.exits import Exit
from api.cli.show import STATE_STYLES, note, specification, state_cell
from api.cli.text import cell, safe
from rom.model.order_states import FINAL_ORDER_STATES

EVENT_WAIT_SECONDS = 1
"""An item's steps are no events, so the report is read again when none has come for so long."""
Report = Mapping[str, Any]
_MARKS = {"completed": "✓", "held": "‖", "pending": "‖", "failed": "✗", "rejected": "✗"}


class NotFinalError(Exception):
    """The order was not final when the time was up; ``report`` is the last one seen."""

    def __init__(self, report: dict[str, Any]) -> None:
        self.report = report
        super().__init__(f"order {report['order']['id']} is still {report['order']['state']}")


class Progress(Protocol):
    """Shows reports as they come in."""

    def update(self, report: Report) -> None:
        """Show what is new in ``report``."""

    def __enter__(self) -> "Progress": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class LiveTable:
    """One table that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._started = monotonic()
        self._report: Report | None = None
        self._spinners: dict[str, Spinner] = {}
        self._live = Live(console=console, get_renderable=self._drawn, refresh_per_second=8)

    def __enter__(self) -> "LiveTable":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def update(self, report: Report) -> None:
        """Redraw."""
        self._report = report
        self._live.refresh()

    def _drawn(self) -> RenderableType:
        seconds = f"{monotonic() - self._started:.1f} s"
        if self._report is None:
            return Text(seconds)
        order = self._report["order"]
        table = Table(
            title=cell(f"Order {order['id']} is {order['state']}, {seconds}", "bold"),
            title_justify="left",
            header_style="bold cyan",
            box=box.ROUNDED,
        )
        for name in ("", "Item", "Specification", "State", "Steps done after seconds", "Note"):
            table.add_column(name)
        last = {step["item"]: step for step in self._report["steps"]}
        for item in order["orderItem"]:
            table.add_row(
                self._mark(item),
                cell(item["id"]),
                cell(specification(item)),
                state_cell(item["state"]),
                cell(_way(self._report, item["id"])),
                cell(note(item, last.get(item["id"]))),
            )
        return table

    def _mark(self, item: Mapping[str, Any]) -> RenderableType:
        if item["state"] == "inProgress":
            return self._spinners.setdefault(item["id"], Spinner("dots", style="yellow"))
        return cell(_MARKS.get(item["state"], "·"), STATE_STYLES.get(item["state"], ""))


def _way(report: Report, item_id: str) -> str:
    """Return the steps an item has come to, each with its seconds since the order was taken."""
    taken = _moment(report["order"].get("orderDate"))
    words: dict[str, str] = {}
    for step in report["steps"]:
        if step["item"] == item_id:
            at = _moment(step["time"])
            after = f" {(at - taken).total_seconds():.1f}" if at and taken else ""
            words.setdefault(step["step"], f"{step['step']}{after}")
    return ", ".join(words.values())


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class PlainLines:
    """One line for every new step and every change of state."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = monotonic()
        self._steps = 0
        self._states: dict[str, str] = {}

    def __enter__(self) -> "PlainLines":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return

    def update(self, report: Report) -> None:
        """Print what was not printed yet."""
        order = report["order"]
        names = {item["id"]: specification(item) for item in order["orderItem"]}
        for step in report["steps"][self._steps :]:
            subject = f"{step['item']} {names.get(step['item'], '')}"
            # The step tells the state too, so that it needs no line of its own.
            self._states[subject] = step["state"]
            words = (f"{subject:<28}", f"{step['step']:<10}", step["state"], step.get("note"))
            self._say("  ".join(str(word) for word in words if word))
        self._steps = len(report["steps"])
        for item in order["orderItem"]:
            self._say_state(f"{item['id']} {names[item['id']]}", item["state"])
        self._say_state(f"order {order['id']}", order["state"])

    def _say_state(self, subject: str, state: str) -> None:
        if self._states.get(subject) != state:
            self._states[subject] = state
            self._say(f"{subject} is {state}")

    def _say(self, line: str) -> None:
        text = f"{monotonic() - self._started:6.1f} s  {safe(line)}"
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def progress_on(console: Console) -> Progress:
    """Return the display that fits ``console``."""
    return LiveTable(console) if console.is_terminal else PlainLines(console)


def follow(
    client: GatewayClient, order_id: str, progress: Progress, seconds: float | None = None
) -> dict[str, Any]:
    """Show the order's progress, driven by its events, and return the final report.

    Raises ``NotFinalError`` after ``seconds``; without a limit a held order is followed on.
    """
    deadline = None if seconds is None else monotonic() + seconds
    after = 0
    with progress:
        while True:
            report = client.report(order_id)
            progress.update(report)
            if report["order"]["state"] in FINAL_ORDER_STATES:
                return report
            if deadline is not None and monotonic() > deadline:
                raise NotFinalError(report)
            events = client.events(order_id, after, EVENT_WAIT_SECONDS)
            after = max((int(event["sequence"]) for event in events), default=after)


def exit_code(order: Mapping[str, Any]) -> Exit:
    """Return the exit code that an order's state means."""
    codes = {"completed": Exit.COMPLETED, "rejected": Exit.REFUSED}
    return codes.get(order["state"], Exit.FAILED)
