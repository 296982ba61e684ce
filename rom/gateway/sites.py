"""Sites: snapshots, what differs, a second run, and the way back."""

import time
from contextlib import suppress
from dataclasses import dataclass

from inventory import queries
from rom.answers.sites import (
    Reapplied,
    ReappliedDevice,
    RepairPreview,
    RollbackPreview,
    RollbackTask,
    SecretRotation,
    SiteComparison,
    SnapshotLine,
)
from rom.drift.audit import Audit
from rom.gateway.seam import reaching_devices, reserving
from rom.jobs.wakes import Wakes
from rom.model.change import SETTLED, Change, ChangeKind, ChangeState, Policy
from rom.model.deed import Actor, DeedKind
from rom.model.errors import DevicesBusy, RepairOverwrites, UnknownRollback, UnknownSite
from rom.model.snapshot import SnapshotEntry
from rom.store import change_list, changes, intents, site_secrets, snapshots
from rom.store.database import Connection, Engine
from rom.store.scope import known_sites
from rom.trail import trail
from rom.undo import tasks
from rom.undo.compare import Comparison
from rom.undo.give_back import GiveBack
from rom.undo.preview import RollbackPreview as Previewing
from rom.undo.standing import history_of
from rom.undo.tasks import Wanted
from rom.vault.site_secrets import SiteSecrets
from rom.vault.vault import Vault

__all__ = ["Sites", "Wanted"]

_REAPPLY_SECONDS = 60.0


@dataclass(frozen=True)
class Sites:
    """What is done with one site. Thread-safe; methods block while devices are read.

    Raises ``UnknownSite`` for a site that the gateway has nothing at or the client may not see,
    ``DeviceFailed``, and what the methods say besides.
    """

    engine: Engine
    wakes: Wakes
    vault: Vault
    previewing: Previewing
    comparison: Comparison
    give_back: GiveBack
    audit: Audit
    site_secrets: SiteSecrets

    def snapshots(self, site: str) -> tuple[SnapshotLine, ...]:
        """Return the site's snapshots, oldest first."""
        with self.engine.connect() as connection:
            if not queries.site_exists(connection, site):
                raise UnknownSite(site)
            known = history_of(connection, site)
            return tuple(
                _shown(entry, boundary=known.is_boundary(entry.number))
                for entry in snapshots.entries(connection, site)
            )

    def compare(self, site: str, first: int | None, second: int | None) -> SiteComparison:
        """Return what differs between two snapshots, or a snapshot and the devices now.

        Raises ``UnknownTarget`` for a number that is none of its snapshots.
        """
        with reaching_devices():
            return self.comparison.of_site(site, first, second)

    def repair_preview(self, site: str) -> RepairPreview:
        """Return what ``reapply`` would send."""
        with reaching_devices():
            return self.audit.repairs(site)

    def reapply(self, site: str, *, by: Actor, reason: str = "", ticket: str = "") -> Reapplied:
        """Bring the site's present intent onto all its devices again, by the one reconcile path.

        Raises ``RepairOverwrites`` where that would replace what somebody else has set since and
        no reason is given; a device that shows so only later refuses its part. Raises
        ``DevicesBusy`` after a minute; what was asked for stays queued.
        """
        overwritten = _overwritten(self.repair_preview(site))
        if overwritten and not reason.strip():
            raise RepairOverwrites(overwritten)
        policy = Policy.APPLY if reason.strip() else Policy.RESTORE
        with self.engine.begin() as connection:
            numbers = _request_all(connection, site, policy)
            trail.record(
                connection,
                by,
                DeedKind.SITE_REPAIRED,
                sites=[site],
                devices=numbers.values(),
                ticket=ticket,
                reason=reason,
                details={"overwrites": overwritten},
            )
        for device in sorted(set(numbers.values())):
            self.wakes.device(device)
        rows = self._settled(list(numbers))
        with self.engine.begin() as connection:
            intents.drop_empty(connection, site)
        return Reapplied(site=site, devices=tuple(_reapplied(row) for row in rows))

    def _settled(self, numbers: list[int]) -> list[Change]:
        deadline = time.monotonic() + _REAPPLY_SECONDS
        while True:
            with self.engine.connect() as connection:
                rows = change_list.of_numbers(connection, numbers)
            if all(row.state in SETTLED for row in rows):
                return rows
            if time.monotonic() > deadline:
                waiting = ", ".join(row.device for row in rows if row.state not in SETTLED)
                raise DevicesBusy(f"still waiting for {waiting}")
            time.sleep(0.05)

    def rotate_secret(
        self, site: str, kind: str, *, by: Actor, reason: str = "", ticket: str = ""
    ) -> SecretRotation:
        """Give a secret of the site another value, on every device that holds it.

        After a minute it is answered as it stands, and goes on. Raises ``UnknownSite``,
        ``Invalid``, ``OrderUnderWay``, ``RollbackOpen`` and ``NotPossible``.
        """
        asked = self.site_secrets.rotate(site, kind, by=by, reason=reason, ticket=ticket)
        with suppress(DevicesBusy):
            self._settled(list(asked.changes))
        self.site_secrets.settle(site)
        with self.engine.connect() as connection:
            rows = change_list.of_numbers(connection, asked.changes)
            going_on = [each.name for each in site_secrets.being_replaced(connection, site)]
        return SecretRotation(
            site=site,
            secret=asked.name,
            done=asked.name not in going_on,
            devices=tuple(_reapplied(row) for row in rows),
        )

    def preview(self, wanted: Wanted) -> RollbackPreview:
        """Return what a rollback would send; nothing is changed.

        Without a snapshot or an order it leads back to before everything. Raises
        ``UnknownTarget``, ``NotABoundary`` and ``TargetGone``.
        """
        with self.engine.connect() as connection:
            if not known_sites(connection, [wanted.site]):
                raise UnknownSite(wanted.site)
        with reaching_devices():
            return self.previewing.of_site(
                wanted.site, to=wanted.to, before=wanted.before, policy=wanted.policy
            )

    def roll_back(self, wanted: Wanted) -> RollbackTask:
        """Start a rollback's task after a preview, and return it.

        Raises besides what ``preview`` does ``PreviewDiffers`` when that is not what was seen,
        ``RollbackConflicts`` when the policy does not let it go, ``RollbackOpen``,
        ``OrderUnderWay`` and ``NotEnough``; then nothing has been changed.
        """
        preview = self.preview(wanted)
        tasks.refuse_unforeseen(wanted, preview)
        with reserving("site", "The site as it was needs more than is free"):
            task_id = tasks.create(
                self.engine,
                self.vault,
                self.give_back,
                wanted,
                preview,
            )
        self.wakes.site(wanted.site)
        return self.find_rollback(task_id)

    def find_rollback(self, task_id: str) -> RollbackTask:
        """Return a rollback's task; raises ``UnknownRollback``."""
        with self.engine.connect() as connection:
            found = tasks.find(connection, task_id)
        if found is None:
            raise UnknownRollback(task_id)
        return found


def _overwritten(preview: RepairPreview) -> dict[str, list[str]]:
    """Return by device where a repair would replace what people have set, or left by decision."""
    found = {
        row.device: sorted({*row.overwrites, *(kept.path for kept in row.kept)})
        for row in preview.devices
    }
    return {device: paths for device, paths in found.items() if paths}


def _request_all(connection: Connection, site: str, policy: Policy) -> dict[int, str]:
    """Ask for a change on every device of the site; return the devices by the changes' numbers."""
    return {
        changes.request(
            connection, device=row.device, site=site, kind=ChangeKind.RECONCILE, policy=policy
        ): row.device
        for row in intents.devices_of_site(connection, site)
    }


def _reapplied(row: Change) -> ReappliedDevice:
    done = ReappliedDevice(
        device=row.device, edits=row.edits or 0, state=row.state, transaction=row.transaction
    )
    if row.state is not ChangeState.REFUSED:
        return done
    return ReappliedDevice(**{**dict(done), "error": row.error})


def _shown(entry: SnapshotEntry, *, boundary: bool) -> SnapshotLine:
    return SnapshotLine(
        snapshot=entry.number,
        device=entry.device,
        role=entry.role,
        moment=entry.moment,
        time=entry.time.isoformat(),
        order=entry.order_id,
        transaction=entry.transaction,
        hash=entry.content_hash,
        boundary=boundary,
    )
