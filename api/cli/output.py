"""Prints for people: framed and coloured on a terminal, plain aligned text anywhere else."""

import os
import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from api.cli.text import cell, safe

PLAIN_WIDTH = 200
"""Columns where nobody looks at a screen: wide enough that rows stay on one line."""
_LEXERS = (
    ("<", "xml"), ("{", "json"), ("INSERT", "sql"), ("UPDATE", "sql"), ("DELETE", "sql"),
    ("snmpset", "bash"),
)  # fmt: skip


def output() -> Console:
    """Return the console on standard output."""
    if sys.stdout.isatty():
        return Console(highlight=False)
    asked = os.environ.get("COLUMNS", "")
    wider = int(asked) if asked.isascii() and asked.isdigit() else 0
    return Console(width=max(PLAIN_WIDTH, wider), highlight=False)


class Listing:
    """Rows under headings; a cell may be text with a style or any value."""

    def __init__(
        self, title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> None:
        self.title = title
        self._headings = headings
        self._rows = [
            [value if isinstance(value, Text) else cell(value) for value in row] for row in rows
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the table."""
        framed = console.is_terminal
        drawn = Table(
            title=cell(self.title, "bold"),
            title_justify="left",
            header_style="bold cyan",
            box=box.ROUNDED if framed else None,
            pad_edge=framed,
            padding=(0, 1) if framed else (0, 2, 0, 0),
        )
        for heading in self._headings:
            drawn.add_column(heading, overflow="fold")
        for row in self._rows:
            drawn.add_row(*row)
        yield drawn


class Native:
    """What a device is sent, as it is written in the device's own manual."""

    def __init__(self, title: Text, text: str, remarks: Sequence[Text] = ()) -> None:
        self._title = title
        self._text = safe(text).rstrip() or "nothing"
        self._remarks = remarks

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw without a frame, so that it can be copied."""
        yield Text("")
        body: RenderableType = Text(self._text)
        if console.is_terminal:
            yield Rule(self._title, align="left", style="cyan")
            body = Syntax(
                self._text,
                _lexer(self._text),
                theme="ansi_dark",
                background_color="default",
                word_wrap=True,
            )
        else:
            yield self._title
        yield Padding(body, (0, 0, 0, 2))
        for remark in self._remarks:
            yield Padding(remark, (0, 0, 0, 2))


def _lexer(text: str) -> str:
    return next((lexer for start, lexer in _LEXERS if text.startswith(start)), "text")


def heading(text: str) -> RenderableType:
    """Return the beginning of a part of the output."""
    return Text(f"\n{safe(text)}", "bold")
