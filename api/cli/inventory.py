"""``rom inventory``: load and export inventory files, and see how full the pools are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from api.cli.client import GatewayClient
from api.cli.exits import fail, failed
from api.cli.options import DEFAULT_URL, AsJson, DataDir, Url, command_actor
from api.cli.output import Listing, output
from api.cli.settings import read_settings
from api.serving.claim import address_of, only_server_of
from api.serving.errors import DirectoryInUse, ServeError
from rom.model.errors import InventoryRefused, RomError

if TYPE_CHECKING:
    from device_profiles.bounded_yaml import Document
    from rom.gateway.inventory import Inventory

app = typer.Typer(no_args_is_help=True, add_completion=False)


OtherUrl = Annotated[
    str | None,
    typer.Option(
        "--url", envvar="ROM_URL",
        help="Where the gateway listens (default: the server of the data directory, or the "
        "directory itself when none runs).",
    ),
]  # fmt: skip


@app.command()
def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would come, change and go; change nothing.")
    ] = False,
    replace: Annotated[
        list[str] | None,
        typer.Option(
            help="A change of what sites have in service, as its refusal names it; their services "
            "are planned anew; repeatable."
        ),
    ] = None,
    data_dir: DataDir = None,
    url: OtherUrl = None,
) -> None:
    """Load FILE, all of it or nothing; what it does not name stays."""
    # Imported here because the engine's libraries would slow every other command down.
    from rom.gateway.inventory import read_file

    try:
        document = read_file(file)
    except RomError as error:
        raise failed(error) from error
    with _inventory_of(data_dir, url, str(file)) as (inventory, where):
        answer = inventory.take(document, dry_run=dry_run, replace=replace or [])
    problems = answer.get("problems", ())
    if problems:
        raise fail("\n".join(f"{file}: {_finding(problem, document)}" for problem in problems))
    for change in answer.get("changes", ()):
        for line in _change(change):
            output().print(line, markup=False)
    counts = ", ".join(f"{answer[what]} {what}" for what in ("created", "changed", "removed"))
    said = "would be loaded into" if dry_run else "is loaded into"
    output().print(f"{file} {said} {where}: {counts}", markup=False)
    asked = "would be asked" if dry_run else "are asked"
    for site, devices in answer.get("replanned", {}).items():
        what = f"{', '.join(devices)} {asked}" if devices else "no device gets anything else"
        output().print(f"services of {site} are planned anew: {what}", markup=False)


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(dir_okay=False)] = None,
    *,
    data_dir: DataDir = None,
    url: OtherUrl = None,
) -> None:
    """Write the inventory to FILE, or print it: a file that loads to the same, without secrets."""
    import yaml  # here because it would slow every other command down

    with _inventory_of(data_dir, url) as (inventory, where):
        content = inventory.export()
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    if file is None:
        typer.echo(text, nl=False)
        return
    file.write_text(text, encoding="utf-8")
    output().print(f"The inventory of {where} is in {file}", markup=False)


class _Inventory(Protocol):
    """An inventory behind HTTP or in this process; a refusal is an answer with ``problems``."""

    def take(
        self, document: "Document", *, dry_run: bool, replace: Sequence[str]
    ) -> dict[str, Any]: ...

    def export(self) -> dict[str, Any]: ...


class _Served:
    def __init__(self, client: GatewayClient) -> None:
        self._client = client

    def take(
        self, document: "Document", *, dry_run: bool, replace: Sequence[str]
    ) -> dict[str, Any]:
        return self._client.load_inventory(document.value, dry_run=dry_run, replace=replace)

    def export(self) -> dict[str, Any]:
        return self._client.export_inventory()


class _Own:
    def __init__(self, inventory: "Inventory", name: str) -> None:
        self._inventory = inventory
        self._name = name

    def take(
        self, document: "Document", *, dry_run: bool, replace: Sequence[str]
    ) -> dict[str, Any]:
        try:
            if dry_run:
                preview = self._inventory.preview(document, self._name, replace=replace)
                return preview.model_dump(mode="json")
            by = command_actor()
            return self._inventory.load(document, self._name, by=by, replace=replace).model_dump()
        except InventoryRefused as refusal:
            return dict(refusal.details)

    def export(self) -> dict[str, Any]:
        return self._inventory.export()


@contextmanager
def _inventory_of(
    data_dir: Path | None, url: str | None, name: str = ""
) -> Iterator[tuple[_Inventory, str]]:
    """Yield the inventory that is meant, and where it is; ``name`` is the file to be loaded."""
    # Imported here because the engine's libraries would slow every other command down.
    from rom.runtime import open_gateway

    # Whatever file the server starts with: this is about another one.
    settings = read_settings(data_dir=data_dir).model_copy(update={"inventory_file": None})
    try:
        if url is None:
            try:
                with only_server_of(settings.data_dir), open_gateway(settings) as gateway:
                    yield _Own(gateway.inventory, name), str(settings.data_dir)
                    return
            except DirectoryInUse as error:
                url = address_of(settings.data_dir)
                if url is None:
                    raise fail(f"{error}, or try again when it takes orders") from error
        with GatewayClient(url) as client:
            yield _Served(client), url
    except ServeError as error:
        raise fail(str(error)) from error
    except RomError as error:
        raise failed(error) from error


def _finding(problem: dict[str, Any], document: "Document") -> str:
    """Return a finding as a line that names the line of the file."""
    from inventory.problems import Problem, place_of

    found = Problem(**problem)
    line = document.line(place_of(found.pointer)) if found.pointer else None
    return str(found.model_copy(update={"line": line}))


def _change(change: dict[str, Any]) -> Iterator[str]:
    sign = {"created": "+", "changed": "~", "removed": "-"}[change["change"]]
    yield f"{sign} {change['section']} {change['name']}"
    for name, both in change.get("fields", {}).items():
        yield f"    {name}: {_value(both['before'])} -> {_value(both['after'])}"


def _value(value: Any) -> str:
    return "nothing" if value is None else str(value)


@app.command()
def pools(
    *,
    low: Annotated[
        bool, typer.Option("--low", help="Only those below what is to be kept.")
    ] = False,
    json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """List the pools with their capacity and what is free."""
    with GatewayClient(url) as client:
        found = [pool for pool in client.pools() if pool["low"] or not low]
    console = output()
    if json:
        console.print_json(data=found)
        return
    rows = (
        (
            pool["name"], pool["kind"], _number(pool["capacity"]), _number(pool["free"]),
            _number(pool["watermark"]), "low" if pool["low"] else "",
        )
        for pool in found
    )  # fmt: skip
    headings = ("Pool", "Kind", "Capacity", "Free", "Keep free", "")
    console.print(Listing("Pools", headings, rows))


def _number(value: Any) -> str:
    return "" if value is None else f"{value:,}"


@app.command(name="format")
def format_() -> None:
    """Print the reference of inventory files as Markdown: docs/inventory-format.md."""
    # Imported here because the models would slow every other command down.
    from rom.gateway.file_format import inventory_reference

    typer.echo(inventory_reference(), nl=False)
