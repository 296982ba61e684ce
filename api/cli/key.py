"""``rom key``: the master key, with which the gateway's secrets are sealed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.exits import fail
from api.cli.options import DataDir, command_actor
from api.cli.output import output
from api.cli.settings import read_settings, say_where
from rom.model.errors import RomError

if TYPE_CHECKING:
    from rom.gateway.keys import Keys

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def show(*, data_dir: DataDir = None) -> None:
    """Show the fingerprint of the master key in use; it tells nothing of the key."""
    with _keys(data_dir, alone=False) as keys:
        output().print(f"Master key {keys.fingerprint()}, number {keys.key.generation}")


@app.command()
def rotate(
    *,
    new_key_file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="The new key, where ROM_MASTER_KEY gives the present."
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Seal every secret and snapshot with a new master key; refused while a gateway runs."""
    with _keys(data_dir, alone=True) as keys:
        done = keys.rotate(new_key_file, by=command_actor())
    say = output().print
    say(f"{done.count} values are sealed with master key {done.fingerprint}", markup=False)
    if done.former is not None:
        say(f"Backups made until now need the former key: {done.former}", markup=False)
    elif new_key_file is not None:
        say("Set ROM_MASTER_KEY to the new key before the next start", markup=False)


@contextmanager
def _keys(data_dir: Path | None, *, alone: bool) -> "Iterator[Keys]":
    # Imported here because the engine's libraries would slow every other command down.
    from api.serving.claim import only_server_of
    from api.serving.errors import DirectoryInUse, ServeError
    from rom.runtime import open_keys

    settings = read_settings(data_dir=data_dir)
    say_where(settings)
    try:
        try:
            with only_server_of(settings.data_dir), open_keys(settings, running=False) as keys:
                yield keys
        except DirectoryInUse:
            if alone:
                raise
            with open_keys(settings, running=True) as keys:
                yield keys
    except ServeError as error:
        raise fail(str(error)) from error
    except RomError as error:
        raise fail(". ".join(part for part in (str(error), error.mend) if part)) from error
