"""Options several commands share."""

import getpass
import socket
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated

import typer

from rom.model.deed import Actor, ActorKind

Url = Annotated[
    str,
    typer.Option("--url", envvar="ROM_URL", help="Where the gateway listens."),
]
DEFAULT_URL = "http://127.0.0.1:8652"

AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", file_okay=False, help="Where state lives (default: ROM_DATA_DIR or system)."
    ),
]

TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        envvar="ROM_TOKEN_FILE",
        dir_okay=False,
        help="A file with the token to present to the gateway (default: the token in ROM_TOKEN).",
    ),
]

TOKEN_FILE: ContextVar[Path | None] = ContextVar("token_file", default=None)
"""The file that this run of the command line was given."""


def command_actor() -> Actor:
    """Return who runs this command, for deeds that are done without a server."""
    return Actor(getpass.getuser(), ActorKind.COMMAND, socket.gethostname())
