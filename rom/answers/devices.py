"""Answers about devices: what there is, and how they differ from what sites should have there."""

from pydantic import Field, JsonValue

from rom.answers.answer import Answer
from rom.answers.sites import Difference
from rom.model.transaction import TransactionState
from rom.model.verdict import DriftResult


class LastTransaction(Answer):
    """The transaction that a device had last."""

    id: str
    kind: str
    state: TransactionState
    time: str


class DeviceEndpoint(Answer):
    """Where a device is and how to know it; the gateway's login to it is not told."""

    host: str
    port: int
    host_key: str | None = Field(alias="hostKey")
    options: dict[str, JsonValue]


class DeviceLine(Answer):
    """One device, or the router of a site."""

    device: str
    role: str
    profile: str | None
    attributes: dict[str, JsonValue]
    endpoint: DeviceEndpoint | None
    sites: tuple[str, ...]
    waiting: int
    """Changes that are not settled."""
    last_transaction: LastTransaction | None = Field(alias="lastTransaction")


class ExaminedStep(Answer):
    """One look at a device, in the order in which they need each other."""

    look: str
    found: str
    """``passed``, ``failed``, or ``skipped`` behind one that failed."""
    text: str


class DeviceExamination(Answer):
    """Whether a device can be driven, and if not what to do first."""

    device: str
    usable: bool
    steps: tuple[ExaminedStep, ...]


class AddedDevice(Answer):
    """A device as inventory has it now, and what it still lacks before it can be driven."""

    device: str
    created: bool
    missing: tuple[str, ...]


class HostKeyLook(Answer):
    """The SSH host key that a device shows, and the one that is pinned."""

    device: str
    kind: str
    fingerprint: str
    """SHA-256 as OpenSSH writes it."""
    pinned: str | None
    """Fingerprint of the key that was pinned before."""
    state: str
    """``new``, ``same`` or ``changed`` against the pinned one."""
    done: bool
    """Whether the key shown has been pinned by this."""


class CheckedDevice(Answer):
    """A site's part of one device."""

    device: str
    result: DriftResult
    differences: tuple[Difference, ...]
    error: str | None = None


class CheckedSite(Answer):
    """A site on the devices that were asked for."""

    site: str
    devices: tuple[CheckedDevice, ...]


class DriftReport(Answer):
    """How devices differ from what their sites should have on them."""

    clean: bool
    devices: int
    sites: tuple[CheckedSite, ...]
