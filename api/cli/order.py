"""``rom order``: submit, show and list orders of a running gateway, and decide on held ones."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.client import GatewayClient
from api.cli.exits import Exit, fail
from api.cli.options import DEFAULT_URL, AsJson, Url
from api.cli.output import Listing, output
from api.cli.show import sites, state_cell, whole_report
from api.cli.watch import NotFinalError, exit_code, follow, progress_on

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def submit(
    file: Annotated[Path, typer.Argument(help="A TMF652 order as JSON; '-' reads standard input.")],
    *,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show progress until it is final.")
    ] = False,
    timeout: Annotated[float | None, typer.Option(help="Give up watching after seconds.")] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Post an order; with --watch the exit code tells what became of it."""
    body = _read(file)
    console = output()
    with GatewayClient(url) as client:
        order = client.submit(body)
        console.print(f"Order {order['id']} is {order['state']}", markup=False, highlight=False)
        if not watch:
            return
        try:
            report = follow(client, order["id"], progress_on(console), timeout)
        except NotFinalError as error:
            raise fail(f"{error} after {timeout} seconds; it goes on", Exit.FAILED) from error
    raise typer.Exit(exit_code(report["order"]))


def _read(file: Path) -> bytes:
    try:
        if str(file) == "-":
            return typer.get_binary_stream("stdin").read()
        return file.read_bytes()
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}") from error


@app.command()
def show(order_id: str, *, json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """Show an order with what it got, sent and measured; exit 1 for failed or partial, 2 refused.

    An order still under way exits 0.
    """
    console = output()
    with GatewayClient(url) as client:
        report = client.report(order_id)
        resources = [] if json else client.held_by(sites(report))
    if json:
        console.print_json(data=report)
    else:
        whole_report(console, report, resources)
    state = report["order"]["state"]
    raise typer.Exit(
        exit_code(report["order"]) if state in {"failed", "partial", "rejected", "cancelled"} else 0
    )


@app.command("list")
def list_orders(
    *,
    state: Annotated[str | None, typer.Option(help="Only orders in this TMF652 state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """List orders, newest first."""
    filters = {"limit": str(limit)} | ({"state": state} if state else {})
    with GatewayClient(url) as client:
        orders = client.orders(filters)
    console = output()
    if json:
        console.print_json(data=orders)
        return
    rows = (
        (order["id"], state_cell(order["state"]), order["orderDate"], order.get("description"))
        for order in orders
    )
    console.print(Listing("Orders", ("Order", "State", "Ordered", "Description"), rows))


Item = Annotated[str | None, typer.Option("--item", help="Only this item.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stands in the item's note.")]
Requester = Annotated[str, typer.Option("--requester", help="Who asks, where no token says it.")]


@app.command()
def retry(
    order_id: str,
    *,
    item: Item = None,
    reason: Reason = "",
    requester: Requester = "",
    url: Url = DEFAULT_URL,
) -> None:
    """Set what is held going again, all of an order's or one item."""
    with GatewayClient(url) as client:
        order = client.decide("retry", order_id, item, _decision(reason, requester))
    _say(f"Order {order_id} is {order['state']}")


@app.command()
def complete(
    order_id: str,
    *,
    item: Annotated[str, typer.Option("--item", help="The held item.")],
    reason: Reason,
    requester: Requester = "",
    url: Url = DEFAULT_URL,
) -> None:
    """Complete a held item that is on its devices, on your word instead of a proof."""
    with GatewayClient(url) as client:
        order = client.decide("complete", order_id, item, _decision(reason, requester))
    _say(f"Item {item} is completed; order {order_id} is {order['state']}")


@app.command()
def cancel(
    order_id: str,
    *,
    item: Item = None,
    reason: Reason,
    requester: Requester = "",
    url: Url = DEFAULT_URL,
) -> None:
    """Cancel an order, or one held item, and take back what it has got."""
    with GatewayClient(url) as client:
        task = (
            client.cancel(order_id, reason)
            if item is None
            else client.decide("cancel", order_id, item, _decision(reason, requester))
        )
    _say(f"Cancellation {task['id']} is {task['state']}; follow it with rom order show {order_id}")


@app.command("give-up")
def give_up(
    order_id: str,
    *,
    device: Annotated[str, typer.Option("--device", help="The device it is stuck at.")],
    reason: Reason,
    requester: Requester = "",
    url: Url = DEFAULT_URL,
) -> None:
    """Let an order's cancellation go on without a device that stays out of reach.

    Its configuration may stay there, so all that the order had at the site rests without end.
    """
    with GatewayClient(url) as client:
        task = client.give_up(order_id, device, _decision(reason, requester))
    _say(f"Cancellation {task['id']} goes on without {device}; it is {task['state']}")


def _decision(reason: str, requester: str) -> dict[str, str]:
    return {"reason": reason, "requester": requester}


def _say(text: str) -> None:
    output().print(text, markup=False, highlight=False)
