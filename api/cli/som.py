"""``rom som``: plays the service order manager for a gateway with its lab."""

import json
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Annotated
from uuid import uuid4

import typer

from api.cli.exits import Exit, fail
from api.cli.options import DEFAULT_URL, Url
from api.cli.output import Listing, output
from api.cli.show import state_cell
from api.cli.som_client import SomClient
from api.cli.text import safe
from api.som.listener import Listener
from api.som.plan import PlanError, load_plan
from api.som.rollout import EVENT_TYPES, Outcome, Rollout

PLAN = Path(__file__).parents[1] / "examples" / "rollout.yaml"

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.callback()
def _group() -> None:
    """Keep ``rollout`` a command of its own while it is the only one."""


@app.command()
def rollout(
    plan: Annotated[Path, typer.Argument(help="Waves and their orders, as YAML.")] = PLAN,
    *,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds a wave may take.")] = 300,
    json_file: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, help="Write the outcome as data.")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="Name of the run; the same again goes on where it was interrupted."),
    ] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Order in waves, each once the one before has passed; knows only what events tell it.

    Exit 0 when every wave has passed, 1 when one has not, 2 for a wrong plan or a refused order.
    """
    try:
        waves, texts = load_plan(plan)
    except PlanError as error:
        raise fail(str(error)) from error
    console = output()
    started = monotonic()

    def say(line: str) -> None:
        text = f"{monotonic() - started:6.1f} s  {safe(line)}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    with SomClient(url) as client, Listener() as listener:
        subscription = client.subscribe(listener.callback, f"eventType={','.join(EVENT_TYPES)}")
        try:
            played = Rollout(client, listener, say, run or f"rollout-{uuid4().hex[:12]}")
            outcome = played.play(waves, texts, timeout)
        finally:
            client.unsubscribe(subscription)
    if json_file is not None:
        json_file.write_text(json.dumps(asdict(outcome), indent=2) + "\n")
    console.print()
    console.print(_shown(waves.name, outcome))
    if outcome.stopped_at is not None:
        raise fail(f"Stopped behind {outcome.stopped_at}: {outcome.why}", Exit.FAILED)


def _shown(name: str, outcome: Outcome) -> Listing:
    rows = (
        (
            order.wave,
            order.id,
            ", ".join(order.sites),
            state_cell(order.state),
            "" if order.seconds is None else f"{order.seconds:.1f} s",
            order.events,
            order.note,
        )
        for order in outcome.orders
    )
    headings = ("Wave", "Order", "Sites", "State", "Final after", "Events", "Last note")
    return Listing(f"Rollout {name}", headings, rows)
