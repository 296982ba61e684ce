"""``rom device``: the devices, and whether they hold what the sites should have on them."""

from typing import Annotated

import typer

from api.cli.exits import COMPLAINTS, Exit, fail
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
def add(
    name: Annotated[str, typer.Argument(help="What orders and people call it.")],
    *,
    role: Annotated[str, typer.Option(help="What it is to sites, such as access or bng.")],
    profile: Annotated[str, typer.Option(help="The platform it is of, such as bbf-olt.")],
    host: Annotated[str | None, typer.Option(help="Its address or name.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535)] = None,
    username: Annotated[str | None, typer.Option(help="Whom to log in as.")] = None,
    secret: Annotated[
        str | None, typer.Option(help="Name of the secret with its password.")
    ] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE for the driver; repeatable.")
    ] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE for templates, such as area; repeatable.")
    ] = None,
    partner: Annotated[
        list[str] | None, typer.Option(help="ROLE=DEVICE that serves its sites; repeatable.")
    ] = None,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Write a device into the inventory, and say what it still lacks before it can be driven."""
    entry: dict[str, object] = {"name": name, "role": role, "profile": profile}
    for field, given in (("attributes", attribute), ("partners", partner)):
        if given:
            entry[field] = _pairs(given)
    endpoint = {
        "host": host, "port": port, "username": username, "secret_name": secret,
        "options": _pairs(option) if option else None,
    }  # fmt: skip
    said = {field: value for field, value in endpoint.items() if value is not None}
    if said:
        entry["endpoint"] = said
    with SiteClient(url) as client:
        found = client.add_device(entry)
    console = output()
    if json:
        console.print_json(data=found)
        return
    console.print(f"{name} is {'added' if found['created'] else 'in the inventory'}", markup=False)
    for lacks in found["missing"]:
        console.print(f"  it lacks {lacks}", markup=False)
    console.print(f"Then look at it with 'rom device test {name}'", markup=False)


def _pairs(given: list[str]) -> dict[str, str]:
    found = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals and value):
            raise fail(f"'{text}' is no KEY=VALUE")
        found[key] = value
    return found


@app.command("test")
def examine(
    name: Annotated[str, typer.Argument(help="The device, or a router's serial number.")],
    *,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Reach a device, log in once, and say whether its profile fits. Exit 1 when it cannot be used.

    Changes nothing on it. The first step that failed says what to do.
    """
    with SiteClient(url) as client:
        found = client.test_device(name)
    console = output()
    if json:
        console.print_json(data=found)
    else:
        rows = ((step["look"], step["found"], step["text"]) for step in found["steps"])
        verdict = "can be used" if found["usable"] else "cannot be used yet"
        console.print(Listing(f"{name} {verdict}", ("Step", "Result", "Found"), rows))
    raise typer.Exit(Exit.COMPLETED if found["usable"] else Exit.FAILED)


@app.command()
def trust(
    name: Annotated[str, typer.Argument(help="The device, or a router's serial number.")],
    *,
    fingerprint: Annotated[
        str | None, typer.Option(help="What its key must have, from another source; no question.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let another key that is pinned go.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; needed to replace a key.")] = "",
    ticket: Annotated[str, typer.Option(help="Goes into the trail.")] = "",
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Show the SSH host key of a device and pin it once you have agreed."""
    console = output()
    with SiteClient(url) as client:
        seen = client.trust_device(name, {"dryRun": True})
        if seen["state"] == "same":
            _told(seen, json=json)
            return
        if fingerprint is None:
            _show_key(seen)
            _agree(seen, replace=replace)
            fingerprint = str(seen["fingerprint"])
        done = client.trust_device(
            name,
            {
                "dryRun": False, "fingerprint": fingerprint, "replace": replace,
                "reason": reason, "ticket": ticket,
            },
        )  # fmt: skip
    if json:
        console.print_json(data=done)
    else:
        console.print(f"{done['fingerprint']} is pinned for {name}", markup=False)


def _told(seen: dict[str, object], *, json: bool) -> None:
    if json:
        output().print_json(data=seen)
    else:
        output().print(f"{seen['fingerprint']} is pinned already", markup=False)


def _show_key(seen: dict[str, object]) -> None:
    COMPLAINTS.print(f"{seen['device']} shows a key of type {seen['kind']}:")
    COMPLAINTS.print(f"  {seen['fingerprint']}")
    if seen["pinned"]:
        COMPLAINTS.print(f"Pinned is another one: {seen['pinned']}", style="red")


def _agree(seen: dict[str, object], *, replace: bool) -> None:
    if seen["state"] == "changed" and not replace:
        raise fail("the key has changed; find out why, then repeat with --replace --reason")
    try:
        agreed = typer.confirm("Is it the device's own, and to be pinned?", err=True)
    except typer.Abort:  # nobody is there to answer
        agreed = False
    if not agreed:
        raise fail("nothing was pinned")


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
