"""``rom doctor``: looks at everything that a gateway needs, and says how to mend it."""

from typing import TYPE_CHECKING

import typer
from rich.text import Text

from api.cli.exits import Exit, fail, failed
from api.cli.options import AsJson, DataDir
from api.cli.output import Listing, output
from api.cli.settings import read_settings, say_where
from rom.answers.health import Examined, Finding, Health
from rom.model.errors import RomError

if TYPE_CHECKING:
    from rom.settings import Settings

_REDIS_SECONDS = 2.0
_STYLES = {Finding.OK: "green", Finding.NOTE: "yellow", Finding.FAILS: "bold red"}


def doctor(*, json: AsJson = False, data_dir: DataDir = None) -> None:
    """Examine this installation; exit 1 when something fails. Nothing is changed.

    It looks at the settings, the disk, the database with its schema, clock and sizes, the master
    key, Redis, and whether the devices take connections.
    """
    settings = read_settings(data_dir=data_dir)
    say_where(settings)
    found = _examine(settings)
    console = output()
    if json:
        console.print_json(data=found.on_the_wire())
    else:
        rows = (
            (Text(each.finding, _STYLES[each.finding]), each.name, each.text, each.mend)
            for each in found.findings
        )
        console.print(Listing("Findings", ("", "What", "How it is", "What to do"), rows))
        sizes = (
            (each.table, f"{each.size / 1e6:,.1f} MB", f"{each.rows:,}") for each in found.tables
        )
        if found.tables:
            console.print(Listing("Largest tables", ("Table", "Size", "Rows"), sizes))
    raise typer.Exit(Exit.FAILED if found.fails else Exit.COMPLETED)


def _examine(settings: "Settings") -> Health:
    # Imported here because the engine's libraries would slow every other command down.
    from api.serving.claim import only_server_of
    from api.serving.errors import DirectoryInUse, ServeError
    from rom.runtime import open_doctor

    try:
        if not settings.data_dir.exists():
            with open_doctor(settings, running=False) as doctor:
                found = doctor.examine()
        else:
            try:
                with only_server_of(settings.data_dir), open_doctor(settings, running=False) as it:
                    found = it.examine()
            except DirectoryInUse:
                with open_doctor(settings, running=True) as it:
                    found = it.examine()
    except ServeError as error:
        raise fail(str(error)) from error
    except RomError as error:
        raise failed(error) from error
    return found.model_copy(update={"findings": (*found.findings, _redis(settings))})


def _redis(settings: "Settings") -> Examined:
    if settings.redis_url is None:
        return Examined(name="redis", finding=Finding.OK, text="not used", mend="")
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_connect_timeout=_REDIS_SECONDS,
            socket_timeout=_REDIS_SECONDS,
        ) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        text = f"does not answer: {type(error).__name__}"
        mend = "Start it, or correct ROM_REDIS_URL"
        return Examined(name="redis", finding=Finding.FAILS, text=text, mend=mend)
    return Examined(name="redis", finding=Finding.OK, text="answers", mend="")
