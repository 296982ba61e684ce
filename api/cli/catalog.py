"""``rom catalog``: check a folder of specifications before a gateway takes it."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.exits import failed
from api.cli.output import output
from rom.model.errors import RomError

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _group() -> None:
    """Keep ``check`` a command of its own, though it is the only one."""


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    *,
    inventory: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Judge by this inventory file too."),
    ] = None,
) -> None:
    """Judge the specifications in FOLDER by the platforms, the other ones and an inventory.

    Exit 0 when a gateway would take them, 2 with file, field and mend when it would not. A role
    that no device of the inventory has yet is said and is no mistake.
    """
    # Imported here because the engine's libraries would slow every other command down.
    from rom.gateway.catalog import check_folder

    console = output()
    try:
        found = check_folder(folder, inventory)
    except RomError as error:
        raise failed(error) from error
    for each in found:
        console.print(f"{each.file}: {each.name} {each.version} can be used", markup=False)
        for field, words in each.unserved:
            console.print(f"{each.file}: {field}: {words}", markup=False)
