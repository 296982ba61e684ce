"""A plan: how to make one site's intent on one device true, and what stands in the way."""

from dataclasses import dataclass

from device_profiles.fragment import Fragment, SharedObject
from device_profiles.tree import Edit, Path
from device_profiles.words import Word
from rom.model.change import Policy


class ConflictKind(Word):
    """Why a plan may not simply go ahead."""

    DRIFT = "drift"  # somebody changed what we wrote
    TEMPLATE_DRIFT = "template-drift"  # a shared object differs from what we render
    FOREIGN_CONTENT = "foreign-content"  # somebody put something below what we created
    ORPHAN_SHARED = "orphan-shared"  # the last owner leaves, but somebody outside still uses it
    IN_USE = "in-use"  # an entry of ours is to go, but somebody outside refers to it


@dataclass(frozen=True, slots=True)
class Conflict:
    """One path where the device holds neither what was before nor what we wrote."""

    kind: ConflictKind
    path: Path
    expected: str | None
    found: str | None


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
    dropped: frozenset[Path] = frozenset()
    """Paths that go with a shared object whose last owner leaves; nobody's own effects."""
    orphaned: tuple[Path, ...] = ()
    """Roots of shared objects that stay though their last owner leaves: others use them."""
    conflicts: tuple[Conflict, ...] = ()
    lapsed: tuple[Path, ...] = ()
    """Paths to restore that hold again what they held before us; nothing of ours is left there."""
    relinked: tuple[tuple[Path, str], ...] = ()
    """Paths that a later writer keeps: its ``before`` becomes ours, nothing is sent."""
    overtaken: tuple[tuple[Path, str], ...] = ()
    """Paths written again above a later writer, who takes the site's place below."""
    kept: tuple[Path, ...] = ()
    """Paths left as they are because somebody has touched the entry they belong to."""
    policy: Policy = Policy.APPLY
    relies: frozenset[str] = frozenset()
    """Sites of the same device transaction without whose edits this plan would be wrong."""

    @property
    def own_edits(self) -> list[Edit]:
        """The edits of the site's own paths, those of shared objects left out."""
        shared = self.dropped.union(*(item.tree for item in self.claims))
        return [edit for edit in self.edits if edit.path not in shared]

    @property
    def blocking(self) -> tuple[Conflict, ...]:
        """The conflicts over which this plan must not go."""
        found = (c for c in self.conflicts if c.kind in _BLOCKING[self.policy])
        if self.policy is not Policy.RESTORE:
            return tuple(found)
        # What somebody has taken away is brought back; what they have set instead is theirs.
        return tuple(c for c in found if c.kind is not ConflictKind.DRIFT or c.found is not None)

    @property
    def overwritten(self) -> tuple[Path, ...]:
        """The paths at which this plan would replace what somebody else has set since."""
        drift = ConflictKind.DRIFT
        return tuple(c.path for c in self.conflicts if c.kind is drift and c.found is not None)


# A template that differs is never overwritten, whatever the policy.
_BLOCKING = {
    Policy.APPLY: (
        ConflictKind.TEMPLATE_DRIFT,
        ConflictKind.FOREIGN_CONTENT,
        ConflictKind.IN_USE,
    ),
    Policy.RESTORE: (
        ConflictKind.TEMPLATE_DRIFT,
        ConflictKind.FOREIGN_CONTENT,
        ConflictKind.IN_USE,
        ConflictKind.DRIFT,
    ),
    Policy.REFUSE: (
        ConflictKind.TEMPLATE_DRIFT,
        ConflictKind.FOREIGN_CONTENT,
        ConflictKind.DRIFT,
    ),
    Policy.KEEP: (ConflictKind.TEMPLATE_DRIFT,),
    Policy.FORCE: (ConflictKind.TEMPLATE_DRIFT,),
}
