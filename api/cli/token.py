"""``rom token``: tokens of the gateway's own, made and taken back in its database."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.exits import COMPLAINTS, Exit, fail, failed
from api.cli.options import AsJson, DataDir, command_actor
from api.cli.output import Listing, output
from api.cli.settings import read_settings, say_where
from rom.model.access import AccessToken, Role, Scope
from rom.model.errors import RomError

if TYPE_CHECKING:
    from rom.gateway.access import Access
    from rom.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(\d{1,4})([hdw])")

Roles = Annotated[list[Role], typer.Option("--role", help="May be given several times.")]
Customers = Annotated[
    list[str] | None, typer.Option("--customer", help="Limit it to this customer; repeatable.")
]
Sites = Annotated[
    list[str] | None, typer.Option("--site", help="Limit it to this site; repeatable.")
]
Expires = Annotated[
    str | None, typer.Option(help="Such as 12h, 90d, 4w or 2027-01-31T00:00:00Z (default: never).")
]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who it is for; stands in notes and logs.")],
    *,
    role: Roles,
    customer: Customers = None,
    site: Sites = None,
    expires: Expires = None,
    data_dir: DataDir = None,
) -> None:
    """Make a token and print it, once: it is kept nowhere. A running gateway knows it at once."""
    scope = Scope(_limit(customer), _limit(site))
    until = _moment(expires)
    with _access(_chosen(data_dir)) as access:
        made = access.create(name, frozenset(role), scope, until, by=command_actor())
    COMPLAINTS.print("Keep it now; it cannot be shown again:")
    typer.echo(made)


@app.command("list")
def list_tokens(*, json: AsJson = False, data_dir: DataDir = None) -> None:
    """List tokens, revoked and expired ones too, without their secrets."""
    with _access(_chosen(data_dir)) as access:
        found = [_row(record) for record in access.tokens()]
    console = output()
    if json:
        console.print_json(data=found)
        return
    headings = ("Id", "Name", "Roles", "Customers", "Sites", "Expires", "Last used", "State")
    keys = ("id", "name", "roles", "customers", "sites", "expires", "lastUsed", "state")
    rows = (tuple(_cell(row[key]) for key in keys) for row in found)
    console.print(Listing("Tokens", headings, rows))


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="A name, for all its tokens, or one token's id.")],
    *,
    data_dir: DataDir = None,
) -> None:
    """Take tokens back; they are refused from the next request on."""
    with _access(_chosen(data_dir)) as access:
        count = access.revoke(name, by=command_actor())
    if count == 0:
        raise fail(f"no token in force has the name or id '{name}'", Exit.REFUSED)
    output().print(f"{count} revoked", markup=False)


def _chosen(data_dir: Path | None) -> "Settings":
    settings = read_settings(data_dir=data_dir)
    say_where(settings)
    return settings


@contextmanager
def _access(settings: "Settings") -> "Iterator[Access]":
    """Yield the tokens of the gateway's database, which a running gateway may have in use."""
    # Imported here because the engine's libraries would slow every other command down.
    from api.serving.claim import only_server_of
    from api.serving.errors import ServeError
    from rom.runtime import open_access

    try:
        with ExitStack() as stack:
            running = settings.database_url is None and _is_served(settings)
            if settings.database_url is None and not running:  # it is started here, and stopped
                stack.enter_context(only_server_of(settings.data_dir))
            yield stack.enter_context(open_access(settings, running=running))
    except ServeError as error:
        raise fail(str(error)) from error
    except RomError as error:
        raise failed(error) from error


def _is_served(settings: "Settings") -> bool:
    from api.serving.claim import only_server_of
    from api.serving.errors import ServeError

    try:
        with only_server_of(settings.data_dir):
            return False
    except ServeError:
        return True


def _limit(given: list[str] | None) -> frozenset[str] | None:
    return frozenset(given) if given else None


def _moment(expires: str | None) -> datetime | None:
    if expires is None:
        return None
    duration = _DURATION.fullmatch(expires)
    if duration is not None:
        number, unit = duration.groups()
        return datetime.now(UTC) + timedelta(**{_UNITS[unit]: int(number)})
    try:
        moment = datetime.fromisoformat(expires)
    except ValueError as error:
        raise fail(f"'{expires}' is neither a duration such as 90d nor a time") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    if moment <= datetime.now(UTC):
        raise fail(f"{expires} is over already")
    return moment


def _row(record: AccessToken) -> dict[str, object]:
    return {
        "id": record.id,
        "name": record.name,
        "roles": sorted(record.roles),
        "customers": _sorted(record.scope.customers),
        "sites": _sorted(record.scope.sites),
        "created": record.created_at.isoformat(),
        "expires": _text(record.expires_at),
        "lastUsed": _text(record.last_used_at),
        "state": _state(record),
    }


def _state(record: AccessToken) -> str:
    if record.revoked_at is not None:
        return "revoked"
    expired = record.expires_at is not None and record.expires_at <= datetime.now(UTC)
    return "expired" if expired else "in force"


def _sorted(limit: frozenset[str] | None) -> list[str] | None:
    return None if limit is None else sorted(limit)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _cell(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
