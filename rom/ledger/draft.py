"""The draft of a plan: one path, one shared object after the other, against what is there. Pure."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from device_profiles.fragment import Fragment, SharedObject
from device_profiles.tree import PRESENT, Edit, Path, Tree, topmost, within
from rom.ledger.keeping import at_or_below, key_words, touched_entries
from rom.ledger.values import is_digest, satisfied, took
from rom.model.change import Policy
from rom.model.effect import NetEffect, SharedState, SiteState
from rom.model.plan import Conflict, ConflictKind, SitePlan


@dataclass
class Draft:
    """What a plan consists of so far."""

    site: str
    present: Tree
    state: SiteState
    policy: Policy
    edits: list[Edit] = field(default_factory=list)
    already: int = 0
    claims: list[SharedObject] = field(default_factory=list)
    created: set[Path] = field(default_factory=set)
    released: list[Path] = field(default_factory=list)
    dropped: set[Path] = field(default_factory=set)
    orphaned: list[Path] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    lapsed: list[Path] = field(default_factory=list)
    relinked: list[tuple[Path, str]] = field(default_factory=list)
    used: set[Path] = field(default_factory=set)
    overtaken: list[tuple[Path, str]] = field(default_factory=list)

    @cached_property
    def near(self) -> Tree:
        """The part of the device that lies within what is ours: a group has many sites in it."""
        return within(self.present, topmost(self.state.net))

    def want(self, path: Path, value: str) -> None:
        """Hold a value; what somebody has changed since is noted."""
        now = self.present.get(path)
        effect = self.state.net.get(path)
        if satisfied(now, value, effect):
            self.already += 1
            return
        if path in self.state.later:
            self.overtaken.append((path, self.state.later[path]))
        elif effect is not None and now != effect.read_back:
            self._conflict(ConflictKind.DRIFT, path, effect.read_back, now)
        self.edits.append(Edit(path, now, value))

    def restore(self, path: Path, effect: NetEffect) -> None:
        """Give back what was there before us, unless a later writer or a user keeps it."""
        if path in self.state.later:
            self.relinked.append((path, self.state.later[path]))
            return
        user = self._user(path)
        if user is not None:
            self.used.add(path)
            self._conflict(ConflictKind.IN_USE, user, None, self.present[user])
        now = self.present.get(path)
        if now == effect.before or is_digest(effect.before):
            # An earlier secret is known by its digest only: nobody could write it back.
            self.lapsed.append(path)
            return
        if now != effect.read_back:
            self._conflict(ConflictKind.DRIFT, path, effect.read_back, now)
        if effect.before is None:
            foreign = self._foreign(path)
            if foreign is not None:
                self._conflict(ConflictKind.FOREIGN_CONTENT, foreign, None, self.present[foreign])
        self.edits.append(Edit(path, now, effect.before))

    def claim(self, item: SharedObject) -> None:
        """Own a shared object, and bring what is missing of it."""
        self.claims.append(item)
        missing = [path for path in sorted(item.tree) if path not in self.present]
        for path in sorted(item.tree.keys() & self.present.keys()):
            if not took(item.tree[path], self.present[path]):
                self._conflict(
                    ConflictKind.TEMPLATE_DRIFT, path, item.tree[path], self.present[path]
                )
        self.already += len(item.tree) - len(missing)
        if item.root in missing:
            self.created.add(item.root)
        self.edits.extend(Edit(path, None, item.tree[path]) for path in missing)

    def release(self, left: Mapping[Path, SharedState]) -> None:
        """Leave shared objects; those that nobody owns any more go, unless somebody uses them."""
        mine = {root: known for root, known in left.items() if self.site in known.owners}
        self.released += mine
        going = {
            root: known
            for root, known in mine.items()
            if known.created_by_rom and not known.owners - {self.site} and root in self.present
        }
        while found := self._used_shared(going):
            # What an object that stays refers to has to stay with it.
            for root, user in found.items():
                self.orphaned.append(root)
                self._conflict(ConflictKind.ORPHAN_SHARED, user, None, self.present[user])
                del going[root]
        for known in going.values():
            for path in sorted(known.tree.keys() & self.present.keys()):
                now = self.present[path]
                if not took(known.tree[path], now):
                    self._conflict(ConflictKind.DRIFT, path, known.tree[path], now)
                self.dropped.add(path)
                self.edits.append(Edit(path, now, None))

    def _used_shared(self, going: Mapping[Path, SharedState]) -> dict[Path, Path]:
        """Return which of the objects cannot go, each with what uses it."""
        ours = {path for known in going.values() for path in known.tree}
        found: dict[Path, Path] = {}
        for root, known in going.items():
            user = root if known.held else self._foreign(root, known.tree)
            user = user or self._user(root, ours)
            if user is not None:
                found[root] = user
        return found

    def _user(self, entry: Path, ours: Container[Path] = ()) -> Path | None:
        """Return who refers to ``entry`` and is not this site."""
        for user, value in self.state.uses.get(entry, {}).items():
            foreign = user not in self.state.net and user not in ours
            if foreign and self.present.get(user) == value:
                return user
        return None

    def _foreign(self, path: Path, ours: Container[Path] = ()) -> Path | None:
        """Return something below ``path`` that this site did not put there."""
        mine = path in self.state.net
        for below in within(self.near if mine else self.present, [path]):
            if below != path and below not in self.state.net and below not in ours:
                return below
        return None

    def _conflict(
        self, kind: ConflictKind, path: Path, expected: str | None, found: str | None
    ) -> None:
        self.conflicts.append(Conflict(kind, path, expected, found))

    def finished(self, wanted: Fragment) -> SitePlan:
        """Return the plan, without what the policy or others keep."""
        kept = self._kept()
        in_use = {path for path in kept if at_or_below(path, self.used)}
        return SitePlan(
            self.site,
            wanted,
            tuple(edit for edit in self.edits if edit.path not in kept),
            self.already,
            tuple(self.claims),
            frozenset(self.created),
            tuple(self.released),
            frozenset(self.dropped),
            tuple(self.orphaned),
            tuple(self.conflicts),
            tuple(path for path in self.lapsed if path not in in_use),
            tuple(self.relinked),
            tuple(entry for entry in self.overtaken if entry[0] not in kept),
            tuple(sorted(kept)),
            self.policy,
        )

    def _kept(self) -> frozenset[Path]:
        """Return what stays: what others refer to, and by policy what others have touched."""
        net = self.state.net
        gone = {path for path in self.used if path not in self.present}
        touched, shared = self.used - gone, set[Path]()
        if self.policy is Policy.KEEP:
            conflicts = [each for each in self.conflicts if each.kind is not ConflictKind.IN_USE]
            touched |= {each.path for each in conflicts}
            shared = touched & self.dropped
        kept = touched_entries(touched, net, self.present)
        # Ours is gone from where we made it, but what it stands for is in use elsewhere.
        kept |= {path for path in net if at_or_below(path, gone)}
        return self._with_shared(kept | shared)

    def _with_shared(self, kept: frozenset[Path]) -> frozenset[Path]:
        """Stay an owner of the shared objects that hold what is kept, or that it refers to.

        Returns their paths with what is kept.
        """
        staying = set(kept)
        while True:
            words = {self.present.get(path) for path in staying} - {PRESENT, None}
            for root in self.released:
                if any(at_or_below(path, (root,)) for path in staying) or key_words(root) & words:
                    break
            else:
                return frozenset(staying)
            self.released.remove(root)
            staying.update(self.state.shared[root].tree)
            self.dropped -= staying
            self.orphaned = [orphan for orphan in self.orphaned if orphan != root]
