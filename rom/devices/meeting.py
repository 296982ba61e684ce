"""The first meeting with a router: its host key is pinned once it has told its serial number.

Nobody knows the key of a router from a factory. Once its configuration has left, the box behind the
site's circuit has the site's secrets, so the gateway may log in with them; it pins the
key only if the serial number that it reads over that very session is the one booked for the site.
A router met once is never met again: another key is refused until a person has looked at it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from adapters.drivers import BY_SSH
from adapters.errors import HostKeyMismatch, HostKeyUnknown
from adapters.fleet import Fleet
from adapters.seam import Endpoint, Query, Session
from adapters.ssh import shown_key
from device_profiles.profile import Profile, load_profile
from inventory import queries, trust
from rom.model.deed import GATEWAY, DeedKind
from rom.model.ticket import CONFIGURED
from rom.store import tickets
from rom.store.database import Connection, Engine
from rom.trail import trail

LOOK_SECONDS = 10.0
"""Longest wait for a device to show its host key."""


def is_first(connection: Connection, endpoint: Endpoint) -> bool:
    """Tell whether a router that has got its configuration has no pinned host key yet."""
    return (
        endpoint.host_key is None
        and load_profile(endpoint.profile).driver in BY_SSH
        and not queries.is_device(connection, endpoint.device)
        and tickets.state_of(connection, endpoint.device) in CONFIGURED
    )


@contextmanager
def first_session(
    engine: Engine, fleet: Fleet, endpoint: Endpoint, site: str, protocol: str
) -> Iterator[Session]:
    """Yield a session to a router that has been proven by it, its host key pinned.

    Raises ``HostKeyMismatch`` for one that is not the booked router or cannot tell, and any other
    ``AdapterError``; then nothing is pinned.
    """
    profile = load_profile(endpoint.profile)
    if profile.serial is None:
        message = (
            f"no host key is pinned, and a {profile.name} cannot tell its serial number; look at "
            f"its key and pin it with 'rom device trust {endpoint.device}'"
        )
        raise HostKeyUnknown(message, device=endpoint.device)
    key = shown_key(endpoint, LOOK_SECONDS)
    with fleet.session(replace(endpoint, host_key=key.line)) as session:
        told = _serial(session, profile)
        if told != endpoint.device:
            message = f"what answers there says that its serial number is {told or 'none'}"
            raise HostKeyMismatch(message, device=endpoint.device)
        with engine.begin() as connection:
            if not trust.pin_unit(connection, endpoint.device, protocol, key.line, None):
                message = "its host key was pinned meanwhile"
                raise HostKeyMismatch(message, device=endpoint.device)
            trail.record(
                connection,
                GATEWAY,
                DeedKind.DEVICE_TRUSTED,
                sites=[site],
                devices=[endpoint.device],
                details={"fingerprint": key.fingerprint, "serialRead": told},
            )
        yield session


def _serial(session: Session, profile: Profile) -> str | None:
    if profile.serial is None:
        return None
    query = Query("serial", command=profile.serial.command, pattern=profile.serial.pattern)
    return session.probe([query])["serial"]
