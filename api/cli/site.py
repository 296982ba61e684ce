"""``rom site``: what a site holds, what has changed there, and the way back."""

import getpass
from typing import Annotated

import typer

from api.cli import show_site
from api.cli.exits import Exit, fail
from api.cli.options import DEFAULT_URL, AsJson, Url
from api.cli.output import Listing, output
from api.cli.show import second_run
from api.cli.site_client import Document, SiteClient

app = typer.Typer(no_args_is_help=True, add_completion=False)

Yes = Annotated[bool, typer.Option("--yes", help="Do it; without, only show it.")]
To = Annotated[int | None, typer.Option(min=0, help="A snapshot's number; 0 is before all.")]
Before = Annotated[str | None, typer.Option(help="An order; what it and later ones did goes.")]
PolicyName = Annotated[
    str,
    typer.Option(help="Where somebody else has changed something: refuse, keep it, or force."),
]
Reason = Annotated[str, typer.Option(help="Why; needed to force.")]
Ticket = Annotated[str, typer.Option(help="Goes into notes and audit.")]
Seen = Annotated[
    str, typer.Option("--preview", help="The hash of the preview you have seen; with --yes.")
]
Number = Annotated[int | None, typer.Argument(min=0, help="A snapshot's number.")]


@app.command()
def show(site: str, *, json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """Show the resources a site holds."""
    with SiteClient(url) as client:
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
def snapshots(site: str, *, json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """List a site's snapshots, taken before and after every change."""
    with SiteClient(url) as client:
        found = client.snapshots(site)
    console = output()
    if json:
        console.print_json(data=found)
    else:
        console.print(show_site.snapshots(site, found))


@app.command()
def diff(
    site: str, a: Number = None, b: Number = None, *, json: AsJson = False, url: Url = DEFAULT_URL
) -> None:
    """Compare two snapshots; by default the latest one with the devices as they are now."""
    with SiteClient(url) as client:
        found = client.diff(site, a, b)
    console = output()
    if json:
        console.print_json(data=found)
    else:
        console.print(show_site.comparison(found))


@app.command()
def rollback(
    site: str,
    *,
    to: To = None,
    before: Before = None,
    yes: Yes = False,
    preview: Seen = "",
    policy: PolicyName = "refuse",
    reason: Reason = "",
    ticket: Ticket = "",
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Take one site back, nobody else touched; shows it first, and does it with --yes.

    Without --to and --before all that the gateway has done at the site goes. What would be sent is
    what was shown, or it is shown and asked anew. Exit 0 done, 1 ended with an error, 2 refused.
    """
    if policy not in ("refuse", "keep", "force"):
        raise fail(f"policy '{policy}' is none of refuse, keep, force")
    asked: Document = {
        "site": site, "policy": policy, "reason": reason, "ticket": ticket,
        "requester": getpass.getuser(), "dryRun": True,
    }  # fmt: skip
    asked |= {name: value for name, value in (("to", to), ("before", before)) if value is not None}
    console = output()
    with SiteClient(url) as client:
        shown = client.rollback(asked)
        _show(shown, quiet=yes and json, json=json)
        if not yes:
            return
        if preview not in ("", shown["hash"]):
            _confirm("This is not the preview with the hash you gave. Do it as shown now?")
        task = _followed(client, _started(client, asked, shown), quiet=json)
    if json:
        console.print_json(data=task)
    else:
        console.print(show_site.task_result(task))
    raise typer.Exit(Exit.COMPLETED if task["state"] == "done" else Exit.FAILED)


def _show(preview: Document, *, quiet: bool, json: bool) -> None:
    """Show a preview; ends the command when a conflict stops the rollback."""
    console = output()
    if json and not quiet:
        console.print_json(data=preview)
    elif not quiet:
        console.print(show_site.rollback_preview(preview))
    in_the_way = show_site.blocking(preview)
    if in_the_way:
        advice = "look at them; --policy keep leaves them, --policy force --reason does not"
        raise fail(f"{len(in_the_way)} conflicts stop the rollback: {advice}")


def _started(client: SiteClient, asked: Document, seen: Document) -> Document:
    """Start what was seen; what differs by now is shown, and asked anew."""
    while True:
        task, now = client.start_rollback(asked | {"dryRun": False, "hash": seen["hash"]})
        if task is not None:
            return task
        _show(now, quiet=False, json=False)
        _confirm("Devices have changed since the preview above. Do it as shown now?")
        seen = now


def _confirm(question: str) -> None:
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:  # nobody is there to answer
        agreed = False
    if not agreed:
        raise fail("nothing was started")


def _followed(client: SiteClient, task: Document, *, quiet: bool) -> Document:
    console = output()
    shown = None
    for latest in client.states(str(task["id"])):
        task = latest
        if task["state"] != shown and not quiet:
            console.print(f"Rollback {task['id']} is {task['state']}", markup=False)
        shown = task["state"]
    return task


@app.command()
def repair(
    site: str,
    *,
    yes: Yes = False,
    reason: Annotated[str, typer.Option(help="Why what others have set is replaced.")] = "",
    ticket: Ticket = "",
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Bring what a site should have onto its devices again; shows it first, sends with --yes.

    What somebody else has set since is replaced only with a reason.
    """
    asked: Document = {"dryRun": not yes, "reason": reason, "ticket": ticket}
    console = output()
    with SiteClient(url) as client:
        found = client.repair(site, asked)
    if json:
        console.print_json(data=found)
    else:
        console.print(second_run(found) if yes else show_site.repair_preview(found))
    failed = any(row.get("error") for row in found["devices"])
    raise typer.Exit(Exit.FAILED if failed else Exit.COMPLETED)
