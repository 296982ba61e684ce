"""Open transactions: what a crash or a lost session left is resolved by reading, never resent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
import structlog

from adapters.errors import Refused
from adapters.seam import Capability, Session
from device_profiles.fragment import Fragment, merged
from device_profiles.tree import Path, Tree, in_scope
from rom.ledger import changes, intents, snapshots, store
from rom.ledger.gate import Gate, verdict
from rom.ledger.model import Policy, SitePlan
from rom.ledger.outcome import keep_plans
from rom.ledger.plan import own_scope, took
from rom.ledger.snapshots import Sealer, SiteSnapshot
from rom.store.codec import edits_from_json, fragment_from_json
from rom.store.tables import device_txn, txn_site

log = structlog.get_logger(__name__)


def open_transactions(connection: sa.Connection, device: str) -> list[sa.Row[Any]]:
    """Return the device's transactions whose outcome is not known, oldest first, with one site."""
    return list(
        connection.execute(
            sa.select(device_txn.c.id, sa.func.min(txn_site.c.site).label("site"))
            .join(txn_site, txn_site.c.txn == device_txn.c.id)
            .where(device_txn.c.device == device, device_txn.c.state.in_(store.OPEN_STATES))
            .group_by(device_txn.c.id)
            .order_by(device_txn.c.started_at)
        )
    )


def resolve(
    engine: sa.Engine,
    sealer: Sealer,
    gate: Gate | None,
    session: Session,
    device: str,
    transaction: str,
) -> set[str]:
    """Find out by reading what became of a transaction, and settle the ledger accordingly.

    Every site's part there as a whole, or not at all because the device had refused it, and what
    had worked before works: an armed confirmed commit is confirmed. Otherwise an armed one is
    taken back, and what is there nevertheless is kept as the sites' effect. Whatever is missing is
    planned again from the present state, which is safe because edits merge. Returns the sites
    concerned.
    """
    with engine.connect() as connection:
        row = connection.execute(sa.select(device_txn).where(device_txn.c.id == transaction)).one()
        parts = _parts(connection, transaction)
        roots = {part.plan.site: [item.root for item in part.plan.claims] for part in parts}
        states = store.site_states(connection, device, roots)
    scopes = {part.plan.site: own_scope(part.plan.wanted, states[part.plan.site]) for part in parts}
    scope = {edit.path for part in parts for edit in part.plan.edits}.union(*scopes.values())
    plans = [part.plan for part in parts]
    shown = session.read(frozenset(scope))
    may_have_left = row.state != "planned"
    if may_have_left and not _settled(gate, session, row, plans, shown):
        shown = session.read(frozenset(scope))
    arrived = [part for part in parts if may_have_left and _complete(part.plan, shown)]
    log.warning("device.recovered", device=device, transaction=transaction, arrived=len(arrived))
    with engine.begin() as connection:
        if may_have_left:
            kept = [_arrived(part.plan, shown) for part in parts]
            keep_plans(connection, transaction, device, kept, shown)
        for part in parts:
            store.settle_site(connection, transaction, part.plan.site, "recovered")
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
                moment="after",
                order_id=part.order_id,
                content=SiteSnapshot(part.fragments, in_scope(shown, scopes[site])),
            )
        outcome = "committed" if arrived else "reverted"
        store.mark(connection, transaction, outcome, error="resolved by reading")
        changes.reclaim(connection, device)
    return {plan.site for plan in plans}


def _complete(plan: SitePlan, shown: Tree) -> bool:
    return all(took(edit.after, shown.get(edit.path)) for edit in plan.edits)


def _absent(plan: SitePlan, shown: Tree) -> bool:
    return all(shown.get(edit.path) == edit.before for edit in plan.edits)


def _settled(
    gate: Gate | None, session: Session, row: sa.Row[Any], plans: list[SitePlan], shown: Tree
) -> bool:
    """End a confirmed commit that may be armed; tells whether what was read still holds."""
    transaction = row.id
    arrived = [plan for plan in plans if _complete(plan, shown)]
    whole = arrived and all(plan in arrived or _absent(plan, shown) for plan in plans)
    if Capability.CONFIRMED_COMMIT not in session.capabilities:
        if arrived and Capability.STARTUP in session.capabilities:
            session.confirm(transaction)
        return True
    keeps = whole and not _broken(gate, session, row, arrived)
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


def _broken(gate: Gate | None, session: Session, row: sa.Row[Any], arrived: list[SitePlan]) -> str:
    """Return what no longer works, while the device may still go back."""
    modified = [plan.site for plan in arrived if "modify" in row.kind.split("+")]
    found = verdict(gate, session, row.worked, modified)
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


@dataclass(frozen=True, slots=True)
class _Part:
    plan: SitePlan
    fragments: Mapping[str, Fragment]
    order_id: str | None


def _parts(connection: sa.Connection, transaction: str) -> list[_Part]:
    rows = connection.execute(
        sa.select(txn_site).where(txn_site.c.txn == transaction, txn_site.c.outcome == "planned")
    )
    return [_part_from_json(row) for row in rows]


def _part_from_json(row: sa.Row[Any]) -> _Part:
    document = row.plan
    fragments = {key: fragment_from_json(each) for key, each in document["fragments"]}
    wanted = merged(fragments)
    created: list[Path] = [tuple(root) for root in document["created"]]
    plan = SitePlan(
        row.site,
        wanted,
        edits_from_json(document["edits"]),
        claims=wanted.shared,
        created=frozenset(created),
        released=tuple(tuple(root) for root in document["released"]),
        orphaned=tuple(tuple(root) for root in document["orphaned"]),
        lapsed=tuple(tuple(path) for path in document["lapsed"]),
        relinked=tuple((tuple(path), writer) for path, writer in document["relinked"]),
        overtaken=tuple((tuple(path), writer) for path, writer in document["overtaken"]),
        policy=Policy(document["policy"]),
    )
    return _Part(plan, fragments, row.order_id)
