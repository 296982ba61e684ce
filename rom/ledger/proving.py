"""After the commit: read back, compare, check the services, then confirm it or take it back."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

import structlog

from adapters.errors import Refused, SessionLost
from adapters.seam import Capability, Receipt, Session, SiteOutcome
from device_profiles.tree import Tree
from rom.ledger import evidence
from rom.ledger.attempt import Attempt
from rom.ledger.outcome import keep_plans, mismatches, proof_scope
from rom.ledger.service_check import ServiceCheck, verdict
from rom.model.change import ChangeKind
from rom.model.plan import SitePlan
from rom.model.reason import Reason
from rom.model.snapshot import Moment, Sealer
from rom.model.transaction import SiteOutcome as PartOutcome
from rom.model.transaction import TransactionState
from rom.model.verdict import Outcome
from rom.store import changes, leases, transactions
from rom.store.database import Connection, Engine

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What is left to do after a transaction that the device took at least in part."""

    again: tuple[str, ...] = ()
    """Sites to write once more, by themselves or without those that spoilt it."""
    broken: str = ""
    """What the transaction has broken, in words; it was taken back, nothing is settled."""
    applied: tuple[str, ...] = ()


class Proof:
    """Settles what a device transaction has come to."""

    def __init__(
        self,
        engine: Engine,
        sealer: Sealer,
        service_check: ServiceCheck | None,
        session: Session,
        epoch: int,
    ) -> None:
        self._engine = engine
        self._epoch = epoch
        self._sealer = sealer
        self._service_check = service_check
        self._session = session

    def settle(self, attempt: Attempt, receipt: Receipt) -> Aftermath:
        """Prove every applied site and settle its changes.

        Raises ``AdapterError``, and ``FencedOff`` when the device is another writer's by now: what
        could still go back then does.
        """
        try:
            return self._settled(attempt, receipt)
        except leases.FencedOff:
            if receipt.confirming:
                # Nothing is in the window any more where the other writer has ended it.
                with suppress(Refused):
                    self._session.cancel(attempt.transaction)
            raise

    def _settled(self, attempt: Attempt, receipt: Receipt) -> Aftermath:
        applied, idle = self._keep_receipt(attempt, receipt)
        if not applied:
            return Aftermath(idle)
        own = {path for site in applied for path in attempt.wishes[site].own}
        shown = self._session.read(proof_scope(applied.values(), own))
        bad = {site for site, plan in applied.items() if mismatches(plan, shown)}
        if bad and receipt.confirming:
            self._take_back(attempt, applied, bad, shown)
            return Aftermath((*(site for site in applied if site not in bad), *idle))
        broken = self._broken(attempt, receipt, applied)
        if broken:
            self._return(attempt, broken)
            return Aftermath(idle, broken, tuple(applied))
        if receipt.confirming or Capability.STARTUP in self._session.capabilities:
            self._confirm(attempt)
        spoilt = self._keep(attempt, applied, shown, bad)
        return Aftermath((*spoilt, *idle))

    def _keep_receipt(
        self, attempt: Attempt, receipt: Receipt
    ) -> tuple[dict[str, SitePlan], tuple[str, ...]]:
        """Settle the refused; return the applied sites' plans, and who was not tried."""
        by_outcome: dict[SiteOutcome, list[str]] = {outcome: [] for outcome in SiteOutcome}
        with leases.under(self._engine, attempt.device, self._epoch) as connection:
            for part in receipt.sites:
                by_outcome[part.outcome].append(part.site)
                if part.outcome is SiteOutcome.REFUSED:
                    attempt.refuse(connection, part.site, Reason.DEVICE_REFUSED, part.error)
                elif part.outcome is SiteOutcome.NOT_TRIED:
                    transactions.settle_site(
                        connection, attempt.transaction, part.site, PartOutcome.NOT_TRIED
                    )
            applied = {site: attempt.plans[site] for site in by_outcome[SiteOutcome.APPLIED]}
            state = TransactionState.CONFIRMING if receipt.confirming else TransactionState.SENT
            transactions.mark(
                connection,
                attempt.transaction,
                state if applied else TransactionState.REVERTED,
                sent=receipt.sent,
            )
        return applied, tuple(by_outcome[SiteOutcome.NOT_TRIED])

    def _broken(self, attempt: Attempt, receipt: Receipt, applied: Mapping[str, SitePlan]) -> str:
        """Return what the change has broken, while the device can still go back by itself."""
        if not receipt.confirming:
            return ""
        modified = [
            site
            for site in applied
            if any(row.kind is ChangeKind.MODIFY for row in attempt.claimed[site])
        ]
        return verdict(self._service_check, self._session, attempt.worked, modified)

    def _take_back(
        self,
        attempt: Attempt,
        applied: Mapping[str, SitePlan],
        bad: Collection[str],
        shown: Tree,
    ) -> None:
        """A site's values did not take: the device returns, and the good sites go again."""
        self._return(attempt, "read-back mismatch")
        with leases.under(self._engine, attempt.device, self._epoch) as connection:
            for site in bad:
                self._fail(connection, attempt, applied[site], shown)

    def _confirm(self, attempt: Attempt) -> None:
        """Make it permanent, and save it; raises ``FencedOff`` when the device is another's by now.

        What an overtaken writer saved would be what the other one has not proven yet.
        """
        leases.ensure(self._engine, attempt.device, self._epoch)
        try:
            self._session.confirm(attempt.transaction)
        except Refused as error:
            self._lapsed(attempt, error)

    def _return(self, attempt: Attempt, reason: str) -> None:
        """Let the device return to what it held before."""
        try:
            self._session.cancel(attempt.transaction)
        except Refused as error:
            self._lapsed(attempt, error)
        self.close(attempt, TransactionState.REVERTED, reason)

    def _lapsed(self, attempt: Attempt, error: Refused) -> NoReturn:
        """The window had closed before its time: only reading tells what the device holds."""
        self.close(attempt, TransactionState.UNKNOWN, str(error))
        raise SessionLost(
            f"the confirmed commit's window was gone: {error.message}",
            device=attempt.device,
            outcome_unknown=True,
        ) from error

    def _fail(self, connection: Connection, attempt: Attempt, plan: SitePlan, shown: Tree) -> None:
        error = "device did not take: " + "; ".join(mismatches(plan, shown)[:5])
        transaction = attempt.transaction
        transactions.settle_site(
            connection,
            transaction,
            plan.site,
            PartOutcome.APPLIED,
            verdict=Outcome.FAILED,
            error=error,
        )
        changes.refuse(
            connection,
            attempt.claimed[plan.site],
            transaction=transaction,
            reason=Reason.READ_BACK_MISMATCH,
            error=error,
        )

    def _keep(
        self,
        attempt: Attempt,
        applied: Mapping[str, SitePlan],
        shown: Tree,
        bad: Collection[str],
    ) -> list[str]:
        """Carry what is on the device into the ledger; return the sites that others have spoilt."""
        transaction = attempt.transaction
        fragments = {site: attempt.wishes[site].fragments for site in applied}
        spoilt = [site for site, plan in applied.items() if plan.relies & set(bad)]
        with leases.under(self._engine, attempt.device, self._epoch) as connection:
            attempt.keep_snapshots(
                connection, self._sealer, Moment.AFTER, list(applied), fragments, shown
            )
            keep_plans(connection, transaction, attempt.device, applied.values(), shown)
            for site, plan in applied.items():
                if site in bad:
                    self._fail(connection, attempt, plan, shown)
                    continue
                transactions.settle_site(
                    connection, transaction, site, PartOutcome.APPLIED, verdict=Outcome.VERIFIED
                )
                if site not in spoilt:
                    changes.finish(
                        connection,
                        attempt.claimed[site],
                        transaction=transaction,
                        edits=len(plan.edits),
                        kept=plan.kept,
                    )
            transactions.mark(connection, transaction, TransactionState.COMMITTED)
        log.info(
            "device.committed",
            device=attempt.device,
            transaction=transaction,
            orders={site: attempt.orders[site] for site in applied},
        )
        self.keep_evidence(attempt, Moment.AFTER)
        return [site for site in spoilt if site not in bad]

    def close(self, attempt: Attempt, state: TransactionState, error: str) -> None:
        """Write how the transaction ended."""
        with leases.under(self._engine, attempt.device, self._epoch) as connection:
            transactions.mark(connection, attempt.transaction, state, error=error)

    def keep_evidence(self, attempt: Attempt, moment: Moment) -> None:
        """Store what the device shows of the sites and neighbours; raises ``AdapterError``."""
        evidence.keep(self._engine, self._sealer, self._session, attempt, moment)
