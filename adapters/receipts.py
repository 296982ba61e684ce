"""What goes into an apply and comes out of it, the same for all adapters."""

from collections.abc import Mapping, Sequence

from adapters.seam import ApplyMode, Receipt, SiteEdits, SiteOutcome, SiteReceipt
from device_profiles.tree import Edit


def changes_of(batch: Sequence[SiteEdits]) -> list[SiteEdits]:
    """Return the sites that have edits, each once: a site stands or falls as one."""
    edits: dict[str, tuple[Edit, ...]] = {}
    for site in batch:
        if site.edits:
            edits[site.site] = (*edits.get(site.site, ()), *site.edits)
    return [SiteEdits(site, each) for site, each in edits.items()]


def receipt(
    batch: Sequence[SiteEdits],
    mode: ApplyMode,
    refused: Mapping[str, str],
    sent: str = "",
    *,
    confirming: bool = False,
) -> Receipt:
    """Return the receipt of ``batch``: refused sites with the device's words, the rest applied."""
    sites = tuple(
        SiteReceipt(site.site, SiteOutcome.REFUSED, refused[site.site])
        if site.site in refused
        else SiteReceipt(site.site, SiteOutcome.APPLIED)
        for site in batch
    )
    return Receipt(mode.transaction, sites, confirming=confirming, sent=sent)
