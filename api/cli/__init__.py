"""The ``rom`` command line."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from api.cli.options import TOKEN_FILE, TokenFile
from api.cli.parts import Parts

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the signal's number."""

app = typer.Typer(
    name="rom",
    cls=Parts,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a plain traceback fits a log, and shows no local values
    help="Network activation gateway: TMF652 resource orders in, proven sites out.",
)


def _version(asked: bool) -> None:  # noqa: FBT001 - Typer's signature of a callback
    if asked:
        typer.echo(f"rom {version('rom-gateway')}")
        raise typer.Exit


@app.callback()
def _whole(
    *,
    token_file: TokenFile = None,
    version: Annotated[  # noqa: ARG001 - done by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""
    TOKEN_FILE.set(token_file)


def main() -> None:
    """Run the command line; Ctrl-C ends it without a traceback wherever it strikes."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
