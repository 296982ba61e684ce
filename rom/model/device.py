"""A device as the engine sees it: in a role for a site, on a platform."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Device:
    """A device in the role that it plays for a site."""

    name: str
    role: str
    profile: str
    attributes: Mapping[str, Any]

    def as_context(self) -> dict[str, Any]:
        """Return what templates see as ``device``."""
        return {"name": self.name, "role": self.role, "attributes": dict(self.attributes)}
