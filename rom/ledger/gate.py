"""What the writer asks before it makes a confirmed commit permanent."""

from collections.abc import Iterable
from typing import Any, Protocol

from adapters.seam import Session


class Gate(Protocol):
    """Decides within a confirmed commit's window whether services keep working."""

    def before(self, session: Session, device: str, sites: Iterable[str]) -> object:
        """Return what works before the commit."""

    def broken(self, session: Session, worked: Any) -> list[str]:
        """Return what worked before and no longer does, in words."""

    def burst(self, site: str) -> list[str]:
        """Return what a short measurement towards a site in service finds wrong."""
