"""The ``rom`` command line."""

import typer

from api.cli import (
    catalog,
    demo,
    device,
    events,
    inventory,
    lab,
    order,
    profile,
    serve,
    site,
    som,
    token,
)
from api.cli.client import TOKEN_FILE
from api.cli.options import TokenFile

app = typer.Typer(
    name="rom",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a plain traceback fits a log, and shows no local values
    help="Network activation gateway: TMF652 resource orders in, proven sites out.",
)
app.command()(serve.serve)
app.command()(demo.demo)
app.add_typer(order.app, name="order")
app.add_typer(site.app, name="site")
app.add_typer(device.app, name="device")
app.add_typer(events.app, name="events")
app.add_typer(inventory.app, name="inventory")
app.add_typer(catalog.app, name="catalog")
app.add_typer(lab.app, name="lab")
app.add_typer(profile.app, name="profile")
app.add_typer(som.app, name="som")
app.add_typer(token.app, name="token")


@app.callback()
def _whole(*, token_file: TokenFile = None) -> None:
    """Take the options that stand before the command."""
    TOKEN_FILE.set(token_file)


def main() -> None:
    """Run the command line."""
    app()
