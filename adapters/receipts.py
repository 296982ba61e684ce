"""What goes into an apply and comes out of it, the same for all adapters."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from adapters.seam import ApplyMode, Receipt, SiteEdits, SiteOutcome, SiteReceipt
from device_profiles.tree import Edit


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
