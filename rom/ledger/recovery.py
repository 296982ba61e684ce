"""Open transactions: what a crash or a lost session left is resolved by reading, never resent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
import structlog

from adapters.errors import AdapterError
from adapters.seam import Capability, Session
from device_profiles.fragment import Fragment, merged
from device_profiles.tree import Path, Tree, in_scope
from rom.ledger import changes, intents, snapshots, store
from rom.ledger.model import Policy, SitePlan
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
    engine: sa.Engine, sealer: Sealer, session: Session, device: str, transaction: str
) -> set[str]:
    """Find out by reading what became of a transaction, and settle the ledger accordingly.

    All there: an armed confirmed commit is confirmed. Not all: an armed one is taken back, and
    what is there nevertheless is kept as the sites' effect. Whatever is missing is planned again
    from the present state, which is safe because edits merge. Returns the sites concerned.
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
    if row.state != "planned" and not _settled(session, transaction, plans, shown):
        shown = session.read(frozenset(scope))
    complete = row.state != "planned" and _complete(plans, shown)
    log.warning(
        "device.recovered",
        device=device,
        transaction=transaction,
        complete=complete,
        orders={part.plan.site: part.order_id for part in parts},
    )
    with engine.begin() as connection:
        for part in parts:
            site = part.plan.site
            if row.state != "planned":
                _keep_arrived(connection, transaction, device, part.plan, shown)
            if complete:
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
            store.settle_site(connection, transaction, site, "recovered")
        outcome = "committed" if complete else "reverted"
        store.mark(connection, transaction, outcome, error="resolved by reading")
        changes.reclaim(connection, device)
    return {plan.site for plan in plans}


def _complete(plans: list[SitePlan], shown: Tree) -> bool:
    return all(took(e.after, shown.get(e.path)) for plan in plans for e in plan.edits)


def _settled(session: Session, transaction: str, plans: list[SitePlan], shown: Tree) -> bool:
    """End a confirmed commit that may be armed; tells whether what was read still holds."""
    if Capability.CONFIRMED_COMMIT not in session.capabilities:
        return True
    complete = _complete(plans, shown)
    try:
        if complete:
            session.confirm(transaction)
        else:
            session.cancel(transaction)
    except AdapterError as error:
        # No window was open any more: what the device holds now is what counts.
        log.info("device.nothing_armed", transaction=transaction, error=str(error))
        return False
    return complete


def _keep_arrived(
    connection: sa.Connection, transaction: str, device: str, plan: SitePlan, shown: Tree
) -> None:
    arrived = {edit.path for edit in plan.edits if took(edit.after, shown.get(edit.path))}
    store.keep_effects(connection, transaction, device, plan.site, arrived, shown)
    if len(arrived) == len(plan.edits):
        store.keep_ownership(connection, device, plan)


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
        policy=Policy(document["policy"]),
    )
    return _Part(plan, fragments, row.order_id)
