"""Receipts of adapters whose sites can be refused one by one."""

from collections.abc import Mapping, Sequence

from adapters.seam import ApplyMode, Receipt, SiteEdits, SiteOutcome, SiteReceipt


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
