"""Nornir's connection plugin ``rom_session``: the seam's session as a host's connection."""

import os
from collections.abc import Mapping
from typing import Any, Protocol

from nornir.core.configuration import Config
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from adapters.drivers import PooledSession, open_session
from adapters.errors import Unsupported
from adapters.nornir import logins
from adapters.seam import Endpoint, SecretResolver
from device_profiles.errors import ProfileError
from device_profiles.profile import load_profile

NAME = "rom_session"


class Lease(Protocol):
    """A pooled session on loan."""

    def take(self) -> PooledSession:
        """Return the session, opened if none is idle. Raises AdapterError."""

    def end(self) -> None:
        """Give the session back, if one was taken."""


class Extras(BaseModel):
    """What a connection's ``extras`` may say in a Nornir inventory; no password is among it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    device: str = ""
    """The name in messages; by default the address."""
    host_key: str | None = None
    """OpenSSH public key line the device must present; without one every SSH host is refused."""
    options: Mapping[str, str] = {}
    username_env: str = logins.USERNAME
    password_env: str = logins.PASSWORD
    secrets: SecretResolver = logins.environment_secret
    """Turns the name in ``secret:<name>`` into its value at the moment of sending."""


class SessionPlugin:
    """Opens whatever session the host's profile names.

    A host's ``platform`` is the profile's name. User name and password are Nornir's own, and where
    it has none those of the environment variables that the extras name. The gateway's fleet hands
    in ``lease`` instead, which lends a session of its pool.
    """

    connection: PooledSession | None = None

    def __init__(self) -> None:
        self._lease: Lease | None = None

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
            lease: Lease = given["lease"]
            self.connection = lease.take()
            self._lease = lease
            return
        known = _extras(given, hostname or "")
        device = known.device or hostname or ""
        if not hostname:
            raise Unsupported("the host needs a hostname", device=device)
        if not platform:
            raise Unsupported("the host needs a platform", device=device)
        try:
            profile = load_profile(platform)
        except ProfileError as error:
            raise Unsupported(f"platform: {error}", device=device) from error
        endpoint = Endpoint(
            device=device,
            profile=platform,
            host=hostname,
            port=port or 0,
            username=username or os.environ.get(known.username_env, ""),
            password=SecretStr(password or os.environ.get(known.password_env, "")),
            host_key=known.host_key,
            options=known.options,
        )
        self.connection = open_session(endpoint, profile, known.secrets)

    def close(self) -> None:
        """Close the session; one on loan goes back to its pool."""
        if self._lease is not None:
            self._lease.end()
        elif self.connection is not None:
            self.connection.close()
        self._lease = self.connection = None


def _extras(given: Mapping[str, Any], host: str) -> Extras:
    try:
        return Extras.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        device = str(given.get("device") or host)
        raise Unsupported(f"extras: {field}: {first['msg']}", device=device) from error
