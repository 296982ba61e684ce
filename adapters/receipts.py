"""What goes into an apply and comes out of it, the same for all adapters."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from adapters.errors import LockDenied
from adapters.seam import ApplyMode, Receipt, SiteEdits, SiteOutcome, SiteReceipt
from device_profiles.tree import DIGEST_PREFIX, Edit, Path, Tree, path_text, topmost


def paths_of(changes: Iterable[SiteEdits]) -> tuple[Path, ...]:
    """Return what has to be read to see everything that edits are about."""
    return topmost(edit.path for site in changes for edit in site.edits)


def refuse_if_changed(device: str, changes: Iterable[SiteEdits], present: Tree) -> None:
    """Refuse edits that were planned on something else than what is there by now.

    Called with what was read last, under the lock where there is one. What is as wanted already
    counts as unchanged. Raises LockDenied: somebody else writes, and it has to be planned anew.
    """
    for site in changes:
        for edit in site.edits:
            found = present.get(edit.path)
            if found in (edit.before, edit.after) or _is_secret(found):
                continue
            message = f"somebody else has changed {path_text(edit.path)} since it was read"
            raise LockDenied(message, device=device)


def _is_secret(value: str | None) -> bool:
    """Tell whether a value is a digest, which differs from the reference that was sent."""
    return value is not None and value.startswith(DIGEST_PREFIX)


def changes_of(batch: Sequence[SiteEdits]) -> list[SiteEdits]:
    """Return the sites that have edits, each once: a site stands or falls as one."""
    edits: dict[str, tuple[Edit, ...]] = {}
    for site in batch:
        if site.edits:
            edits[site.site] = (*edits.get(site.site, ()), *site.edits)
    return [SiteEdits(site, each) for site, each in edits.items()]


def left_out(mode: ApplyMode, refused: Collection[str]) -> set[str]:
    """Return the sites that may not be tried any more as others they rely on were refused."""
    gone = set(refused)
    while more := {site for site, others in mode.relies.items() if others & gone} - gone:
        gone |= more
    return gone - set(refused)


def standing(sites: Iterable[str], mode: ApplyMode, refused: Collection[str]) -> list[str]:
    """Return the sites that are neither refused nor left out for it, in their order."""
    gone = {*refused, *left_out(mode, refused)}
    return [site for site in sites if site not in gone]


def receipt(
    batch: Sequence[SiteEdits],
    mode: ApplyMode,
    refused: Mapping[str, str],
    sent: str = "",
    *,
    confirming: bool = False,
) -> Receipt:
    """Return the receipt of ``batch``: refused sites with the device's words, the rest applied.

    Where sites were refused, those that rely on them were not tried.
    """
    idle = left_out(mode, refused)

    def of(site: str) -> SiteReceipt:
        if site in refused:
            return SiteReceipt(site, SiteOutcome.REFUSED, refused[site])
        return SiteReceipt(site, SiteOutcome.NOT_TRIED if site in idle else SiteOutcome.APPLIED)

    sites = tuple(of(part.site) for part in batch)
    return Receipt(mode.transaction, sites, confirming=confirming, sent=sent)
