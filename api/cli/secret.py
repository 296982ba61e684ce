"""``rom secret``: passwords of devices, which go in and never come out.

A value is asked for, or read from a file or a pipe. It is never an argument: others on the machine
could see it there.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli.exits import Exit, fail
from api.cli.options import DEFAULT_URL, AsJson, Url
from api.cli.output import Listing, output
from api.cli.secret_client import SecretClient

app = typer.Typer(no_args_is_help=True, add_completion=False)

Name = Annotated[str, typer.Argument(help="Such as device/OLT-SOUTH-03.")]
File = Annotated[
    Path | None,
    typer.Option(
        "--file", exists=True, dir_okay=False, help="A file with the value (default: asked for)."
    ),
]


@app.command("set")
def set_secret(name: Name, *, file: File = None, url: Url = DEFAULT_URL) -> None:
    """Enter a value, from a prompt, a pipe or --file; one that is there is replaced."""
    value = _value(file)
    with SecretClient(url) as client:
        found = client.set(name, value)
    used = ", ".join(found["usedBy"]) or "no device yet"
    output().print(f"{name} is set; named by {used}", markup=False)


@app.command("list")
def list_secrets(*, json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """List secrets by name, who has set them and which devices name them."""
    with SecretClient(url) as client:
        found = client.secrets()
    console = output()
    if json:
        console.print_json(data=found)
        return
    rows = (
        (
            row["name"], f"{row['setAt'][:19]}Z" if row["isSet"] else "not set", row["setBy"],
            ", ".join(row["usedBy"]),
        )
        for row in found
    )  # fmt: skip
    console.print(Listing("Secrets", ("Name", "Set", "By", "Named by"), rows))


@app.command()
def rotate(
    name: Annotated[str, typer.Argument(help="device/OLT-SOUTH-03; with --site such as bgp.")],
    *,
    site: Annotated[
        str | None, typer.Option(help="Make a new value of this site's secret, on its devices.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; goes into the trail.")] = "",
    ticket: Annotated[str, typer.Option(help="Goes into the trail.")] = "",
    file: File = None,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Replace a device's password by one that is set on it already, once a login has shown that.

    With --site the gateway makes a new value of a secret that the site's devices hold together and
    brings it to all of them. Exit 1 where one has not taken it yet: that goes on by itself.
    """
    if site is not None:
        _of_site(site, {"secret": name, "reason": reason, "ticket": ticket}, url, json=json)
        return
    value = _value(file)
    with SecretClient(url) as client:
        client.rotate(name, value)
    output().print(f"{name} is replaced", markup=False)


@app.command()
def delete(name: Name, *, url: Url = DEFAULT_URL) -> None:
    """Forget a secret that no device names any more."""
    with SecretClient(url) as client:
        client.delete(name)
    output().print(f"{name} is deleted", markup=False)


def _of_site(site: str, asked: dict[str, str], url: str, *, json: bool) -> None:
    with SecretClient(url) as client:
        found = client.rotate_of_site(site, asked)
    console = output()
    if json:
        console.print_json(data=found)
    else:
        rows = ((row["device"], row["state"], row.get("error", "")) for row in found["devices"])
        verdict = "is replaced" if found["done"] else "is being replaced"
        console.print(Listing(f"{found['secret']} {verdict}", ("Device", "State", "Error"), rows))
    raise typer.Exit(Exit.COMPLETED if found["done"] else Exit.FAILED)


def _value(file: Path | None) -> str:
    """Return the value without the line end; ends the command where there is none."""
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise fail(f"{file} cannot be read: {type(error).__name__}") from error
    elif sys.stdin.isatty():
        text = typer.prompt("Value", hide_input=True, confirmation_prompt=True, err=True)
    else:
        text = sys.stdin.read()
    value = text.rstrip("\r\n")
    if not value:
        raise fail("there is no value", Exit.REFUSED)
    return value
