"""What the ledger holds for one site on one device: net effects and shared objects."""

from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from device_profiles.references import Users
from device_profiles.tree import Path, Tree, content_hash


@dataclass(frozen=True, slots=True)
class NetEffect:
    """What a site's changes of one path amount to: before the first, intended and read back last.

    Later comparisons use ``read_back``, because devices hash passwords and rewrite values.
    """

    before: str | None
    intended: str | None
    read_back: str | None


@dataclass(frozen=True, slots=True)
class SharedState:
    """A shared object as the ledger knows it."""

    tree: Tree
    created_by_rom: bool
    owners: frozenset[str]
    held: bool = False
    """The device has refused to let it go: somebody outside uses it."""

    @property
    def content_hash(self) -> str:
        """The hash that tells whether a template is still the one we know."""
        return content_hash(self.tree)


@dataclass(frozen=True, slots=True)
class SiteState:
    """What the ledger holds for one site on one device."""

    net: Mapping[Path, NetEffect] = field(default_factory=dict)
    shared: Mapping[Path, SharedState] = field(default_factory=dict)
    """Shared objects the site owns or now wants, as far as they are known."""
    later: Mapping[Path, str] = field(default_factory=dict)
    """Paths that another site has written after this one, with that site."""
    uses: Users = field(default_factory=dict)
    """Who on the device refers to what the site is about to leave."""

    def used_by(self, users: Users, entries: Collection[Path]) -> "SiteState":
        """Return it with those on the device who refer to ``entries``."""
        return replace(self, uses={each: users[each] for each in entries if each in users})

    def holding(self, roots: Container[Path]) -> "SiteState":
        """Return it with these shared objects held by the device."""
        shared = {root: replace(known, held=root in roots) for root, known in self.shared.items()}
        return replace(self, shared=shared)


@dataclass(frozen=True, slots=True)
class Writer:
    """Who has written a path: a site by an order, and when its transaction ended."""

    site: str
    order_id: str | None
    time: datetime | None
