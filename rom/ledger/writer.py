"""The device writer: the one path by which anything is changed on a device.

Under the device's lease it takes the waiting sites along in one transaction: read once, plan each
site, write the ledger, send, read back, compare, confirm. A site the device refuses is left out
and the others go on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol
from uuid import uuid4

import sqlalchemy as sa
import structlog

from adapters.errors import AdapterError, DeviceTimeout, Refused, SessionLost
from adapters.seam import ApplyMode, Capability, Receipt, Session, SiteEdits, SiteOutcome
from device_profiles.fragment import Fragment
from device_profiles.tree import Tree
from rom.ledger import changes, intents, lease, recovery, store
from rom.ledger.model import SitePlan, SiteState
from rom.ledger.plan import plan_batch, read_scope, took

log = structlog.get_logger()

Claimed = dict[str, list[sa.Row[Any]]]


class Sessions(Protocol):
    """Where the writer gets its conversations from."""

    def open(self, device: str, site: str) -> Any:
        """Return a context manager that yields an open ``Session``."""


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """Limits of the writer; seconds and counts."""

    holder: str
    lease_seconds: int
    confirm_seconds: int
    group_size: int
    retry_seconds: float


class DeviceWriter:
    """Writes to devices; safe to run in any number of threads, processes and hosts."""

    def __init__(self, engine: sa.Engine, sessions: Sessions, settings: WriterSettings) -> None:
        self._engine = engine
        self._sessions = sessions
        self._settings = settings

    def run(self, device: str) -> set[str]:
        """Write all that waits for ``device``; returns the sites something was decided for.

        Does nothing while another writer holds the device. An unreachable device postpones its
        changes; nothing is raised for that.
        """
        holder = f"{self._settings.holder}/{uuid4().hex[:8]}"
        epoch = lease.acquire(self._engine, device, holder, self._settings.lease_seconds)
        if epoch is None:
            return set()
        touched: set[str] = set()
        try:
            with lease.kept(self._engine, device, epoch, self._settings.lease_seconds):
                self._drain(device, epoch, touched)
        except AdapterError as error:
            self._put_off(device, error, touched)
        except lease.FencedOff as error:
            log.warning("device.fenced", device=device, error=str(error))
        finally:
            lease.release(self._engine, device, epoch)
        return touched

    def _put_off(self, device: str, error: AdapterError, touched: set[str]) -> None:
        """Try again later what can get better by itself; hold the rest for people."""
        log.warning("device.not_written", device=device, reason=error.reason, error=str(error))
        with self._engine.begin() as connection:
            touched.update(intents.sites_waiting(connection, device))
            if error.retry:
                changes.postpone(
                    connection,
                    device,
                    seconds=self._settings.retry_seconds,
                    reason=error.reason,
                    error=str(error),
                )
            else:
                changes.refuse_all(connection, device, reason=error.reason, error=str(error))

    def _drain(self, device: str, epoch: int, touched: set[str]) -> None:
        with self._engine.begin() as connection:
            unresolved = recovery.open_transactions(connection, device)
            if not unresolved:
                changes.reclaim(connection, device)
            sites = intents.sites_waiting(connection, device)
        if not sites and not unresolved:
            return
        anyone = sites[0] if sites else unresolved[0].site
        with self._sessions.open(device, anyone) as session:
            for row in unresolved:
                touched.update(recovery.resolve(self._engine, session, device, row.id))
            with self._engine.begin() as connection:
                changes.reclaim(connection, device)
            while True:
                with self._engine.begin() as connection:
                    claimed = changes.claim(
                        connection, device, f"claim-{epoch}", self._settings.group_size
                    )
                if not claimed:
                    return
                _Group(self, session, device, epoch).write(claimed)
                touched.update(claimed)

    @property
    def engine(self) -> sa.Engine:
        """The database the ledger is in."""
        return self._engine

    @property
    def settings(self) -> WriterSettings:
        """The writer's limits."""
        return self._settings


class _Group:
    """One group of sites on its way onto one device."""

    def __init__(self, writer: DeviceWriter, session: Session, device: str, epoch: int) -> None:
        self._engine = writer.engine
        self._settings = writer.settings
        self._session = session
        self._device = device
        self._epoch = epoch

    def write(self, claimed: Claimed) -> None:
        wishes = self._wishes(list(claimed))
        scope = frozenset(
            path for wanted, state in wishes.values() for path in read_scope(wanted, state)
        )
        present = self._session.read(scope)
        plans = plan_batch(wishes, present)
        self._refuse_blocked(plans, claimed)
        self._accept_unchanged(plans, claimed)
        pending = {site: plan for site, plan in plans.items() if plan.edits and not plan.blocking}
        if pending:
            self._send(pending, {site: claimed[site] for site in pending})

    def _wishes(self, sites: list[str]) -> dict[str, tuple[Fragment, SiteState]]:
        with self._engine.connect() as connection:
            wanted = {site: intents.wanted(connection, self._device, site) for site in sites}
            roots = {
                site: [item.root for item in fragment.shared] for site, fragment in wanted.items()
            }
            states = store.site_states(connection, self._device, roots)
        return {site: (wanted[site], states[site]) for site in sites}

    def _refuse_blocked(self, plans: Mapping[str, SitePlan], claimed: Claimed) -> None:
        for site, plan in plans.items():
            if not plan.blocking:
                continue
            first = plan.blocking[0]
            reason = first.kind.value.replace("-", "_").upper()
            error = (
                f"{first.kind.value} at {'/'.join(first.path)}: expected {first.expected!r}, "
                f"device holds {first.found!r}"
            )
            with self._engine.begin() as connection:
                changes.refuse(
                    connection, claimed[site], transaction=None, reason=reason, error=error
                )

    def _accept_unchanged(self, plans: Mapping[str, SitePlan], claimed: Claimed) -> None:
        unchanged = [plan for plan in plans.values() if not plan.edits and not plan.blocking]
        if not unchanged:
            return
        with self._engine.begin() as connection:
            lease.check(connection, self._device, self._epoch)
            for plan in unchanged:
                store.keep_ownership(connection, self._device, plan)
                changes.finish(connection, claimed[plan.site], transaction=None)

    def _send(self, plans: Mapping[str, SitePlan], claimed: Claimed) -> None:
        transaction = uuid4().hex
        kinds = {row.kind for rows in claimed.values() for row in rows}
        with self._engine.begin() as connection:
            store.open_transaction(
                connection,
                transaction,
                self._device,
                "+".join(sorted(kinds)),
                self._epoch,
                plans.values(),
                {site: rows[-1].order_id for site, rows in claimed.items()},
            )
        log.info("device.transaction", device=self._device, txn=transaction, sites=list(plans))
        try:
            receipt = self._session.apply(
                [SiteEdits(site, plan.edits) for site, plan in plans.items()],
                self._mode(transaction),
            )
        except Refused as error:
            self._close(transaction, "reverted", error=str(error))
            self._divide(plans, claimed, transaction, error)
            return
        except (SessionLost, DeviceTimeout):
            # The outcome is unknown: recovery reads the device before anything else goes to it.
            self._close(transaction, "unknown", error="session lost")
            raise
        except AdapterError as error:
            self._close(transaction, "reverted", error=str(error))
            raise
        self._prove(receipt, plans, claimed)

    def _mode(self, transaction: str) -> ApplyMode:
        # With a window the device returns by itself; where it cannot, it is saved after proof only.
        two_steps = {Capability.CONFIRMED_COMMIT, Capability.STARTUP} & self._session.capabilities
        return ApplyMode(
            transaction,
            confirm_within=self._settings.confirm_seconds if two_steps else None,
            before_commit=partial(
                store.mark_sent, self._engine, transaction, self._device, self._epoch
            ),
        )

    def _close(self, transaction: str, state: str, *, error: str) -> None:
        with self._engine.begin() as connection:
            store.mark(connection, transaction, state, error=error)

    def _divide(
        self,
        plans: Mapping[str, SitePlan],
        claimed: Claimed,
        transaction: str,
        error: Refused,
    ) -> None:
        """One site alone is refused; of several, halves are tried, each in its own commit."""
        if len(plans) == 1:
            (site,) = plans
            with self._engine.begin() as connection:
                store.settle_site(connection, transaction, site, "refused", error=str(error))
                changes.refuse(
                    connection,
                    claimed[site],
                    transaction=transaction,
                    reason=error.reason,
                    error=str(error),
                )
            return
        sites = list(plans)
        middle = len(sites) // 2
        for half in (sites[:middle], sites[middle:]):
            self.write({site: claimed[site] for site in half})

    def _prove(self, receipt: Receipt, plans: Mapping[str, SitePlan], claimed: Claimed) -> None:
        transaction = receipt.transaction
        applied = {
            part.site: plans[part.site]
            for part in receipt.sites
            if part.outcome is SiteOutcome.APPLIED
        }
        with self._engine.begin() as connection:
            for part in receipt.sites:
                if part.outcome is SiteOutcome.REFUSED:
                    store.settle_site(
                        connection, transaction, part.site, "refused", error=part.error
                    )
                    changes.refuse(
                        connection,
                        claimed[part.site],
                        transaction=transaction,
                        reason="DEVICE_REFUSED",
                        error=part.error,
                    )
            state = "confirming" if receipt.confirming else "sent"
            store.mark(connection, transaction, state if applied else "reverted", sent=receipt.sent)
        if not applied:
            return
        shown = self._session.read(
            frozenset(edit.path for plan in applied.values() for edit in plan.edits)
        )
        bad = {site for site, plan in applied.items() if mismatches(plan, shown)}
        if bad and receipt.confirming:
            self._take_back(transaction, applied, claimed, bad, shown)
            return
        if receipt.confirming or Capability.STARTUP in self._session.capabilities:
            self._session.confirm(transaction)
        self._keep(transaction, applied, claimed, shown, bad)

    def _take_back(
        self,
        transaction: str,
        applied: Mapping[str, SitePlan],
        claimed: Claimed,
        bad: set[str],
        shown: Tree,
    ) -> None:
        """A site's values did not take: the device returns, and the good sites go again."""
        self._session.cancel(transaction)
        self._close(transaction, "reverted", error="read-back mismatch")
        with self._engine.begin() as connection:
            for site in bad:
                self._fail(connection, transaction, applied[site], claimed[site], shown)
        good = {site: claimed[site] for site in applied if site not in bad}
        if good:
            self.write(good)

    def _fail(
        self,
        connection: sa.Connection,
        transaction: str,
        plan: SitePlan,
        rows: list[sa.Row[Any]],
        shown: Tree,
    ) -> None:
        error = "device did not take: " + "; ".join(mismatches(plan, shown)[:5])
        store.settle_site(
            connection, transaction, plan.site, "applied", verdict="FAILED", error=error
        )
        changes.refuse(
            connection, rows, transaction=transaction, reason="READ_BACK_MISMATCH", error=error
        )

    def _keep(
        self,
        transaction: str,
        applied: Mapping[str, SitePlan],
        claimed: Claimed,
        shown: Tree,
        bad: set[str],
    ) -> None:
        with self._engine.begin() as connection:
            for site, plan in applied.items():
                keep_plan(connection, transaction, self._device, plan, shown)
                if site in bad:
                    self._fail(connection, transaction, plan, claimed[site], shown)
                    continue
                store.settle_site(connection, transaction, site, "applied", verdict="VERIFIED")
                changes.finish(
                    connection, claimed[site], transaction=transaction, edits=len(plan.edits)
                )
            store.mark(connection, transaction, "committed")


def mismatches(plan: SitePlan, shown: Tree) -> list[str]:
    """Return what the device shows otherwise than it was sent, in words."""
    return [
        f"{'/'.join(edit.path)} is {shown.get(edit.path)!r}"
        for edit in plan.edits
        if not took(edit.after, shown.get(edit.path))
    ]


def keep_plan(
    connection: sa.Connection, transaction: str, device: str, plan: SitePlan, shown: Tree
) -> None:
    """Carry what took effect of a plan into the ledger's net effects and ownerships."""
    taken = {edit.path for edit in plan.edits if took(edit.after, shown.get(edit.path))}
    store.keep_effects(connection, transaction, device, plan.site, taken, shown)
    store.keep_ownership(connection, device, plan)
