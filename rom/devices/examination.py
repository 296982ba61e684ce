"""Examination of one device: from what inventory says to what answers there, step by step.

Each step needs those before it; the first that fails says what to do. One login is tried, once.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from adapters.drivers import BY_SSH
from adapters.errors import AdapterError, HostKeyMismatch, SecretUnavailable, Unreachable
from adapters.fleet import Fleet
from adapters.seam import Endpoint
from adapters.ssh import pinned_key, shown_key
from device_profiles.errors import ProfileError
from device_profiles.profile import Profile, load_profile
from device_profiles.words import Word
from inventory import queries
from rom.devices.directory import DeviceDirectory
from rom.devices.meeting import LOOK_SECONDS
from rom.store.database import Connection, Engine


class Look(Word):
    """What is looked at, in this order."""

    PROFILE = "profile"
    ENDPOINT = "endpoint"
    SECRET = "secret"  # noqa: S105 - a word, no secret
    REACH = "reach"
    HOST_KEY = "hostKey"
    LOGIN = "login"
    CAPABILITIES = "capabilities"
    FIT = "fit"


class Found(Word):
    """How a look has ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Step:
    """One look and what it has found, in words for people."""

    look: Look
    found: Found
    text: str


def examine(
    engine: Engine, fleet: Fleet, directory: DeviceDirectory, device: str, site: str
) -> Iterator[Step]:
    """Yield one step after the other; after one that failed the others are skipped."""
    seen: set[Look] = set()
    for step in _steps(engine, fleet, directory, device, site):
        seen.add(step.look)
        yield step
        if step.found is Found.FAILED:
            break
    for look in Look:
        if look not in seen:
            yield Step(look, Found.SKIPPED, "")


def missing(connection: Connection, directory: DeviceDirectory, device: str) -> list[str]:
    """Return what inventory still lacks before the device can be talked to; asks no device."""
    record = queries.device_record(connection, device)
    found = []
    try:
        profile = load_profile(record.profile)
    except ProfileError as error:
        return [str(error)]
    if misfit := _other_role(connection, device, profile):
        found.append(misfit)
    if device not in queries.endpoints(connection):
        return [*found, "an endpoint: load one, or repeat with --host"]
    way = queries.endpoint_data(connection, device)
    if way.secret_name is None and profile.driver in BY_SSH:
        found.append("the name of the secret with its password: repeat with --secret NAME")
    try:
        directory.endpoint(connection, device, "")
    except SecretUnavailable:
        found.append(f"its password: rom secret set {way.secret_name}")
    if way.host_key is None and profile.driver in BY_SSH:
        found.append(f"its host key: rom device trust {device}")
    return found


def _steps(
    engine: Engine, fleet: Fleet, directory: DeviceDirectory, device: str, site: str
) -> Iterator[Step]:
    with engine.connect() as connection:
        try:
            profile = load_profile(directory.profile_name(connection, device, site))
        except (ProfileError, AdapterError) as error:
            yield Step(Look.PROFILE, Found.FAILED, str(error))
            return
        if misfit := _other_role(connection, device, profile):
            yield Step(Look.PROFILE, Found.FAILED, misfit)
            return
        yield Step(Look.PROFILE, Found.PASSED, f"{profile.name}: {profile.title}")
        try:
            endpoint = directory.endpoint(connection, device, site)
        except SecretUnavailable as error:
            yield Step(Look.ENDPOINT, Found.PASSED, "known")
            text = f"{error.message}: enter it with 'rom secret set'"
            yield Step(Look.SECRET, Found.FAILED, text)
            return
        except AdapterError as error:
            yield Step(Look.ENDPOINT, Found.FAILED, str(error))
            return
    yield Step(Look.ENDPOINT, Found.PASSED, _where(endpoint))
    has_password = bool(endpoint.password.get_secret_value())
    text = f"user {endpoint.username or 'none'}" + ("" if has_password else ", no password")
    yield Step(Look.SECRET, Found.PASSED, text)
    yield from _over_the_network(fleet, endpoint, profile)


def _other_role(connection: Connection, device: str, profile: Profile) -> str:
    """Return why a profile does not drive a device of inventory; empty where it does."""
    if not queries.is_device(connection, device):
        return ""
    role = queries.device_record(connection, device).role
    if role in profile.roles:
        return ""
    drives = ", ".join(profile.roles)
    return (
        f"profile {profile.name} is for {drives}, so nothing is written to a device of role {role}"
    )


def _over_the_network(fleet: Fleet, endpoint: Endpoint, profile: Profile) -> Iterator[Step]:
    if profile.driver in BY_SSH:
        yield from _host_key(endpoint)
    try:
        examined = fleet.examine(endpoint)
    except Unreachable as error:
        yield Step(Look.REACH, Found.FAILED, error.message)
        return
    except AdapterError as error:
        if profile.driver not in BY_SSH:
            yield Step(Look.REACH, Found.PASSED, "no connection of its own; the login shows it")
            yield Step(Look.HOST_KEY, Found.SKIPPED, f"{profile.driver} has none")
        yield Step(Look.LOGIN, Found.FAILED, f"{error.reason}: {error.message}")
        return
    if profile.driver not in BY_SSH:
        yield Step(Look.REACH, Found.PASSED, "it answers")
        yield Step(Look.HOST_KEY, Found.SKIPPED, f"{profile.driver} has none")
    yield Step(Look.LOGIN, Found.PASSED, f"by {profile.driver}")
    offered = ", ".join(sorted(examined.capabilities)) or "none"
    yield Step(Look.CAPABILITIES, Found.PASSED, offered)
    if examined.misfits:
        yield Step(Look.FIT, Found.FAILED, "; ".join(examined.misfits))
    else:
        yield Step(Look.FIT, Found.PASSED, f"it can be driven by profile {profile.name}")


def _host_key(endpoint: Endpoint) -> Iterator[Step]:
    try:
        shown = shown_key(endpoint, LOOK_SECONDS)
    except Unreachable as error:
        yield Step(Look.REACH, Found.FAILED, error.message)
        return
    except HostKeyMismatch as error:
        yield Step(Look.HOST_KEY, Found.FAILED, error.message)
        return
    except AdapterError as error:
        yield Step(Look.REACH, Found.FAILED, f"no SSH server: {error.message}")
        return
    yield Step(Look.REACH, Found.PASSED, f"an SSH server answers at {_where(endpoint)}")
    trust = f"'rom device trust {endpoint.device}'"
    if endpoint.host_key is None:
        text = f"none is pinned; it shows {shown.fingerprint}: compare and pin it with {trust}"
        yield Step(Look.HOST_KEY, Found.FAILED, text)
    elif shown != pinned_key(endpoint):
        text = f"it shows {shown.fingerprint}, which is not the one pinned; see {trust}"
        yield Step(Look.HOST_KEY, Found.FAILED, text)
    else:
        yield Step(Look.HOST_KEY, Found.PASSED, shown.fingerprint)


def _where(endpoint: Endpoint) -> str:
    return f"{endpoint.host}:{endpoint.port}" if endpoint.port else endpoint.host
