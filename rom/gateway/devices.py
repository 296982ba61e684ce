"""Devices: what there is, whether it can be driven, and whether it holds what sites should have."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.drivers import BY_SSH
from adapters.fleet import Fleet
from adapters.seam import Endpoint
from adapters.ssh import HostKey, read_key, shown_key
from device_profiles.errors import ProfileError
from device_profiles.profile import load_profile, profiles
from inventory import queries, trust
from inventory.load import load_content
from rom.answers.devices import (
    AddedDevice,
    DeviceExamination,
    DeviceLine,
    DriftReport,
    ExaminedStep,
    HostKeyLook,
)
from rom.catalog.roles import load_roles
from rom.devices import examination
from rom.devices.directory import DeviceDirectory
from rom.devices.examination import Found
from rom.devices.meeting import LOOK_SECONDS
from rom.drift import devices
from rom.drift.audit import Audit
from rom.gateway.seam import loading, reaching_devices
from rom.model.deed import Actor, DeedKind
from rom.model.errors import HostKeyDiffers, Invalid, NotPossible, UnknownDevice
from rom.store import intents
from rom.store.database import Connection, Engine
from rom.trail import trail

__all__ = ["Devices", "Pinning"]


@dataclass(frozen=True, slots=True)
class Pinning:
    """Which host key a person wants pinned, and on what grounds."""

    fingerprint: str
    """Of the key that was looked at; any other one is refused."""
    replace: bool = False
    """Whether another key that is pinned already may go."""
    reason: str = ""
    ticket: str = ""


@dataclass(frozen=True)
class Devices:
    """What is asked of devices. Thread-safe; methods block while devices are talked to."""

    engine: Engine
    audit: Audit
    fleet: Fleet
    directory: DeviceDirectory

    def all(self) -> tuple[DeviceLine, ...]:
        """Return every device with its sites, what waits for it and its last transaction."""
        with self.engine.connect() as connection:
            return devices.overview(connection)

    def check(self, names: Collection[str] | None = None) -> DriftReport:
        """Return the drift report of some devices, or of all; sends nothing.

        A device that no site has anything on has nothing to differ from. Raises ``UnknownDevice``.
        """
        asked: list[str] | None = None
        if names is not None:
            known = {entry.device: entry for entry in self.all()}
            for name in names:
                if name not in known:
                    raise UnknownDevice(name)
            asked = [name for name in names if known[name].sites]
        return self.audit.check(asked)

    def add(self, entry: Mapping[str, Any], *, by: Actor) -> AddedDevice:
        """Write a device into inventory as a file with it alone would, and say what it lacks.

        Of a device that is there, what ``entry`` does not say stays.

        Raises ``Invalid`` for a profile that is not there or is not for the role, and
        ``InventoryRefused`` with every other finding.
        """
        name = str(entry.get("name", ""))
        _refuse_misfit(entry)
        with loading(), self.engine.begin() as connection:
            known = queries.is_device(connection, name)
            whole = _with_what_is_known(connection, name, entry) if known else dict(entry)
            load_content(connection, {"devices": [whole]}, "body")
            trail.record(
                connection,
                by,
                DeedKind.DEVICE_ADDED,
                devices=[name],
                details={"created": not known, "fields": sorted(entry)},
            )
            lacks = examination.missing(connection, self.directory, name)
        return AddedDevice(device=name, created=not known, missing=tuple(lacks))

    def test(self, device: str) -> DeviceExamination:
        """Look whether a device can be reached, logged in to and driven; changes nothing on it.

        Raises ``UnknownDevice``.
        """
        with self.engine.connect() as connection:
            site = _site(connection, device)
        found = tuple(
            ExaminedStep(look=step.look, found=step.found, text=step.text)
            for step in examination.examine(self.engine, self.fleet, self.directory, device, site)
        )
        usable = all(step.found == str(Found.PASSED) for step in found if step.look != "hostKey")
        key = next(step for step in found if step.look == "hostKey")
        return DeviceExamination(
            device=device, usable=usable and key.found != str(Found.FAILED), steps=found
        )

    def look_at_key(self, device: str) -> HostKeyLook:
        """Return the host key that a device shows; no credentials leave.

        Raises ``UnknownDevice``, ``NotPossible`` for one without SSH, ``DeviceFailed``.
        """
        endpoint, shown = self._shown(device)
        return _look(endpoint, shown, done=False)

    def trust(self, device: str, wanted: Pinning, *, by: Actor) -> HostKeyLook:
        """Pin the host key that a device shows, if it is the one that was looked at.

        Raises besides what ``look_at_key`` does ``HostKeyDiffers``, also for one that differs from
        a pinned key without ``replace``, and ``Invalid`` for that without a reason.
        """
        endpoint, shown = self._shown(device)
        if shown.fingerprint != wanted.fingerprint:
            raise HostKeyDiffers(f"{device} shows {shown.fingerprint} now")
        known = endpoint.host_key
        before = None if known is None else read_key(known, device)
        if before == shown:
            return _look(endpoint, shown, done=False)
        if before is not None and not wanted.replace:
            raise HostKeyDiffers(f"{before.fingerprint} is pinned for {device}")
        if before is not None and not wanted.reason.strip():
            raise Invalid("is missing", field="reason", mend="Say why the device has another key")
        with self.engine.begin() as connection:
            if not self._pin(connection, device, shown.line, known):
                raise HostKeyDiffers(f"another key was pinned for {device} meanwhile")
            trail.record(
                connection,
                by,
                DeedKind.DEVICE_TRUSTED,
                devices=[device],
                reason=wanted.reason,
                ticket=wanted.ticket,
                details={
                    "fingerprint": shown.fingerprint,
                    "formerFingerprint": None if before is None else before.fingerprint,
                },
            )
        return _look(endpoint, shown, done=True)

    def _shown(self, device: str) -> tuple[Endpoint, HostKey]:
        with self.engine.connect() as connection, reaching_devices():
            site = _site(connection, device)
            profile = load_profile(self.directory.profile_name(connection, device, site))
            if profile.driver not in BY_SSH:
                raise NotPossible(
                    "noHostKey",
                    f"{device} is talked to by {profile.driver}, which has no host key",
                    "Nothing has to be pinned for it",
                )
            endpoint = self.directory.endpoint(connection, device, site, with_password=False)
            return endpoint, shown_key(endpoint, LOOK_SECONDS)

    @staticmethod
    def _pin(connection: Connection, device: str, key: str, known: str | None) -> bool:
        if queries.is_device(connection, device):
            return trust.pin_device(connection, device, key, known)
        login = load_roles().of_unit(device).login
        return login is not None and trust.pin_unit(connection, device, login.protocol, key, known)


def _with_what_is_known(
    connection: Connection, name: str, entry: Mapping[str, Any]
) -> dict[str, Any]:
    record = queries.device_record(connection, name)
    known: dict[str, Any] = record.model_dump()
    way = queries.endpoints(connection).get(name)
    if way is not None:
        found = way.model_dump(exclude={"device", "profile"})
        found["port"] = found["port"] or None
        known["endpoint"] = {field: value for field, value in found.items() if value is not None}
    for field, value in entry.items():
        both = isinstance(known.get(field), Mapping) and isinstance(value, Mapping)
        known[field] = {**known[field], **value} if both else value
    return known


def _refuse_misfit(entry: Mapping[str, Any]) -> None:
    role, name = str(entry.get("role", "")), str(entry.get("profile", ""))
    try:
        profile = load_profile(name)
    except ProfileError as error:
        mend = f"Name one of {', '.join(profiles())}"
        raise Invalid(str(error), field="profile", mend=mend) from error
    if role not in profile.roles:
        mend = f"Use {' or '.join(profile.roles)}, or another profile"
        raise Invalid(f"{name} is no platform for {role!r}", field="role", mend=mend)


def _site(connection: Connection, device: str) -> str:
    """Return a site of a router from stock, nothing for a device; raises ``UnknownDevice``."""
    if queries.is_device(connection, device):
        return ""
    sites = intents.sites_by_device(connection, [device]).get(device, ())
    if not sites:
        raise UnknownDevice(device)
    return next(iter(sites))


def _look(endpoint: Endpoint, shown: HostKey, *, done: bool) -> HostKeyLook:
    pinned = None if endpoint.host_key is None else read_key(endpoint.host_key, endpoint.device)
    state = "new" if pinned is None else "same" if pinned == shown else "changed"
    return HostKeyLook(
        device=endpoint.device,
        kind=shown.kind,
        fingerprint=shown.fingerprint,
        pinned=None if pinned is None else pinned.fingerprint,
        state=state,
        done=done,
    )
