"""The gateway as its faces see it: orders in, documents, reports and previews out. Thread-safe."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from adapters.ztp.service import Desk
from inventory import queries
from rom.access.control import AccessControl
from rom.catalog.administration import CatalogAdministration
from rom.drift import devices
from rom.drift.audit import Audit
from rom.events.service import Events
from rom.jobs.wakes import Wakes, Worker
from rom.metrics.families import Counts
from rom.metrics.statistics import statistics
from rom.model.change import SETTLED, Change, ChangeKind, ChangeState, Policy
from rom.orders.cancel.cancellation import Cancellations
from rom.orders.documents import OrderDocuments
from rom.orders.fallout import Fallout
from rom.orders.intake import Intake
from rom.orders.patch.amendment import Amendments
from rom.queries import Queries
from rom.reports import Reports
from rom.stock import Stock
from rom.store import changes, intents, orders, snapshots
from rom.store.database import DatabaseError, Engine
from rom.store.scope import known_sites
from rom.undo import tasks
from rom.undo.compare import Comparison
from rom.undo.give_back import GiveBack
from rom.undo.preview import RollbackPreview
from rom.undo.standing import history_of
from rom.vault.vault import Vault

_REAPPLY_SECONDS = 60.0


@dataclass(frozen=True)
class OrderDesk:
    """Who takes and changes orders."""

    intake: Intake
    amendments: Amendments
    cancellations: Cancellations
    fallout: Fallout


class Gateway:
    """What the API, the command line and the console call; built by ``rom.runtime``."""

    def __init__(
        self,
        engine: Engine,
        documents: OrderDocuments,
        wakes: Wakes,
        worker: Worker,
        ztp_desk: Desk,
        preview: RollbackPreview,
        comparison: Comparison,
        give_back: GiveBack,
        audit: Audit,
        vault: Vault,
        order_desk: OrderDesk,
        shown: Queries,
        events: Events,
        specifications: CatalogAdministration,
        stock: Stock,
    ) -> None:
        self._engine = engine
        self._documents = documents
        self._wakes = wakes
        self._worker = worker
        self._reports = Reports(documents)
        self._preview = preview
        self._comparison = comparison
        self._give_back = give_back
        self._audit = audit
        self._vault = vault
        self.ztp_desk = ztp_desk
        self.access = AccessControl(engine)
        self.intake = order_desk.intake
        self.amendments = order_desk.amendments
        self.cancellations = order_desk.cancellations
        self.fallout = order_desk.fallout
        self.queries = shown
        self.events = events
        self.specifications = specifications
        self.stock = stock

    def start(self) -> None:
        """Start the workers of this process, and the delivery of events."""
        self._worker.start()
        self.events.start()

    def stop(self) -> None:
        """Stop the workers; what is under way ends first, the rest stays in the database."""
        self._worker.stop()
        self.events.stop()

    def problems(self) -> list[str]:
        """Return why orders cannot be taken now; empty when they can."""
        found = []
        try:
            with self._engine.connect() as connection:
                if not queries.has_inventory(connection):
                    found.append("inventory is empty: load one with `rom inventory load FILE`")
        except DatabaseError as error:
            found.append(f"database does not answer: {type(error).__name__}")
        if not self._worker.alive:
            found.append("worker is not running")
        return found

    def find_order(self, order_id: str) -> dict[str, Any] | None:
        """Return the order's TMF652 document, or ``None``."""
        with self._engine.connect() as connection:
            row = orders.find_order(connection, order_id)
            return None if row is None else self._documents.render(connection, [row])[0]

    def report(self, order_id: str) -> dict[str, Any] | None:
        """Return what was allocated, sent and measured for an order, or ``None``."""
        with self._engine.connect() as connection:
            return self._reports.report(connection, order_id)

    def events_after(self, order_id: str, sequence: int) -> list[dict[str, Any]]:
        """Return the order's events after ``sequence``, each with its own ``sequence``."""
        found = self.events.log.of_order(order_id, sequence)
        return [{"sequence": event.sequence, **event.payload} for event in found]

    def events_grown(self, after: int | None) -> list[tuple[int, str]]:
        """Return the last place of every order or task with events after ``after``, rising.

        Without ``after`` only the last one of all, if there is any.
        """
        return self.events.log.grown(after)

    def statistics(self) -> dict[str, Counts]:
        """Return what ``rom.metrics`` counts, as of now."""
        with self._engine.connect() as connection:
            return statistics(connection)

    def reapply(self, site: str) -> dict[str, Any]:
        """Bring the site's present intent onto all its devices again, by the one reconcile path.

        Returns per device how many edits were sent; none where it was as wanted. Raises
        ``KeyError`` for a site without intents and ``TimeoutError`` after a minute.
        """
        with self._engine.begin() as connection:
            places = intents.devices_of_site(connection, site)
            numbers = {
                changes.request(
                    connection, device=row.device, site=site, kind=ChangeKind.RECONCILE
                ): row.device
                for row in places
            }
        if not numbers:
            raise KeyError(site)
        for device in sorted(set(numbers.values())):
            self._wakes.device(device)
        rows = self._settled(list(numbers))
        with self._engine.begin() as connection:
            intents.drop_empty(connection, site)
        return {
            "site": site,
            "devices": [
                {
                    "device": row.device,
                    "edits": row.edits or 0,
                    "state": row.state,
                    "transaction": row.transaction,
                    **({"error": row.error} if row.state is ChangeState.REFUSED else {}),
                }
                for row in rows
            ],
        }

    def _settled(self, numbers: list[int]) -> list[Change]:
        deadline = time.monotonic() + _REAPPLY_SECONDS
        while True:
            with self._engine.connect() as connection:
                rows = changes.of_numbers(connection, numbers)
            if all(row.state in SETTLED for row in rows):
                return rows
            if time.monotonic() > deadline:
                waiting = ", ".join(r.device for r in rows if r.state not in SETTLED)
                message = f"still waiting for {waiting}"
                raise TimeoutError(message)
            time.sleep(0.05)

    def rollback_preview(
        self,
        site: str,
        *,
        to: int | None = None,
        before: str | None = None,
        policy: Policy = Policy.REFUSE,
    ) -> dict[str, Any]:
        """Return what a rollback of the site would send; nothing is changed.

        Without a snapshot number or an order it leads back to before everything. Raises
        ``KeyError`` for a site without intents, ``UnknownTarget`` and ``NotABoundary``.
        """
        return self._preview.of_site(site, to=to, before=before, policy=policy)

    def preview_of(self, wanted: tasks.Wanted) -> dict[str, Any]:
        """Return what ``rollback_preview`` does for a rollback that was asked for.

        A site beyond the limits of whoever asks raises ``KeyError`` as an unknown one does.
        """
        with self._engine.connect() as connection:
            if not known_sites(connection, [wanted.site]):
                raise KeyError(wanted.site)
        return self.rollback_preview(
            wanted.site, to=wanted.to, before=wanted.before, policy=wanted.policy
        )

    def start_rollback(self, wanted: tasks.Wanted) -> dict[str, Any]:
        """Start a rollback task after a preview, and return it.

        Raises ``PreviewDiffers`` when that is not the preview that was seen, ``RollbackConflicts``
        when the policy does not let it go, besides what ``rollback_preview`` raises, and
        ``RollbackOpen``, ``OrderUnderWay`` and ``ResourceExhausted``; then nothing has been
        changed.
        """
        preview = self.preview_of(wanted)
        tasks.refuse_unforeseen(wanted, preview)
        task_id = tasks.create(self._engine, self._vault, self._give_back, wanted, preview)
        self._wakes.site(wanted.site)
        return self.find_rollback(task_id) or {}

    def find_rollback(self, task_id: str) -> dict[str, Any] | None:
        """Return a rollback task, or ``None``."""
        with self._engine.connect() as connection:
            return tasks.find(connection, task_id)

    def snapshots(self, site: str) -> list[dict[str, Any]]:
        """Return the site's snapshots, oldest first; raises ``KeyError`` for an unknown site.

        ``boundary`` tells that no order was half done then: a rollback may lead there.
        """
        with self._engine.connect() as connection:
            if not queries.site_exists(connection, site):
                raise KeyError(site)
            known = history_of(connection, site)
            return [
                {
                    "snapshot": entry.number,
                    "device": entry.device,
                    "role": entry.role,
                    "moment": entry.moment,
                    "time": entry.time.isoformat(),
                    "order": entry.order_id,
                    "transaction": entry.transaction,
                    "hash": entry.content_hash,
                    "boundary": known.is_boundary(entry.number),
                }
                for entry in snapshots.entries(connection, site)
            ]

    def compare(self, site: str, first: int | None, second: int | None) -> dict[str, Any]:
        """Return what differs between two snapshots, or a snapshot and the devices now.

        Raises ``KeyError`` and ``UnknownTarget``.
        """
        return self._comparison.of_site(site, first, second)

    def devices(self) -> list[dict[str, Any]]:
        """Return every device with its sites, what waits for it and its last transaction."""
        with self._engine.connect() as connection:
            return devices.overview(connection)

    def check_devices(self, names: Collection[str] | None = None) -> dict[str, Any]:
        """Return the drift report of some devices or of all; raises ``KeyError`` for no device."""
        return self._audit.check(names)

    def repair_preview(self, site: str) -> dict[str, Any]:
        """Return what ``reapply`` would send; raises ``KeyError`` for a site without intents."""
        return self._audit.repairs(site)
