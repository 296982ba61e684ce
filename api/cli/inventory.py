"""``rom inventory``: load inventory files, and see how full the pools are."""

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.client import GatewayClient
from api.cli.exits import fail, failed
from api.cli.options import DEFAULT_URL, AsJson, DataDir, Url, command_actor
from api.cli.output import Listing, output
from api.cli.settings import read_settings
from api.serving.claim import address_of, only_server_of
from api.serving.errors import DirectoryInUse, ServeError
from rom.model.errors import RomError

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    *,
    data_dir: DataDir = None,
) -> None:
    """Load FILE, through the directory's running server if there is one; what is there stays."""
    # Imported here because the engine's libraries would slow every other command down.
    from rom.gateway.inventory import read_file
    from rom.runtime import open_gateway

    # Whatever file the server starts with: this one is loaded now.
    settings = read_settings(data_dir=data_dir).model_copy(update={"inventory_file": None})
    try:
        content = read_file(file)
        with only_server_of(settings.data_dir), open_gateway(settings) as gateway:
            loaded = gateway.inventory.load(content, str(file), by=command_actor())
            report = loaded.model_dump()
    except DirectoryInUse as error:
        url = address_of(settings.data_dir)
        if url is None:
            raise fail(f"{error}, or try again when it takes orders") from error
        with GatewayClient(url) as client:
            report = client.load_inventory(content)
    except ServeError as error:
        raise fail(str(error)) from error
    except RomError as error:
        raise failed(error) from error
    counts = ", ".join(f"{number} {what}" for what, number in report.items())
    output().print(f"{file} is loaded: {counts}", markup=False)


@app.command()
def pools(
    *,
    low: Annotated[
        bool, typer.Option("--low", help="Only those below what is to be kept.")
    ] = False,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """List the pools with their capacity and what is free."""
    with GatewayClient(url) as client:
        found = [pool for pool in client.pools() if pool["low"] or not low]
    console = output()
    if json:
        console.print_json(data=found)
        return
    rows = (
        (
            pool["name"], pool["kind"], _number(pool["capacity"]), _number(pool["free"]),
            _number(pool["watermark"]), "low" if pool["low"] else "",
        )
        for pool in found
    )  # fmt: skip
    headings = ("Pool", "Kind", "Capacity", "Free", "Keep free", "")
    console.print(Listing("Pools", headings, rows))


def _number(value: Any) -> str:
    return "" if value is None else f"{value:,}"


@app.command(name="format")
def format_() -> None:
    """Print the reference of inventory files as Markdown: docs/inventory-format.md."""
    # Imported here because the models would slow every other command down.
    from rom.gateway.file_format import inventory_reference

    typer.echo(inventory_reference(), nl=False)
