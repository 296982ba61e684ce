"""Which adapter speaks to a platform: the profile's ``driver`` names it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from adapters.cli.session import CliSession
from adapters.errors import AuthenticationFailed, Unsupported
from adapters.kea.session import KeaSession
from adapters.netconf.session import NetconfSession
from adapters.radius.session import RadiusSession
from adapters.rest.session import RestSession
from adapters.seam import Endpoint, SecretResolver, Session
from adapters.snmp.session import SnmpSession
from device_profiles.profile import Profile


class PooledSession(Session, Protocol):
    """A session that also tells whether it can be used again."""

    @property
    def alive(self) -> bool:
        """Whether the conversation is still open."""

    def misfits(self) -> tuple[str, ...]:
        """Return why the device is not one of the profile's platform, as far as can be told.

        Raises AdapterError where it cannot even be asked.
        """


Driver = Callable[[Endpoint, Profile, SecretResolver], PooledSession]

DRIVERS: Mapping[str, Driver] = {
    "netconf": NetconfSession,
    "cli": CliSession,
    "snmp": SnmpSession,
    "kea": KeaSession,
    "radius": RadiusSession,
    "rest": RestSession,
}


BY_SSH = frozenset({"netconf", "cli"})
"""Drivers whose devices have a host key."""


def open_session(endpoint: Endpoint, profile: Profile, resolver: SecretResolver) -> PooledSession:
    """Return an open session to ``endpoint`` by the profile's driver. Raises AdapterError."""
    driver = DRIVERS.get(profile.driver)
    if driver is None:
        raise Unsupported(f"no driver {profile.driver!r}", device=endpoint.device)
    try:
        return driver(endpoint, profile, resolver)
    except AuthenticationFailed:
        if endpoint.other_password is None:
            raise
    other = replace(endpoint, password=endpoint.other_password, other_password=None)
    return driver(other, profile, resolver)
