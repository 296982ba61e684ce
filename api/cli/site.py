"""``rom site``: what a site holds, and what taking it back would do."""

import typer

from api.cli.client import GatewayClient
from api.cli.options import DEFAULT_URL, AsJson, Url
from api.cli.output import Listing, output
from api.cli.show import rollback as rollback_shown

app = typer.Typer(no_args_is_help=True, help="Show a site and preview its rollback.")


@app.command()
def show(site: str, *, json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """Show the resources a site holds."""
    with GatewayClient(url) as client:
        resources = client.resources({"place.id": site, "limit": "1000"})
    console = output()
    if json:
        console.print_json(data=resources)
        return
    rows = (
        (resource["name"], resource.get("category"), resource.get("resourceStatus"), resource["id"])
        for resource in resources
    )
    console.print(Listing(f"Resources of {site}", ("Name", "Category", "Status", "Id"), rows))


@app.command()
def rollback(site: str, *, json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """Show what taking a site back would send and release; changes nothing."""
    with GatewayClient(url) as client:
        preview = client.rollback_preview(site)
    console = output()
    if json:
        console.print_json(data=preview)
        return
    console.print(rollback_shown(preview))
