"""The two libraries that bring a command line: scrapli and netmiko. The dialect names one."""

import logging
from collections.abc import Callable

from pydantic import SecretStr

from adapters.cli.by_netmiko import NetmikoTerminal
from adapters.cli.by_scrapli import ScrapliTerminal
from adapters.cli.terminal import EnableSecret, Terminal
from adapters.errors import SecretUnavailable
from adapters.seam import Endpoint, SecretResolver
from device_profiles.dialects import CliDialect

# Below this level they log what goes over the line, secrets included.
for _name in ("netmiko", "scrapli", "paramiko"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

_LIBRARIES: dict[str, Callable[[Endpoint, CliDialect, EnableSecret | None], Terminal]] = {
    "netmiko": NetmikoTerminal,
    "scrapli": ScrapliTerminal,
}


def open_terminal(endpoint: Endpoint, dialect: CliDialect, resolver: SecretResolver) -> Terminal:
    """Return a logged-in command line by the library and platform driver the dialect names.

    A user who is not privileged becomes so by the secret that ``Endpoint.options['enable_secret']``
    names. Raises Unreachable, HostKeyMismatch before credentials leave, AuthenticationFailed
    after one try of a password or secret, SecretUnavailable, Unsupported for a platform the
    library does not know.
    """
    return _LIBRARIES[dialect.library](endpoint, dialect, _enable_secret(endpoint, resolver))


def _enable_secret(endpoint: Endpoint, resolver: SecretResolver) -> EnableSecret | None:
    name = endpoint.options.get("enable_secret")
    if name is None:
        return None

    def resolved() -> SecretStr:
        try:
            return resolver(name)
        except LookupError as error:
            raise SecretUnavailable(
                "options['enable_secret'] names no known secret", device=endpoint.device
            ) from error

    return resolved
