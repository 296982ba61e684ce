"""A group commit: several sites' changes in one device transaction, planned, sent and proven.

One read plans all of them. The ledger is written before anything leaves. A site that the device
refuses, or whose values do not take, is found and left out, and the others go on.
"""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from uuid import uuid4

import structlog

from adapters.errors import AdapterError, DeviceTimeout, Refused, SessionLost
from adapters.seam import ApplyMode, Capability, Session, SiteEdits
from device_profiles.fragment import merged
from device_profiles.tree import SECRET_PREFIX, Path, Tree
from rom.ledger import evidence
from rom.ledger.attempt import Attempt, Claimed, Wish
from rom.ledger.batch import plan_batch
from rom.ledger.outcome import keep_plans, named_site
from rom.ledger.plan import leaving, read_scope
from rom.ledger.proving import Proof
from rom.ledger.service_check import ServiceCheck
from rom.metrics.work import working
from rom.model.plan import SitePlan
from rom.model.reason import Reason
from rom.model.snapshot import Moment, Sealer
from rom.model.transaction import SiteOutcome as PartOutcome
from rom.model.transaction import TransactionState, Worked
from rom.model.verdict import Outcome
from rom.store import changes, effects, intents, leases, snapshots, transactions
from rom.store.database import Connection, Engine

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """Limits of the writer; seconds and counts."""

    holder: str
    lease_seconds: int
    confirm_seconds: int
    group_size: int
    retry_seconds: float


class Group:
    """One group of sites on its way onto one device."""

    def __init__(
        self,
        engine: Engine,
        settings: WriterSettings,
        sealer: Sealer,
        service_check: ServiceCheck | None,
        session: Session,
        device: str,
        epoch: int,
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._sealer = sealer
        self._service_check = service_check
        self._session = session
        self._device = device
        self._epoch = epoch
        self._proof = Proof(engine, sealer, service_check, session, epoch)
        self._held: set[Path] = set()  # shared objects that the device has not let go

    def write(self, claimed: Claimed) -> None:
        """Bring the claimed changes' sites onto the device; every change ends settled.

        Raises ``AdapterError`` when the device cannot be talked to any more; what is not settled
        then stays claimed, and an open transaction is for recovery.
        """
        wishes: Mapping[str, Wish] = self._wishes(list(claimed))
        scope = {path for wish in wishes.values() for path in read_scope(wish.wanted, wish.state)}
        present = self._session.read(frozenset(scope))
        wishes, present = self._with_users(wishes, present)
        plans = plan_batch(
            {site: (wish.wanted, wish.state) for site, wish in wishes.items()},
            present,
            {site: rows[-1].policy for site, rows in claimed.items()},
        )
        self._refuse_blocked(plans, claimed)
        pending = {
            site: plan
            for site, plan in plans.items()
            if (plan.edits or plan.relies) and not plan.blocking
        }
        unchanged = {
            site: plan for site, plan in plans.items() if not plan.blocking and site not in pending
        }
        if unchanged:
            self._accept_unchanged(self._attempt(unchanged, wishes, claimed), present)
        if pending:
            self._send(self._attempt(pending, wishes, claimed), present)
        self._again([site for site in claimed if site not in plans], claimed)

    def _fenced(self) -> AbstractContextManager[Connection]:
        """A transaction in which the device is ours, or ``FencedOff``."""
        return leases.under(self._engine, self._device, self._epoch)

    def _again(self, sites: Collection[str], claimed: Claimed) -> None:
        if sites:
            self.write({site: claimed[site] for site in sites})

    def _wishes(self, sites: list[str]) -> dict[str, Wish]:
        with self._engine.connect() as connection:
            found = intents.of_sites(connection, self._device, sites)
            wanted = {site: merged(intent.fragments) for site, intent in found.items()}
            roots = {
                site: [item.root for item in fragment.shared] for site, fragment in wanted.items()
            }
            states = effects.site_states(connection, self._device, roots)
        held = {site: state.holding(self._held) for site, state in states.items()}
        return {
            site: Wish(found[site].role, found[site].fragments, wanted[site], held[site])
            for site in sites
        }

    def _with_users(
        self, wishes: Mapping[str, Wish], present: Tree
    ) -> tuple[Mapping[str, Wish], Tree]:
        """Find out who else uses what the sites are about to leave; part of the device as well."""
        left = {site: leaving(wish.wanted, wish.state) for site, wish in wishes.items()}
        users = self._session.users(frozenset().union(*left.values()))
        if not users:
            return wishes, present
        found = {
            site: replace(wish, state=wish.state.used_by(users, left[site]))
            for site, wish in wishes.items()
        }
        return found, dict(present) | {p: v for used in users.values() for p, v in used.items()}

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
            with self._fenced() as connection:
                changes.refuse(
                    connection, claimed[site], transaction=None, reason=reason, error=error
                )

    def _attempt(
        self, plans: Mapping[str, SitePlan], wishes: Mapping[str, Wish], claimed: Claimed
    ) -> Attempt:
        return Attempt(uuid4().hex, self._device, plans, wishes, claimed)

    def _accept_unchanged(self, attempt: Attempt, present: Tree) -> None:
        """Nothing to send: only ownership, and what the sites want, may be another from now on."""
        plans = attempt.plans.values()
        with self._fenced() as connection:
            keep_plans(connection, attempt.transaction, self._device, plans, present)
            for site, plan in attempt.plans.items():
                rows = attempt.claimed[site]
                changes.finish(connection, rows, transaction=None, kept=plan.kept)
            known = snapshots.latest_of_sites(
                connection, self._sealer, list(attempt.plans), self._device
            )
            wanted = {site: attempt.wishes[site].fragments for site in attempt.plans}
            before = {site: known[site].fragments if site in known else {} for site in wanted}
            other = {s: plan for s, plan in attempt.plans.items() if wanted[s] != before[s]}
            if other:
                noted = replace(attempt, plans=other)
                noted.open(connection, self._sealer, self._epoch, present)
                noted.keep_snapshots(
                    connection, self._sealer, Moment.AFTER, list(other), wanted, present
                )
                for site in other:
                    transactions.settle_site(
                        connection,
                        noted.transaction,
                        site,
                        PartOutcome.UNCHANGED,
                        verdict=Outcome.VERIFIED,
                    )
                transactions.mark(connection, noted.transaction, TransactionState.COMMITTED)

    def _send(self, attempt: Attempt, present: Tree) -> None:
        with working(
            "device transaction",
            device=self._device,
            transaction=attempt.transaction,
            site=list(attempt.plans),
            order_id=set(filter(None, attempt.orders.values())),
        ):
            self._transact(attempt, present)

    def _transact(self, attempt: Attempt, present: Tree) -> None:
        with self._fenced() as connection:
            attempt.open(connection, self._sealer, self._epoch, present)
        sites = list(attempt.plans)
        log.info("device.transaction", orders=attempt.orders)
        attempt = replace(attempt, evident=evidence.scope(self._engine, self._session, attempt))
        self._proof.keep_evidence(attempt, Moment.BEFORE)
        attempt = replace(attempt, worked=_apart_from(self._worked(sites), attempt.plans))
        try:
            receipt = self._session.apply(
                [SiteEdits(site, plan.edits) for site, plan in attempt.plans.items()],
                self._mode(attempt),
            )
        except Refused as error:
            self._proof.close(attempt, TransactionState.REVERTED, str(error))
            named = named_site(attempt.plans, error)
            self._divide(attempt, sites, error.reason, error.message, named)
            return
        except (SessionLost, DeviceTimeout):
            # The outcome is unknown: recovery reads the device before anything else goes to it.
            self._proof.close(attempt, TransactionState.UNKNOWN, "session lost")
            raise
        except AdapterError as error:
            self._proof.close(attempt, TransactionState.REVERTED, str(error))
            if error.retry:
                raise
            # One site's edits cannot even be sent, for want of a secret for example.
            self._divide(attempt, sites, error.reason, error.message, None)
            return
        left = self._proof.settle(attempt, receipt)
        if left.broken:
            self._divide(attempt, left.applied, Reason.SERVICE_BROKEN, left.broken, None)
        self._again(left.again, attempt.claimed)

    def _worked(self, sites: list[str]) -> Worked:
        if (
            self._service_check is None
            or Capability.CONFIRMED_COMMIT not in self._session.capabilities
        ):
            return None
        return self._service_check.before(self._session, self._device, sites)

    def _mode(self, attempt: Attempt) -> ApplyMode:
        # With a window the device returns by itself; where it cannot, it is saved after proof only.
        two_steps = {Capability.CONFIRMED_COMMIT, Capability.STARTUP} & self._session.capabilities
        return ApplyMode(
            attempt.transaction,
            confirm_within=self._settings.confirm_seconds if two_steps else None,
            before_commit=partial(
                transactions.mark_sent,
                self._engine,
                attempt.transaction,
                self._device,
                self._epoch,
                attempt.worked,
            ),
            relies={site: plan.relies for site, plan in attempt.plans.items() if plan.relies},
        )

    def _divide(
        self,
        attempt: Attempt,
        sites: Collection[str],
        reason: str,
        text: str,
        named: str | None,
    ) -> None:
        """Refuse the site that is named, or the only one; of several, try halves by themselves."""
        ordered = list(sites)
        culprit = ordered[0] if len(ordered) == 1 else named
        if culprit is None:
            middle = len(ordered) // 2
            self._again(ordered[:middle], attempt.claimed)
            self._again(ordered[middle:], attempt.claimed)
            return
        plan = attempt.plans[culprit]
        shared = plan.dropped.intersection(plan.released)
        if shared:  # perhaps somebody outside uses what would go with its last owner
            self._held |= shared
            self._again(ordered, attempt.claimed)
            return
        with self._fenced() as connection:
            attempt.refuse(connection, culprit, reason, text)
        self._again([site for site in ordered if site != culprit], attempt.claimed)


def _apart_from(worked: Worked, plans: Mapping[str, SitePlan]) -> Worked:
    """Leave out what cannot work before its other end has the same new secret."""
    rekeyed = {
        f"{site}: {step}"
        for site, plan in plans.items()
        for edit in plan.edits
        if edit.before is not None and (edit.after or "").startswith(SECRET_PREFIX)
        for step in edit.path
    }
    if not worked or not rekeyed:
        return worked
    return {name: found for name, found in worked.items() if name not in rekeyed}
