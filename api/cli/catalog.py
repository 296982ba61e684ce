"""``rom catalog``: check a folder of specifications before a gateway takes it."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.exits import fail
from api.cli.output import output

app = typer.Typer(no_args_is_help=True, help="Check products before they are used.")


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
    from inventory.kinds import KINDS
    from inventory.load import read_file
    from inventory.problems import InventoryFileError
    from rom.catalog.errors import CatalogError
    from rom.catalog.fitness import unknown_kinds
    from rom.catalog.loader import load_catalog

    console = output()
    try:
        catalog = load_catalog(folder)
        own = [(file, spec) for file, spec in catalog.sources if Path(file).parent == folder]
        if inventory is not None:
            stock, pools = read_file(inventory)
            for finding in unknown_kinds(own, {*KINDS, *(pool.kind for pool in pools)}):
                raise finding.error()
    except (CatalogError, InventoryFileError) as error:
        raise fail(str(error)) from error
    for file, spec in own:
        console.print(f"{file}: {spec.id} {spec.version} can be used", markup=False)
        if inventory is not None:
            for field, words in catalog.fitness.unserved(spec, stock.profiles_by_role()):
                console.print(f"{file}: {field}: {words}", markup=False)
