"""Settings from the environment with a command's options over them."""

from typing import Any

from pydantic import ValidationError

from api.cli.exits import fail
from rom.settings import Settings


def read_settings(**options: Any) -> Settings:
    """Return the settings; options that are ``None`` leave the environment's word standing."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = "_".join(str(step) for step in first["loc"]).upper()
        raise fail(f"setting ROM_{name}: {first['msg']}") from error
