"""``rom inventory``: load an inventory file into the gateway's database."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.exits import fail
from api.cli.options import DataDir
from api.cli.output import output
from api.cli.settings import read_settings
from api.serving.claim import only_server_of
from api.serving.errors import ServeError

app = typer.Typer(no_args_is_help=True, help="Load resources and devices.")


@app.callback()
def _group() -> None:
    """Keep ``load`` a command of its own while it is the only one."""


@app.command()
def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)], *, data_dir: DataDir = None
) -> None:
    """Load FILE while no server runs; what is there already stays, what is new is added."""
    # Imported here because the engine's libraries would slow every other command down.
    from inventory.problems import InventoryFileError
    from rom.runtime import open_gateway
    from rom.store.embedded import EmbeddedPostgresError

    settings = read_settings(data_dir=data_dir, inventory_file=file)
    try:
        with only_server_of(settings.data_dir), open_gateway(settings) as gateway:
            _, total = gateway.list_resources(offset=0, limit=1, filters={})
    except (ServeError, EmbeddedPostgresError, InventoryFileError) as error:
        raise fail(str(error)) from error
    output().print(f"{file} is loaded; the inventory now has {total} resources", markup=False)
