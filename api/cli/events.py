"""``rom events``: who listens, what could not be delivered, and sending it again."""

from typing import Annotated

import typer

from api.cli.events_client import EventsClient
from api.cli.exits import fail
from api.cli.options import DEFAULT_URL, AsJson, Url
from api.cli.output import Listing, output

app = typer.Typer(no_args_is_help=True, add_completion=False)

Listener = Annotated[str | None, typer.Option("--listener", help="Those of one listener.")]
Order = Annotated[str | None, typer.Option("--order", help="Those of one order or task.")]


@app.command()
def listeners(*, json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """List every hub's listeners and how delivery to them stands."""
    with EventsClient(url) as client:
        found = client.listeners()
    console = output()
    if json:
        console.print_json(data=found)
        return
    rows = (
        (
            row["id"], row["api"], row["callback"], row["query"], state["state"],
            state["delivered"], state["waiting"] or "", state["deadLetters"] or "",
            state["lastError"] if state["state"] == "failing" else "",
        )
        for row in found
        for state in (row["delivery"],)
    )  # fmt: skip
    headings = (
        "Listener", "API", "Callback", "Query", "State", "Delivered", "Waiting", "Dead", "Error",
    )  # fmt: skip
    console.print(Listing("Listeners", headings, rows))


@app.command("dead-letters")
def dead_letters(
    *,
    listener: Listener = None,
    order: Order = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most to show.")] = 100,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """List events that could not be delivered, in their order."""
    given = {"listener": listener, "order": order, "limit": str(limit)}
    with EventsClient(url) as client:
        found = client.dead_letters({n: v for n, v in given.items() if v is not None})
    console = output()
    if json:
        console.print_json(data=found)
        return
    rows = (
        (
            row["id"], row["listener"], row["order"], row["eventType"], row["attempts"],
            row["deadSince"][:19], row["error"],
        )
        for row in found
    )  # fmt: skip
    headings = ("Letter", "Listener", "Order", "Event", "Attempts", "Dead since", "Error")
    console.print(Listing("Dead letters", headings, rows))


@app.command()
def replay(
    letter: Annotated[str | None, typer.Argument(help="One dead letter.")] = None,
    *,
    listener: Listener = None,
    order: Order = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Send dead letters again, in their order."""
    given = {"id": letter, "listener": listener, "order": order}
    asked = {name: value for name, value in given.items() if value is not None}
    if bool(asked) == everything:
        raise fail("name a letter, a listener or an order, or give --all")
    with EventsClient(url) as client:
        count = client.replay(asked or {"all": True})["replayed"]
    output().print(f"{count} sent again")
