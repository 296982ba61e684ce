"""What the engine asks of inventory and what it gets: requests, allocations, shortages."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Allocations = Mapping[str, Mapping[str, Any]]
"""What a site holds, by name: the attributes of each thing, or the ``value`` of an amount."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ResourceRequest(_Model):
    """One resource wanted for a site.

    ``match`` compares attributes of the pool; a value ``@bearer.device`` is taken from the
    attribute ``device`` of the resource allocated as ``bearer`` in the same bundle (or held by
    the site already). ``amount`` is only for pools of kind quantity (bit/s, ...).
    """

    name: str
    """Name inside the bundle, such as ``vlan``; templates read ``res.vlan.value``."""
    kind: str
    match: Mapping[str, str | int] = Field(default_factory=dict)
    amount: int | None = Field(default=None, gt=0)


class BundleRequest(_Model):
    """All a site needs, reserved together or not at all."""

    site: str
    order_id: str
    requests: tuple[ResourceRequest, ...]
    items: Mapping[str, str] = Field(default_factory=dict)
    """Which order item each request (by name) belongs to."""


class Allocation(_Model):
    """One allocated resource; ``attributes`` always has ``value`` (what people call it)."""

    resource_id: str
    name: str
    kind: str
    pool: str
    attributes: Mapping[str, Any]


class Shortage(_Model):
    """Why a bundle could not be had."""

    name: str
    pool: str
    wanted: int
    free: int


class ResourceExhausted(Exception):
    """Not enough of something; nothing was reserved."""

    def __init__(self, shortages: tuple[Shortage, ...]) -> None:
        self.shortages = shortages
        super().__init__(
            "; ".join(
                f"{s.name}: pool {s.pool}, wanted {s.wanted}, free {s.free}" for s in shortages
            )
        )


class UnknownEntryError(LookupError):
    """Inventory has no such site, customer, device, holding; the text says which."""


class ReservationConflictError(Exception):
    """The site holds something else under this name; release it first. Nothing was reserved."""
