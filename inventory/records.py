"""What queries answer: plain records, free of any API's words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CustomerRecord(_Record):
    """A customer."""

    id: str
    name: str
    number: int
    vpn: str
    autonomous_system: int


class SiteRecord(_Record):
    """A customer's site; ``timezone`` is an IANA name."""

    key: str
    name: str
    timezone: str
    customer: str
    place: Mapping[str, Any]
    attributes: Mapping[str, Any]


class DeviceRecord(_Record):
    """A device; ``partners`` maps a role to the device that has it for this one's sites."""

    name: str
    role: str
    profile: str
    attributes: Mapping[str, Any]
    partners: Mapping[str, str]


class EndpointData(_Record):
    """How to reach a device; the secret is named, never held."""

    device: str
    profile: str
    host: str
    port: int
    username: str
    secret_name: str | None
    host_key: str | None
    options: Mapping[str, str]


class Holder(_Record):
    """A site's hold on a resource; ``state`` is reserved, standby or in-use."""

    site: str
    name: str
    order_id: str
    item_id: str | None
    state: str


class Holding(_Record):
    """What a site holds under a name."""

    name: str
    pool: str
    value: str
    order_id: str
    item_id: str | None
    state: str


class ResourceRecord(_Record):
    """A resource or, with ``amount``, a site's share of a quantity (bit/s).

    ``state`` is available, reserved, standby, in-use, quarantined, retired or used-elsewhere; of
    a shared resource the furthest of its holders'.
    """

    resource_id: str
    kind: str
    pool: str
    value: str
    state: str
    attributes: Mapping[str, Any]
    pool_attributes: Mapping[str, Any]
    amount: int | None = None
    holders: tuple[Holder, ...] = ()
    used_by: str | None = None
    quarantine_until: datetime | None = None
    annotation: Mapping[str, Any] = Field(default_factory=dict)
    """What clients have said of it."""
    relies_on: str | None = None
    """The resource that carries its only site: the site's access."""


class ResourcePage(_Record):
    """A page of resources and how many there are in all."""

    rows: tuple[ResourceRecord, ...]
    total: int


class ResourceFilter(_Record):
    """What ``list_resources`` narrows down to; fields left out do not matter."""

    resource_id: str | None = None
    kind: str | None = None
    pool: str | None = None
    value: str | None = None
    state: str | None = None
    site: str | None = None
    order_id: str | None = None


class PoolStatus(_Record):
    """How full a pool is, in entries or bit/s; ``None`` where a pool makes values as needed."""

    name: str
    kind: str
    mode: str
    capacity: int | None
    free: int | None
    watermark: int | None

    @property
    def is_low(self) -> bool:
        """Whether less is free than planning wants to keep."""
        return self.watermark is not None and self.free is not None and self.free < self.watermark
