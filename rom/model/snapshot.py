"""Site snapshots: what a site wanted and what its paths held, before and after every change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from device_profiles.fragment import Fragment
from device_profiles.tree import Tree
from device_profiles.words import Word


class Moment(Word):
    """When, seen from a device transaction, something was looked at."""

    BEFORE = "before"
    AFTER = "after"
    PLANNED = "planned"  # inventory has changed under a service, and no transaction yet follows


class Sealer(Protocol):
    """Encrypts and decrypts at rest."""

    def seal(self, plain: bytes) -> bytes:
        """Return ``plain`` encrypted."""

    def unseal(self, sealed: bytes) -> bytes:
        """Return what was sealed."""


@dataclass(frozen=True, slots=True)
class SnapshotEntry:
    """One line of the list of snapshots."""

    number: int
    device: str
    role: str
    moment: Moment
    time: datetime
    order_id: str | None
    transaction: str | None
    """``None`` where something was planned only."""
    content_hash: str


@dataclass(frozen=True, slots=True)
class SiteSnapshot:
    """What a site wanted on a device, by item key, and what its paths held."""

    fragments: Mapping[str, Fragment]
    tree: Tree


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot of a site as it is about to be written."""

    site: str
    role: str
    order_id: str | None
    content: SiteSnapshot
