"""Exit codes, and the one way a command fails."""

from enum import IntEnum

import typer
from rich.console import Console

from api.cli.text import safe

COMPLAINTS = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)


class Exit(IntEnum):
    """What the exit code of every command means."""

    COMPLETED = 0
    FAILED = 1  # also partial, cancelled, or not done in time
    REFUSED = 2  # wrong usage, an order that is not taken, or no gateway to talk to


def fail(message: str, code: Exit = Exit.REFUSED) -> typer.Exit:
    """Print ``message`` to standard error and return the exception to raise."""
    COMPLAINTS.print(safe(message), style="red")
    return typer.Exit(code)
