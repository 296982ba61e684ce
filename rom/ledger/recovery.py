"""Open transactions: what a crash or a lost session left is resolved by reading, never resent."""

from typing import Any

import sqlalchemy as sa
import structlog

from adapters.errors import AdapterError
from adapters.seam import Session
from device_profiles.fragment import Fragment
from device_profiles.tree import Path
from rom.ledger import store
from rom.ledger.model import SitePlan
from rom.ledger.plan import took
from rom.store.codec import edits_from_json, fragment_from_json
from rom.store.tables import change, device_txn, txn_site

log = structlog.get_logger()


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


def resolve(engine: sa.Engine, session: Session, device: str, transaction: str) -> set[str]:
    """Find out by reading what became of a transaction, and settle the ledger accordingly.

    What has arrived is kept as the site's effect; an armed confirmed commit is confirmed when all
    of it is there. Whatever is missing is planned again from the present state, which is safe
    because edits merge. Returns the sites concerned.
    """
    with engine.connect() as connection:
        state = connection.scalar(
            sa.select(device_txn.c.state).where(device_txn.c.id == transaction)
        )
        plans = _plans(connection, transaction)
    shown = session.read(frozenset(edit.path for plan in plans for edit in plan.edits))
    arrived = {
        plan.site: {e.path for e in plan.edits if took(e.after, shown.get(e.path))}
        for plan in plans
    }
    complete = all(len(arrived[plan.site]) == len(plan.edits) for plan in plans)
    if complete and state != "planned":
        _confirm_if_armed(session, transaction)
    log.warning("device.recovered", device=device, txn=transaction, complete=complete)
    with engine.begin() as connection:
        for plan in plans:
            if state != "planned" and arrived[plan.site]:
                store.keep_effects(
                    connection, transaction, device, plan.site, arrived[plan.site], shown
                )
                if len(arrived[plan.site]) == len(plan.edits):
                    store.keep_ownership(connection, device, plan)
            store.settle_site(connection, transaction, plan.site, "recovered")
        outcome = "committed" if complete and state != "planned" else "reverted"
        store.mark(connection, transaction, outcome, error="resolved by reading")
        connection.execute(
            sa.update(change)
            .where(change.c.device == device, change.c.state == "claimed")
            .values(state="waiting", transaction=None)
        )
    return {plan.site for plan in plans}


def _confirm_if_armed(session: Session, transaction: str) -> None:
    try:
        session.confirm(transaction)
    except AdapterError as error:
        # Confirmed before we died, or no window was open: either way there is nothing to confirm.
        log.info("device.nothing_to_confirm", txn=transaction, error=str(error))


def _plans(connection: sa.Connection, transaction: str) -> list[SitePlan]:
    rows = connection.execute(
        sa.select(txn_site).where(txn_site.c.txn == transaction, txn_site.c.outcome == "planned")
    )
    return [_plan_from_json(row.site, row.plan) for row in rows]


def _plan_from_json(site: str, document: dict[str, Any]) -> SitePlan:
    wanted: Fragment = fragment_from_json(document["wanted"])
    created: list[Path] = [tuple(root) for root in document["created"]]
    return SitePlan(
        site,
        wanted,
        edits_from_json(document["edits"]),
        claims=wanted.shared,
        created=frozenset(created),
        released=tuple(tuple(root) for root in document["released"]),
    )
