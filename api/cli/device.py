"""``rom device``: the devices, and whether they hold what the sites should have on them."""

from typing import Annotated

import typer

from api.cli.exits import Exit, fail
from api.cli.options import DEFAULT_URL, AsJson, Url
from api.cli.output import Listing, output
from api.cli.show_site import drift_report
from api.cli.site_client import SiteClient

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command("list")
def list_devices(*, json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """List the devices with their sites and their last transaction."""
    with SiteClient(url) as client:
        found = client.devices()
    console = output()
    if json:
        console.print_json(data=found)
        return
    rows = (
        (
            row["device"], row["role"], row["profile"], ", ".join(row["sites"]),
            row["waiting"] or "", _last(row["lastTransaction"]),
        )
        for row in found
    )  # fmt: skip
    headings = ("Device", "Role", "Profile", "Sites", "Waiting", "Last transaction")
    console.print(Listing("Devices", headings, rows))


def _last(transaction: dict[str, str] | None) -> str:
    if transaction is None:
        return ""
    return f"{transaction['kind']} {transaction['state']} {transaction['time'][:19]}Z"


@app.command()
def check(
    name: Annotated[str | None, typer.Argument(help="One device.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="Every device.")] = False,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Compare devices with what the sites should have there; sends nothing. Exit 1 on drift."""
    if (name is None) != everything:
        raise fail("name one device or give --all")
    with SiteClient(url) as client:
        report = client.check(None if name is None else [name])
    console = output()
    if json:
        console.print_json(data=report)
    else:
        console.print(drift_report(report))
    raise typer.Exit(Exit.COMPLETED if report["clean"] else Exit.FAILED)
