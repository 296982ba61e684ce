"""Follows an order until it is final: a live table on a terminal, plain lines otherwise."""

from collections.abc import Mapping
from time import monotonic
from types import TracebackType
from typing import Any, Protocol

from rich.console import Console
from rich.live import Live

from api.cli.client import GatewayClient
from api.cli.exits import Exit
from api.cli.show import items, specification
from api.cli.text import safe
from rom.orders.states import FINAL_ORDER_STATES

EVENT_WAIT_SECONDS = 5
Report = Mapping[str, Any]


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
        self._live = Live(console=console, auto_refresh=False)

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
        self._live.update(items(report), refresh=True)


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
            words = (step["item"], names.get(step["item"]), step["step"], step["state"])
            self._say(" ".join(str(word) for word in (*words, step.get("note")) if word))
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
