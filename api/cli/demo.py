"""``rom demo``: one resource order in, a proven site out, everything on this machine.

A gateway and the lab are started as processes of their own, and everything is done and learnt over
HTTP, as a service order manager would.
"""

import json
import signal
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console

from api.cli import show
from api.cli.client import GatewayClient
from api.cli.exits import Exit, fail
from api.cli.options import DataDir
from api.cli.output import Listing, output
from api.cli.watch import NotFinalError, exit_code, follow, progress_on
from api.serving.errors import ServeError
from api.serving.scratch import gateway_process, scratch_directory

PILOT = Path(__file__).parents[1] / "examples" / "so-pilot-melbourne.json"
TOPOLOGY = "enterprise-fibre"
ORDER_SECONDS = 120


class DemoError(Exception):
    """A step did not end as it must; the text says which."""


def demo(
    *,
    json_file: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, help="Write the same as data.")
    ] = None,
    order: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="Another order to play.")
    ] = PILOT,
    data_dir: DataDir = None,
) -> None:
    """Play the pilot order against the simulated lab and print what came out of it."""
    before = signal.signal(signal.SIGTERM, _as_interrupt)
    console = output()
    started = monotonic()
    data: dict[str, Any] = {}
    try:
        _play(console, order.read_bytes(), data_dir, data)
    except (ServeError, DemoError) as error:
        advice = "with --data-dir DIR the logs stay in DIR/serve.log and DIR/lab/lab.log"
        raise fail(f"{error}\n{advice}", Exit.FAILED) from error
    except KeyboardInterrupt as error:
        raise fail("Interrupted; everything is stopped", Exit.FAILED) from error
    finally:
        signal.signal(signal.SIGTERM, before)
        if json_file is not None:
            json_file.write_text(json.dumps(data, indent=2) + "\n")
    seconds = monotonic() - started
    console.print()
    console.print(_summary(data))
    console.print()
    console.print(
        f"Done in {seconds:.0f} s: the site is proven and everything is stopped again",
        style="bold green",
    )


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _play(console: Console, order: bytes, data_dir: Path | None, data: dict[str, Any]) -> None:
    """Fill ``data`` as far as it gets; raises ``DemoError`` when a step ends wrong."""
    with scratch_directory(data_dir) as place:
        console.print("Starting PostgreSQL, the simulated lab and the gateway …", style="dim")
        with gateway_process(place, TOPOLOGY) as url, GatewayClient(url) as client:
            console.print(f"The gateway takes orders at {url}", markup=False)
            _order(console, client, order, data)
            sites = show.sites(data["report"])
            _again(console, client, sites, data)
            data["rollbackPreview"] = [client.rollback_preview(site) for site in sites]
            for preview in data["rollbackPreview"]:
                console.print(show.rollback(preview))
            console.print("\nStopping …", style="dim")


def _order(console: Console, client: GatewayClient, order: bytes, data: dict[str, Any]) -> None:
    taken = client.submit(order)
    console.print(f"Order {taken['id']} is {taken['state']}", markup=False, highlight=False)
    try:
        data["report"] = follow(client, taken["id"], progress_on(console), ORDER_SECONDS)
    except NotFinalError as error:
        data["report"] = error.report
    data["resources"] = client.held_by(show.sites(data["report"]))
    show.outcome(console, data["report"], data["resources"])
    found = data["report"]["order"]
    if exit_code(found) is not Exit.COMPLETED:
        message = f"the order is {found['state']}, not completed"
        raise DemoError(message)


def _again(console: Console, client: GatewayClient, sites: list[str], data: dict[str, Any]) -> None:
    data["reapply"] = [client.reapply(site) for site in sites]
    for answer in data["reapply"]:
        console.print()
        console.print(show.second_run(answer))
    wrong = [
        row["device"]
        for answer in data["reapply"]
        for row in answer["devices"]
        if row["edits"] or row.get("error")
    ]
    if wrong:
        message = f"the second run was not quiet on {', '.join(wrong)}"
        raise DemoError(message)
    console.print("The second run of the same intent sent nothing", style="green")


def _summary(data: dict[str, Any]) -> Listing:
    """Return what was shown, in a few lines at the end, where the reader of a terminal begins."""
    report = data["report"]
    sent = report["transactions"]
    again = [row for answer in data["reapply"] for row in answer["devices"]]
    back = [row for preview in data["rollbackPreview"] for row in preview["devices"]]
    free = sum(len(preview["releases"]) for preview in data["rollbackPreview"])
    measured = report["measurements"]
    return Listing(
        "In short",
        ("What", "Outcome"),
        (
            ("order", f"{report['order']['id']} {report['order']['state']}, "
             f"{len(report['order']['orderItem'])} items at {', '.join(show.sites(report))}"),
            ("sent", f"{sum(row['edits'] for row in sent)} edits in {len(sent)} transactions "
             f"to {len({row['device'] for row in sent})} devices, every one read back"),
            ("measured", ", ".join(
                f"{row['sent']} packets, {row['lost']} lost, p95 {row['rtt_ms']['p95']:.3g} ms: "
                f"{row['verdict']}" for row in measured)),
            ("second run", f"{sum(row['edits'] for row in again)} edits on {len(again)} devices"),
            ("rollback", f"would send {sum(row['edits'] for row in back)} edits to "
             f"{sum(1 for row in back if row['edits'])} devices and release {free} resources"),
        ),
    )  # fmt: skip
