"""What the writer asks before it makes a confirmed commit permanent."""

from collections.abc import Iterable
from typing import Protocol

from adapters.seam import Session
from rom.model.transaction import Worked

_TOLD = 5


class ServiceCheck(Protocol):
    """Decides within a confirmed commit's window whether services keep working."""

    def before(self, session: Session, device: str, sites: Iterable[str]) -> Worked:
        """Return what works before the commit."""

    def broken(self, session: Session, worked: Worked) -> list[str]:
        """Return what worked before and no longer does, in words."""

    def burst(self, site: str) -> list[str]:
        """Return what a short measurement towards a site in service finds wrong."""


def verdict(
    service_check: ServiceCheck | None, session: Session, worked: Worked, modified: Iterable[str]
) -> str:
    """Return what a commit has broken, in words, empty for nothing.

    ``modified`` sites were in service before, so that they are measured besides.
    """
    if service_check is None:
        return ""
    found = service_check.broken(session, worked)
    for site in modified:
        found += service_check.burst(site)
    return "; ".join(found[:_TOLD])
