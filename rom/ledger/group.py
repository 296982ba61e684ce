"""A group commit: several sites' changes in one device transaction, planned, sent and proven.

One read plans all of them. The ledger is written before anything leaves. A site that the device
refuses, or whose values do not take, is found and left out, and the others go on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
import structlog

from adapters.errors import AdapterError, DeviceTimeout, Refused, SessionLost
from adapters.seam import ApplyMode, Capability, Receipt, Session, SiteEdits, SiteOutcome
from device_profiles.fragment import Fragment, merged
from device_profiles.tree import Path, Tree
from rom.ledger import changes, evidence, intents, lease, snapshots, store
from rom.ledger.gate import Gate
from rom.ledger.model import Policy, SitePlan, SiteState
from rom.ledger.outcome import keep_plan, mismatches, named_site, proof_scope
from rom.ledger.plan import own_scope, plan_batch, read_scope
from rom.ledger.snapshots import Sealer, SiteSnapshot, Taken

log = structlog.get_logger(__name__)

Claimed = dict[str, list[sa.Row[Any]]]


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """Limits of the writer; seconds and counts."""

    holder: str
    lease_seconds: int
    confirm_seconds: int
    group_size: int
    retry_seconds: float


@dataclass(frozen=True, slots=True)
class Wish:
    """What a site wants on the device, and what the ledger holds of it there."""

    role: str
    fragments: Mapping[str, Fragment]
    wanted: Fragment
    state: SiteState

    @property
    def own(self) -> tuple[Path, ...]:
        """The topmost paths that are, or are going to be, the site's own."""
        return own_scope(self.wanted, self.state)


class Group:
    """One group of sites on its way onto one device."""

    def __init__(
        self,
        engine: sa.Engine,
        settings: WriterSettings,
        sealer: Sealer,
        gate: Gate | None,
        session: Session,
        device: str,
        epoch: int,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._sealer = sealer
        self._gate = gate
        self._session = session
        self._device = device
        self._epoch = epoch

    def write(self, claimed: Claimed) -> None:
        """Bring the claimed changes' sites onto the device; every change ends settled.

        Raises ``AdapterError`` when the device cannot be talked to any more; what is not settled
        then stays claimed, and an open transaction is for recovery.
        """
        wishes = self._wishes(list(claimed))
        scope = {path for wish in wishes.values() for path in read_scope(wish.wanted, wish.state)}
        present = self._session.read(frozenset(scope))
        plans = plan_batch(
            {site: (wish.wanted, wish.state) for site, wish in wishes.items()},
            present,
            {site: Policy(rows[-1].policy) for site, rows in claimed.items()},
        )
        self._refuse_blocked(plans, claimed)
        self._accept_unchanged(plans, claimed)
        pending = {site: plan for site, plan in plans.items() if plan.edits and not plan.blocking}
        if pending:
            chosen = {site: claimed[site] for site in pending}
            self._send(pending, {site: wishes[site] for site in pending}, chosen, present)

    def _wishes(self, sites: list[str]) -> dict[str, Wish]:
        with self._engine.connect() as connection:
            found = intents.of_sites(connection, self._device, sites)
            wanted = {site: merged(intent.fragments) for site, intent in found.items()}
            roots = {
                site: [item.root for item in fragment.shared] for site, fragment in wanted.items()
            }
            states = store.site_states(connection, self._device, roots)
        return {
            site: Wish(found[site].role, found[site].fragments, wanted[site], states[site])
            for site in sites
        }

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

    def _send(
        self,
        plans: Mapping[str, SitePlan],
        wishes: Mapping[str, Wish],
        claimed: Claimed,
        present: Tree,
    ) -> None:
        transaction = uuid4().hex
        orders = {site: rows[-1].order_id for site, rows in claimed.items()}
        kinds = {row.kind for rows in claimed.values() for row in rows}
        with self._engine.begin() as connection:
            store.open_transaction(
                connection,
                transaction,
                self._device,
                "+".join(sorted(kinds)),
                self._epoch,
                plans.values(),
                orders,
                {site: wish.fragments for site, wish in wishes.items()},
            )
            self._keep_before(connection, transaction, wishes, present, orders)
        log.info("device.transaction", device=self._device, transaction=transaction, orders=orders)
        self._keep_evidence(transaction, "before")
        worked = self._worked(list(plans))
        try:
            receipt = self._session.apply(
                [SiteEdits(site, plan.edits) for site, plan in plans.items()],
                self._mode(transaction),
            )
        except Refused as error:
            self._close(transaction, "reverted", error=str(error))
            named = named_site(plans, error)
            self._divide(plans, claimed, transaction, error.reason, str(error), named)
            return
        except (SessionLost, DeviceTimeout):
            # The outcome is unknown: recovery reads the device before anything else goes to it.
            self._close(transaction, "unknown", error="session lost")
            raise
        except AdapterError as error:
            self._close(transaction, "reverted", error=str(error))
            raise
        self._prove(receipt, plans, wishes, claimed, worked)

    def _worked(self, sites: list[str]) -> object:
        if self._gate is None or Capability.CONFIRMED_COMMIT not in self._session.capabilities:
            return None
        return self._gate.before(self._session, self._device, sites)

    def _keep_before(
        self,
        connection: sa.Connection,
        transaction: str,
        wishes: Mapping[str, Wish],
        present: Tree,
        orders: Mapping[str, str | None],
    ) -> None:
        earlier = snapshots.latest_of_sites(connection, self._sealer, list(wishes), self._device)
        wanted = {site: known.fragments for site, known in earlier.items()}
        self._keep_all(connection, transaction, "before", wishes, wanted, present, orders)

    def _keep_all(
        self,
        connection: sa.Connection,
        transaction: str,
        moment: str,
        wishes: Mapping[str, Wish],
        fragments: Mapping[str, Mapping[str, Fragment]],
        shown: Tree,
        orders: Mapping[str, str | None],
    ) -> None:
        parts = snapshots.by_site(shown, {site: wish.own for site, wish in wishes.items()})
        snapshots.keep_all(
            connection,
            self._sealer,
            device=self._device,
            transaction=transaction,
            moment=moment,
            taken=[
                Taken(
                    site,
                    wish.role,
                    orders[site],
                    SiteSnapshot(fragments.get(site, {}), parts[site]),
                )
                for site, wish in wishes.items()
            ],
        )

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
        reason: str,
        text: str,
        named: str | None,
    ) -> None:
        """Refuse the site that is named, or the only one; of several, try halves by themselves."""
        sites = list(plans)
        culprit = sites[0] if len(sites) == 1 else named
        if culprit is None:
            middle = len(sites) // 2
            for half in (sites[:middle], sites[middle:]):
                self.write({site: claimed[site] for site in half})
            return
        with self._engine.begin() as connection:
            store.settle_site(connection, transaction, culprit, "refused", error=text)
            changes.refuse(
                connection, claimed[culprit], transaction=transaction, reason=reason, error=text
            )
        others = {site: claimed[site] for site in sites if site != culprit}
        if others:
            self.write(others)

    def _prove(
        self,
        receipt: Receipt,
        plans: Mapping[str, SitePlan],
        wishes: Mapping[str, Wish],
        claimed: Claimed,
        worked: object,
    ) -> None:
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
        own = {path for site in applied for path in wishes[site].own}
        shown = self._session.read(proof_scope(applied.values(), own))
        bad = {site for site, plan in applied.items() if mismatches(plan, shown)}
        if bad and receipt.confirming:
            self._take_back(transaction, applied, claimed, bad, shown)
            return
        broken = self._broken(receipt, applied, claimed, worked)
        if broken:
            self._session.cancel(transaction)
            self._close(transaction, "reverted", error=broken)
            self._divide(applied, claimed, transaction, "SERVICE_BROKEN", broken, None)
            return
        if receipt.confirming or Capability.STARTUP in self._session.capabilities:
            self._session.confirm(transaction)
        self._keep(transaction, applied, wishes, claimed, shown, bad)

    def _broken(
        self,
        receipt: Receipt,
        applied: Mapping[str, SitePlan],
        claimed: Claimed,
        worked: object,
    ) -> str:
        """Return what the change has broken, while the device can still go back by itself."""
        if self._gate is None or not receipt.confirming:
            return ""
        found = self._gate.broken(self._session, worked)
        for site in applied:
            if any(row.kind == "modify" for row in claimed[site]):
                found += self._gate.burst(site)
        return "; ".join(found[:5])

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
        wishes: Mapping[str, Wish],
        claimed: Claimed,
        shown: Tree,
        bad: set[str],
    ) -> None:
        kept = {site: wishes[site] for site in applied}
        fragments = {site: wish.fragments for site, wish in kept.items()}
        orders = {site: claimed[site][-1].order_id for site in applied}
        with self._engine.begin() as connection:
            self._keep_all(connection, transaction, "after", kept, fragments, shown, orders)
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
        log.info("device.committed", device=self._device, transaction=transaction, orders=orders)
        self._keep_evidence(transaction, "after")

    def _keep_evidence(self, transaction: str, moment: str) -> None:
        evidence.keep(
            self._engine,
            self._sealer,
            self._session,
            device=self._device,
            transaction=transaction,
            moment=moment,
        )
