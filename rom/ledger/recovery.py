"""Open transactions: what a crash or a lost session left is resolved by reading, never resent."""

from dataclasses import replace

import structlog

from adapters.errors import Refused
from adapters.seam import Capability, Session
from device_profiles.tree import Tree, in_scope
from rom.ledger.outcome import keep_plans
from rom.ledger.plan import own_scope
from rom.ledger.service_check import ServiceCheck, verdict
from rom.ledger.values import took
from rom.model.change import ChangeKind
from rom.model.plan import SitePlan
from rom.model.snapshot import Moment, Sealer, SiteSnapshot
from rom.model.transaction import DeviceTransaction, SiteOutcome, TransactionState
from rom.store import effects, intents, leases, snapshots, transactions
from rom.store.database import Engine

log = structlog.get_logger(__name__)


def resolve(
    engine: Engine,
    sealer: Sealer,
    service_check: ServiceCheck | None,
    session: Session,
    device: str,
    epoch: int,
    transaction: str,
) -> set[str]:
    """Find out by reading what became of a transaction, and settle the ledger accordingly.

    Every site's part there as a whole, or not at all because the device had refused it, and what
    had worked before works: an armed confirmed commit is confirmed. Otherwise an armed one is
    taken back, and what is there nevertheless is kept as the sites' effect. What has arrived is
    saved, also where no window was open any more. Whatever is missing is planned again from the
    present state, which is safe because edits merge. Returns the sites concerned. Raises
    ``FencedOff`` when the device has passed to another writer.
    """
    with engine.connect() as connection:
        row = transactions.find(connection, transaction)
        parts = transactions.parts(connection, transaction)
        roots = {part.plan.site: [item.root for item in part.plan.claims] for part in parts}
        states = effects.site_states(connection, device, roots)
    scopes = {part.plan.site: own_scope(part.plan.wanted, states[part.plan.site]) for part in parts}
    scope = {edit.path for part in parts for edit in part.plan.edits}.union(*scopes.values())
    plans = [part.plan for part in parts]
    shown = session.read(frozenset(scope))
    may_have_left = row.state is not TransactionState.PLANNED
    if may_have_left and not _settled(service_check, session, row, plans, shown):
        shown = session.read(frozenset(scope))
    arrived = [part for part in parts if may_have_left and _complete(part.plan, shown)]
    if arrived:
        # Whatever ended the window: what stays has to outlive the device's restart.
        leases.ensure(engine, device, epoch)
        session.save()
    log.warning("device.recovered", device=device, transaction=transaction, arrived=len(arrived))
    with leases.under(engine, device, epoch) as connection:
        if may_have_left:
            kept = [_arrived(part.plan, shown) for part in parts]
            keep_plans(connection, transaction, device, kept, shown)
        for part in parts:
            transactions.settle_site(connection, transaction, part.plan.site, SiteOutcome.RECOVERED)
        for part in arrived:
            site = part.plan.site
            role = intents.of_sites(connection, device, [site])[site].role
            snapshots.keep(
                connection,
                sealer,
                site=site,
                device=device,
                role=role,
                transaction=transaction,
                moment=Moment.AFTER,
                order_id=part.order_id,
                content=SiteSnapshot(part.fragments, in_scope(shown, scopes[site])),
            )
        outcome = TransactionState.COMMITTED if arrived else TransactionState.REVERTED
        transactions.mark(connection, transaction, outcome, error="resolved by reading")
    return {plan.site for plan in plans}


def _complete(plan: SitePlan, shown: Tree) -> bool:
    return all(took(edit.after, shown.get(edit.path)) for edit in plan.edits)


def _absent(plan: SitePlan, shown: Tree) -> bool:
    return all(shown.get(edit.path) == edit.before for edit in plan.edits)


def _settled(
    service_check: ServiceCheck | None,
    session: Session,
    row: DeviceTransaction,
    plans: list[SitePlan],
    shown: Tree,
) -> bool:
    """End a confirmed commit that may be armed; tells whether what was read still holds."""
    transaction = row.id
    arrived = [plan for plan in plans if _complete(plan, shown)]
    whole = arrived and all(plan in arrived or _absent(plan, shown) for plan in plans)
    if Capability.CONFIRMED_COMMIT not in session.capabilities:
        return True
    # Without persist only the session that made it could confirm, and that one is gone: what the
    # device shows may still go back, so it is made sure that nothing is under way, and read anew.
    confirmable = Capability.PERSIST in session.capabilities
    keeps = confirmable and whole and not _broken(service_check, session, row, arrived)
    try:
        if keeps:
            session.confirm(transaction)
        else:
            session.cancel(transaction)
    except Refused as error:
        # No window was open any more: what the device holds now is what counts.
        log.info("device.nothing_armed", transaction=transaction, error=str(error))
        return False
    return bool(keeps)


def _broken(
    service_check: ServiceCheck | None,
    session: Session,
    row: DeviceTransaction,
    arrived: list[SitePlan],
) -> str:
    """Return what no longer works, while the device may still go back."""
    modified = [plan.site for plan in arrived if ChangeKind.MODIFY in row.kinds]
    found = verdict(service_check, session, row.worked, modified)
    if found:
        log.warning("device.recovered_broken", transaction=row.id, broken=found)
    return found


def _arrived(plan: SitePlan, shown: Tree) -> SitePlan:
    """Return the plan without what does not hold while only a part of it has arrived."""
    if _complete(plan, shown):
        return plan
    # What the site brought for others as well is remembered as ours, or nobody would remove it.
    brought = tuple(
        item
        for item in plan.claims
        if item.root in plan.created and took(item.tree[item.root], shown.get(item.root))
    )
    return replace(plan, claims=brought, released=(), lapsed=(), relinked=())
