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
