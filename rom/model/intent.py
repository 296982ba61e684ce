"""A site's intent: what it must have on a device, one fragment for each item's key."""

from collections.abc import Mapping
from dataclasses import dataclass

from device_profiles.fragment import Fragment


@dataclass(frozen=True, slots=True)
class Intent:
    """A site's part on a device: the role the device plays for it, and a fragment for each key."""

    role: str
    fragments: Mapping[str, Fragment]


@dataclass(frozen=True, slots=True)
class Place:
    """A device in its role for a site."""

    device: str
    role: str
