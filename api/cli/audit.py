"""``rom audit``: who has done, asked for, approved or forced what, and whether that is whole."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.audit_client import AuditClient
from api.cli.exits import COMPLAINTS, Exit, fail, failed
from api.cli.options import DEFAULT_URL, AsJson, Url
from api.cli.output import Listing, output
from rom.model.deed import Head
from rom.model.errors import RomError

app = typer.Typer(no_args_is_help=True, add_completion=False)

Noted = Annotated[
    str | None,
    typer.Option("--head", help="A head noted before, PLACE:LINK: it must still be there."),
]


@app.command("list")
def list_deeds(
    *,
    site: Annotated[str | None, typer.Option(help="At this site.")] = None,
    device: Annotated[str | None, typer.Option(help="At this device.")] = None,
    order: Annotated[str | None, typer.Option(help="Of this order.")] = None,
    actor: Annotated[str | None, typer.Option(help="By this name.")] = None,
    deed: Annotated[str | None, typer.Option(help="Only these, such as site.repaired.")] = None,
    since: Annotated[str | None, typer.Option(help="A time such as 2026-11-30T08:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="A time; it is not part of it.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most to show.")] = 100,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """List deeds, the newest first."""
    given = {
        "site": site, "device": device, "order": order, "actor": actor, "deed": deed,
        "since": since, "until": until, "limit": str(limit),
    }  # fmt: skip
    with AuditClient(url) as client:
        found = client.deeds({name: value for name, value in given.items() if value is not None})
    console = output()
    if json:
        console.print_json(data=found)
        return
    rows = (
        (
            row["place"], f"{row['time'][:19]}Z", row["actor"], row["client"], row["deed"],
            ", ".join(row["sites"]), ", ".join(row["devices"]),
            row["subject"] or row["order"], row["ticket"], row["reason"],
        )
        for row in found
    )  # fmt: skip
    headings = (
        "Place", "Time", "Who", "From", "Deed", "Sites", "Devices", "What", "Ticket", "Reason",
    )  # fmt: skip
    console.print(Listing("Trail", headings, rows))


@app.command()
def show(
    place: Annotated[int, typer.Argument(min=1, help="Its place in the trail.")],
    *,
    url: Url = DEFAULT_URL,
) -> None:
    """Show all that is kept of one deed."""
    with AuditClient(url) as client:
        output().print_json(data=client.deed(str(place)))


@app.command()
def verify(
    *,
    head: Noted = None,
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="An export, not the gateway.")
    ] = None,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Find entries that were changed, removed or moved. Exit 1 when there is one.

    Note the head it tells somewhere else: only with it can the end of a trail be known.
    """
    found = _of_file(file, head) if file is not None else _of_gateway(url, head)
    console = output()
    if json:
        console.print_json(data=found)
    elif found["intact"]:
        console.print(f"The trail is whole; head {found['head']}", markup=False)
    else:
        rows = ((fault["place"], fault["text"]) for fault in found["faults"])
        console.print(Listing("The trail is not what was written", ("Place", "Finding"), rows))
    raise typer.Exit(Exit.COMPLETED if found["intact"] else Exit.FAILED)


def _of_gateway(url: str, head: str | None) -> dict[str, Any]:
    with AuditClient(url) as client:
        return client.verification(head)


def _of_file(file: Path, head: str | None) -> dict[str, Any]:
    # Imported here because the engine's libraries would slow every other command down.
    from rom.gateway.trail import verify_export

    try:
        expected = None if head is None else Head.read(head)
        with file.open(encoding="utf-8") as lines:
            return verify_export(lines, expected).on_the_wire()
    except RomError as error:
        raise failed(error) from error
    except (OSError, ValueError) as error:
        raise fail(f"{file}: {error}") from error


@app.command()
def export(
    file: Annotated[
        Path | None, typer.Argument(dir_okay=False, help="Where to (default: standard output).")
    ] = None,
    *,
    url: Url = DEFAULT_URL,
) -> None:
    """Write the whole trail as JSON lines, the oldest deed first."""
    with AuditClient(url) as client:
        if file is None:
            for line in client.exported():
                sys.stdout.write(f"{line}\n")
            return
        try:
            with file.open("x", encoding="utf-8") as out:
                count = sum(out.write(f"{line}\n") > 0 for line in client.exported())
        except OSError as error:
            raise fail(f"{file} cannot be written: {error.strerror}") from error
    COMPLAINTS.print(f"{count} deeds are in {file}")
