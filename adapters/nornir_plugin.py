"""Nornir's connection plugin ``rom_session``: the seam's session as a host's connection."""

from typing import Any

from nornir.core.configuration import Config
from pydantic import SecretStr

from adapters.drivers import PooledSession, open_session
from adapters.errors import Unsupported
from adapters.seam import Endpoint
from device_profiles.profile import load_profile

NAME = "rom_session"


def _no_secrets(name: str) -> SecretStr:
    raise LookupError(name)


class SessionPlugin:
    """Opens whatever session the host's profile names.

    In a plain Nornir inventory a host's ``platform`` is the profile's name, and the extras of the
    connection may hold ``device``, ``host_key``, ``options`` and ``secrets`` (a resolver). The
    fleet hands in ``lease`` instead: a callable that returns a session from its pool, which it
    also takes back.
    """

    connection: PooledSession | None = None

    def __init__(self) -> None:
        self._leased = False

    def __repr__(self) -> str:
        return "SessionPlugin()"

    def open(
        self,
        hostname: str | None,
        username: str | None,
        password: str | None,
        port: int | None,
        platform: str | None,
        extras: dict[str, Any] | None = None,
        configuration: Config | None = None,  # noqa: ARG002 - Nornir's signature
    ) -> None:
        """Open the session and keep it as ``connection``. Raises AdapterError."""
        given = extras or {}
        if "lease" in given:
            self._leased = True
            self.connection = given["lease"]()
            return
        endpoint = Endpoint(
            device=given.get("device") or hostname or "",
            profile=platform or "",
            host=hostname or "",
            port=port or 0,
            username=username or "",
            password=SecretStr(password or ""),
            host_key=given.get("host_key"),
            options=given.get("options", {}),
        )
        if not endpoint.profile:
            raise Unsupported("the host needs a platform", device=endpoint.device)
        self.connection = open_session(
            endpoint, load_profile(endpoint.profile), given.get("secrets", _no_secrets)
        )

    def close(self) -> None:
        """Close the session, unless it was leased: the pool takes that back itself."""
        if self.connection is not None and not self._leased:
            self.connection.close()
        self.connection = None
