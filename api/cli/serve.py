"""``rom serve``: the gateway, its workers and, if wanted, the simulated lab."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.cli.exits import fail, failed
from api.cli.options import DataDir
from api.cli.settings import read_settings
from api.logs import configure_logs
from api.serving.errors import ServeError
from api.serving.lab import find_topology, shipped_inventory
from rom.model.errors import RomError

LAB_SETTINGS = {
    "twamp_interval": 0.0003,
    "retry_seconds": 1.0,
    "callback_allow": "127.0.0.0/8,::1",
    "callback_http": True,
    "event_backoff_most_seconds": 5.0,
}
"""In the lab nobody waits for minutes, and listeners run on the same machine."""


def serve(
    *,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="0 takes a free one.")] = None,
    data_dir: DataDir = None,
    lab: Annotated[
        str | None, typer.Option(help="Run the simulated lab too: a topology file or shipped name.")
    ] = None,
    inventory: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Load this first (with --lab: the lab's own)."
        ),
    ] = None,
    open_lab: Annotated[
        bool, typer.Option("--open", help="Listen beyond this machine without authentication.")
    ] = False,
) -> None:
    """Run until Ctrl-C or SIGTERM; exit 0 after a clean stop."""
    # Imported here because the engine's libraries would slow every other command down.
    from api.serving.server import serve as run

    settings = read_settings(
        port=port, data_dir=data_dir, inventory_file=inventory, open=open_lab or None
    )
    if lab is not None:
        quick = {n: v for n, v in LAB_SETTINGS.items() if n not in settings.model_fields_set}
        settings = settings.model_copy(update=quick)
    try:
        configure_logs(settings.log_level, as_json=settings.log_json)
    except ValueError as error:
        raise fail(f"setting ROM_LOG_LEVEL: {error}") from error
    console = Console(soft_wrap=True, markup=False, highlight=False)
    try:
        topology = None if lab is None else find_topology(lab)
        if topology is not None and settings.inventory_file is None:
            shipped = shipped_inventory(topology.parent.name)
            settings = settings.model_copy(update={"inventory_file": shipped})
        code = run(settings, topology, console.print)
    except ServeError as error:
        raise fail(str(error)) from error
    except RomError as error:
        raise failed(error) from error
    console.print("Stopped")
    raise typer.Exit(code)
