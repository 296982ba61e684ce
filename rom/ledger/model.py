"""The ledger's words: net effects, shared objects and what a plan for one site consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from device_profiles.fragment import Fragment, SharedObject
from device_profiles.tree import Edit, Path, Tree, content_hash


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

    @property
    def content_hash(self) -> str:
        """The hash that tells whether a template is still the one we know."""
        return content_hash(self.tree)


class ConflictKind(StrEnum):
    """Why a plan may not simply go ahead."""

    DRIFT = "drift"  # somebody changed what we wrote
    TEMPLATE_DRIFT = "template-drift"  # a shared object differs from what we render
    FOREIGN_CONTENT = "foreign-content"  # somebody put something below what we created
    ORPHAN_SHARED = "orphan-shared"  # the last owner leaves, but somebody outside still uses it


@dataclass(frozen=True, slots=True)
class Conflict:
    """One path where the device holds neither what was before nor what we wrote."""

    kind: ConflictKind
    path: Path
    expected: str | None
    found: str | None


@dataclass(frozen=True, slots=True)
class SiteState:
    """What the ledger holds for one site on one device."""

    net: Mapping[Path, NetEffect] = field(default_factory=dict)
    shared: Mapping[Path, SharedState] = field(default_factory=dict)
    """Shared objects the site owns or now wants, as far as they are known."""


@dataclass(frozen=True, slots=True)
class SitePlan:
    """How to make one site's intent on one device true: nothing is sent when ``edits`` is empty."""

    site: str
    wanted: Fragment
    edits: tuple[Edit, ...] = ()
    already: int = 0
    claims: tuple[SharedObject, ...] = ()
    created: frozenset[Path] = frozenset()
    """Roots of shared objects that this plan brings into being."""
    released: tuple[Path, ...] = ()
    """Roots of shared objects the site no longer needs."""
    conflicts: tuple[Conflict, ...] = ()

    @property
    def blocking(self) -> tuple[Conflict, ...]:
        """Conflicts over which a change towards a new intent must not go."""
        harmless = (ConflictKind.DRIFT, ConflictKind.ORPHAN_SHARED)
        return tuple(c for c in self.conflicts if c.kind not in harmless)
