"""A device in this process, behind the seam that the writer sees, as strict or as poor as asked."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.errors import CommitRefused, Refused
from adapters.seam import (
    ApplyMode,
    Capability,
    Query,
    Receipt,
    SiteEdits,
    SiteOutcome,
    SiteReceipt,
)
from device_profiles.references import Users
from device_profiles.tree import Edit, Path, Tree, in_scope, patched

WINDOW = frozenset({Capability.TRANSACTION, Capability.CONFIRMED_COMMIT, Capability.PERSIST})
OF_ONE_SESSION = WINDOW - {Capability.PERSIST}
PLAIN = frozenset({Capability.TRANSACTION})
SAVED = frozenset({Capability.TRANSACTION, Capability.STARTUP})


@dataclass
class FakeDevice:
    """What it holds is a dictionary; it notes everything that is asked of it."""

    capabilities: frozenset[Capability] = WINDOW
    running: dict[Path, str] = field(default_factory=dict)
    refusal: Callable[[Sequence[SiteEdits]], Refused | None] = lambda _: None
    """Says no to a batch as a whole."""
    refused_sites: Collection[str] = ()
    """Sites whose part is refused while the others' stands."""
    ignores: Collection[Path] = ()
    """Paths that it does not take, without a word."""
    shows: Mapping[str, str] = field(default_factory=dict)
    """Values that it shows otherwise than they were sent."""
    refers: dict[Path, dict[Path, str]] = field(default_factory=dict)
    """By entry: who on the device refers to it, with the value by which they do."""
    after_commit: Callable[[], None] = lambda: None
    window: tuple[str, dict[Path, str]] | None = None
    saved: dict[Path, str] | None = None
    batches: list[list[str]] = field(default_factory=list)
    modes: list[ApplyMode] = field(default_factory=list)
    reads: list[frozenset[Path]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)
    shown: list[frozenset[Path]] = field(default_factory=list)
    """Scopes in which it was asked for evidence."""

    def read(self, scope: Collection[Path]) -> Tree:
        self.log.append("read")
        self.reads.append(frozenset(scope))
        return in_scope(self.running, scope)

    def users(self, entries: Collection[Path]) -> Users:
        return {entry: self.refers[entry] for entry in entries if entry in self.refers}

    def apply(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> Receipt:
        self.log.append("apply")
        self.batches.append([part.site for part in batch])
        self.modes.append(mode)
        if (no := self.refusal(batch)) is not None:
            raise no
        fates = self._fates(batch, mode)
        taken = [part for part in batch if fates[part.site] is SiteOutcome.APPLIED]
        before = dict(self.running)
        if taken:
            if mode.before_commit is not None:
                mode.before_commit()
            for part in taken:
                self.running = patched(self.running, map(self._shown, self._kept(part.edits)))
        confirming = bool(taken) and Capability.CONFIRMED_COMMIT in self.capabilities
        if confirming and mode.confirm_within is not None:
            self.window = (mode.transaction, before)
        self.after_commit()
        return Receipt(
            mode.transaction,
            tuple(SiteReceipt(site, fate, _words(fate)) for site, fate in fates.items()),
            confirming=confirming,
            sent="what was sent",
        )

    def _fates(self, batch: Sequence[SiteEdits], mode: ApplyMode) -> dict[str, SiteOutcome]:
        fates = dict.fromkeys((part.site for part in batch), SiteOutcome.APPLIED)
        fates |= {site: SiteOutcome.REFUSED for site in fates if site in self.refused_sites}
        for site in fates:
            if fates[site] is SiteOutcome.APPLIED and any(
                fates.get(maker) is not SiteOutcome.APPLIED
                for maker in mode.relies.get(site, frozenset())
            ):
                fates[site] = SiteOutcome.NOT_TRIED
        return fates

    def _kept(self, edits: Sequence[Edit]) -> list[Edit]:
        return [edit for edit in edits if edit.path not in self.ignores]

    def _shown(self, edit: Edit) -> Edit:
        after = edit.after
        return Edit(edit.path, edit.before, None if after is None else self.shows.get(after, after))

    def confirm(self, transaction: str) -> None:
        self.log.append("confirm")
        self.confirmed.append(transaction)
        if Capability.CONFIRMED_COMMIT in self.capabilities:
            self._armed(transaction)
            self.window = None
        if Capability.STARTUP in self.capabilities:
            self.saved = dict(self.running)

    def cancel(self, transaction: str) -> None:
        self.log.append("cancel")
        self.running = self._armed(transaction)
        self.window = None

    def save(self) -> None:
        if Capability.STARTUP in self.capabilities:
            self.log.append("save")
            self.saved = dict(self.running)

    def _armed(self, transaction: str) -> dict[Path, str]:
        if self.window is None or self.window[0] != transaction:
            raise CommitRefused("no such persist-id", tag="invalid-value")
        return self.window[1]

    def probe(self, queries: Sequence[Query]) -> Mapping[str, str | None]:
        return dict.fromkeys((query.name for query in queries), None)

    def evidence(self, scope: Collection[Path]) -> bytes:
        self.shown.append(frozenset(scope))
        return repr(sorted(in_scope(self.running, scope).items())).encode()

    def close(self) -> None:
        return None


def _words(fate: SiteOutcome) -> str:
    return "must-violation" if fate is SiteOutcome.REFUSED else ""
