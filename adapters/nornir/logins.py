"""Where a script's passwords come from: its environment, at the moment a session opens.

Nornir prints inventories, writes task arguments to its log, and hands both to every plugin, so
neither may hold a password.
"""

import os
import re

from pydantic import SecretStr

USERNAME = "ROM_DEVICE_USERNAME"
PASSWORD = "ROM_DEVICE_PASSWORD"  # noqa: S105 - the variable's name
SECRET_VARIABLES = "ROM_SECRET_"  # noqa: S105 - what the variables' names begin with


def secret_variable(name: str) -> str:
    """Return which variable holds a secret: ``ROM_SECRET_BGP_ENT_1`` for ``bgp/ENT-1``."""
    return SECRET_VARIABLES + re.sub(r"[^A-Z0-9]", "_", name.upper())


def environment_secret(name: str) -> SecretStr:
    """Return the secret ``name`` of the environment. Raises ``LookupError`` when it is not set."""
    return SecretStr(os.environ[secret_variable(name)])
