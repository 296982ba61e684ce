"""Settings from the environment and the settings file, with a command's options over them."""

import os
from typing import Any

from pydantic import ValidationError

from api.cli.exits import COMPLAINTS, fail
from api.cli.text import safe
from rom.model.errors import Misconfigured
from rom.settings import Settings
from rom.settings.file import PREFIX, settings_file

URL = "ROM_URL"


def say_where(settings: Settings) -> None:
    """Say what a command acts on that works without a server, where ``ROM_URL`` names one."""
    url = os.environ.get(URL)
    if not url:
        return
    where = f"the data directory {settings.data_dir}"
    if settings.database_url is not None:
        where = "the database of ROM_DATABASE_URL"
    COMPLAINTS.print(f"{URL} is not asked ({safe(url)}): this acts on {where}", style="yellow")


def read_settings(**options: Any) -> Settings:
    """Return the settings; options that are ``None`` leave the word of the others standing."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Settings(**given)
    except Misconfigured as error:
        raise fail(" ".join(part for part in (f"{error.told}.", error.mend) if part)) from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        steps = [str(step) for step in first["loc"]]
        name = steps[0] if steps else ""
        variable = f"{PREFIX}{name.upper()}"
        file = settings_file()
        if file is None or name in given or variable in os.environ:
            place = f"setting {PREFIX}{'_'.join(steps).upper()}"
        else:
            place = f"{file}: {'.'.join(steps)}"
        raise fail(f"{place}: {first['msg']}. Correct it (operator guide, Settings)") from error
