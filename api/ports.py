"""What this room asks of the engine and of its settings; the engine's façade fulfils both."""

from collections.abc import Mapping
from typing import Any, Protocol

from adapters.ztp.service import Desk
from rom.catalog.administration import CatalogAdministration
from rom.metrics.families import Counts
from rom.queries import Queries

Document = dict[str, Any]
"""A JSON object on its way in or out."""


class OrderGateway(Protocol):
    """The engine as every outward face sees it. Methods block and may be called from any thread."""

    def find_order(self, order_id: str) -> Document | None:
        """Return one order as a TMF652 document."""

    @property
    def queries(self) -> Queries:
        """Lists and single things as TM Forum documents."""

    @property
    def specifications(self) -> CatalogAdministration:
        """TMF634 specifications."""

    def report(self, order_id: str) -> Document | None:
        """Return what an order got, sent and measured."""

    def reapply(self, site: str) -> Document:
        """Bring a site's intent onto its devices again; raises ``LookupError(site)``."""

    def rollback_preview(self, site: str) -> Document:
        """Say what a rollback would send and release; raises ``LookupError(site)``."""

    def events_after(self, order_id: str, sequence: int) -> list[Document]:
        """Return an order's events with a sequence number above ``sequence``, in order."""

    def events_grown(self, after: int | None) -> list[tuple[int, str]]:
        """Return the last place of every order or task with events after ``after``, rising.

        Without ``after`` only the last one of all, if there is any.
        """

    def statistics(self) -> Mapping[str, Counts]:
        """Return the counts of ``rom.metrics``."""

    def problems(self) -> list[str]:
        """Say why orders cannot be taken; empty when they can."""

    def start(self) -> None:
        """Start the workers."""

    def stop(self) -> None:
        """Stop the workers and wait for what they have in hand."""

    @property
    def ztp_desk(self) -> Desk:
        """The desk that answers routers asking for their first configuration."""


class ApiSettings(Protocol):
    """The settings the HTTP face reads."""

    @property
    def max_body_bytes(self) -> int:
        """Largest request body taken."""

    @property
    def base_url(self) -> str:
        """Absolute URL of this gateway without a trailing slash."""
