"""Device transactions in PostgreSQL: what is written before, at and after a commit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, distinct_on

from device_profiles.fragment import Fragment, merged
from device_profiles.tree import Path
from rom.model.change import ChangeKind, Policy
from rom.model.order import Item
from rom.model.plan import SitePlan
from rom.model.transaction import (
    TRANSACTION_LIFE,
    DeviceTransaction,
    OpenTransaction,
    SiteOutcome,
    TransactionPart,
    TransactionState,
    Worked,
)
from rom.model.verdict import Outcome
from rom.store import leases
from rom.store.codec import edits_from_json, edits_to_json, fragment_from_json, fragment_to_json
from rom.store.tables import device_txn, effect, resource_order, txn_site

# One statement for a group's thousands of effects; they are numbered in the order of the rows.
_INSERT_EFFECTS = sa.text(
    """
    INSERT INTO effect (txn, device, site, path, before, intended)
    SELECT :txn, :device, site, ARRAY(SELECT jsonb_array_elements_text(path)), before, intended
    FROM jsonb_to_recordset(:rows) AS planned (site text, path jsonb, before text, intended text)
    """
).bindparams(sa.bindparam("rows", type_=JSONB))


def open_transaction(
    connection: sa.Connection,
    transaction: str,
    device: str,
    kinds: Iterable[ChangeKind],
    epoch: int,
    plans: Iterable[SitePlan],
    orders: Mapping[str, str | None],
    fragments: Mapping[str, Mapping[str, Fragment]],
) -> None:
    """Write the transaction as planned, with every effect it is going to have."""
    plans = list(plans)
    connection.execute(
        sa.insert(device_txn).values(
            id=transaction,
            device=device,
            kind="+".join(sorted(kinds)),
            state=TransactionState.PLANNED,
            epoch=epoch,
        )
    )
    connection.execute(
        sa.insert(txn_site),
        [
            {
                "txn": transaction,
                "site": plan.site,
                "order_id": orders.get(plan.site),
                "outcome": SiteOutcome.PLANNED,
                "plan": _plan_to_json(plan, fragments[plan.site]),
            }
            for plan in plans
        ],
    )
    rows = [
        {
            "site": plan.site,
            "path": list(edit.path),
            "before": edit.before,
            "intended": edit.after,
        }
        for plan in plans
        for edit in plan.own_edits
    ]
    connection.execute(_INSERT_EFFECTS, {"txn": transaction, "device": device, "rows": rows})


def _plan_to_json(plan: SitePlan, fragments: Mapping[str, Fragment]) -> dict[str, Any]:
    return {
        "fragments": [[key, fragment_to_json(each)] for key, each in fragments.items()],
        "edits": edits_to_json(plan.edits),
        "created": [list(root) for root in sorted(plan.created)],
        "released": [list(root) for root in plan.released],
        "orphaned": [list(root) for root in plan.orphaned],
        "lapsed": [list(path) for path in plan.lapsed],
        "relinked": [[list(path), site] for path, site in plan.relinked],
        "overtaken": [[list(path), site] for path, site in plan.overtaken],
        "policy": plan.policy.value,
    }


def mark_sent(engine: sa.Engine, transaction: str, device: str, epoch: int, worked: Worked) -> None:
    """Write ``sent`` under the lease, just before the commit leaves; raises ``FencedOff``.

    ``worked`` is what the service check found before.
    """
    with engine.begin() as connection:
        leases.check(connection, device, epoch)
        if not _enter(connection, transaction, TransactionState.SENT, worked=worked):
            # Somebody has settled it by reading: nothing of it may leave any more.
            message = f"transaction {transaction} on {device} is settled already"
            raise leases.FencedOff(message)


def mark(
    connection: sa.Connection,
    transaction: str,
    state: TransactionState,
    *,
    sent: str | None = None,
    error: str | None = None,
) -> None:
    """Write a later state of the transaction."""
    values: dict[str, Any] = {}
    if sent is not None:
        values["sent"] = sent
    if error is not None:
        values["error"] = error
    if state in TRANSACTION_LIFE.final:
        values["finished_at"] = sa.func.clock_timestamp()
    _enter(connection, transaction, state, **values)


def _enter(
    connection: sa.Connection, transaction: str, state: TransactionState, **values: Any
) -> bool:
    """Write a state that the life of a transaction draws; tells whether it was written."""
    done = connection.execute(
        sa.update(device_txn)
        .where(device_txn.c.id == transaction)
        .where(device_txn.c.state.in_(TRANSACTION_LIFE.before(state) | {state}))
        .values(state=state, **values)
    )
    return done.rowcount > 0


def settle_site(
    connection: sa.Connection,
    transaction: str,
    site: str,
    outcome: SiteOutcome,
    *,
    verdict: Outcome | None = None,
    error: str | None = None,
) -> None:
    """Write what became of one site's part; its plan is needed no more."""
    connection.execute(
        sa.update(txn_site)
        .where(txn_site.c.txn == transaction, txn_site.c.site == site)
        .values(outcome=outcome, verdict=verdict, error=error, plan={})
    )


def find(connection: sa.Connection, transaction: str) -> DeviceTransaction:
    """Return a transaction that there is."""
    row = connection.execute(sa.select(device_txn).where(device_txn.c.id == transaction)).one()
    return _transaction(row)


def open_of_device(connection: sa.Connection, device: str) -> list[OpenTransaction]:
    """Return the device's transactions whose outcome is not known, oldest first."""
    rows = connection.execute(
        sa.select(device_txn.c.id, sa.func.min(txn_site.c.site).label("site"))
        .join(txn_site, txn_site.c.txn == device_txn.c.id)
        .where(device_txn.c.device == device, device_txn.c.state.in_(TRANSACTION_LIFE.open))
        .group_by(device_txn.c.id)
        .order_by(device_txn.c.started_at)
    )
    return [OpenTransaction(row.id, row.site) for row in rows]


def last_of_devices(connection: sa.Connection) -> list[DeviceTransaction]:
    """Return each device's latest transaction."""
    rows = connection.execute(
        sa.select(device_txn)
        .ext(distinct_on(device_txn.c.device))
        .order_by(device_txn.c.device, device_txn.c.started_at.desc())
    )
    return [_transaction(row) for row in rows]


def parts(connection: sa.Connection, transaction: str) -> list[TransactionPart]:
    """Return the parts of the sites for which nothing is settled yet."""
    rows = connection.execute(
        sa.select(txn_site)
        .where(txn_site.c.txn == transaction, txn_site.c.outcome == SiteOutcome.PLANNED)
        .order_by(txn_site.c.site)
    )
    return [_part(row) for row in rows]


def may_have_left(
    connection: sa.Connection, site: str, items: Sequence[Item], device: str | None = None
) -> bool:
    """Tell whether anything was sent for the site since its items' order came.

    The ledger is written before anything leaves, so what is not in it has not left. Any transaction
    of the site counts: a writer sends all that a site wants.
    """
    ordered = (
        sa.select(resource_order.c.created_at)
        .where(resource_order.c.id == items[0].order_id)
        .scalar_subquery()
    )
    where = [
        device_txn.c.id == txn_site.c.txn,
        txn_site.c.site == site,
        txn_site.c.outcome != SiteOutcome.REFUSED,
        device_txn.c.state != TransactionState.REVERTED,
        device_txn.c.started_at >= ordered,
    ]
    if device is not None:
        where.append(device_txn.c.device == device)
    return bool(connection.scalar(sa.select(sa.exists().where(*where))))


@dataclass(frozen=True, slots=True)
class ReportedTransaction:
    """A transaction as the report of an order tells of it."""

    id: str
    device: str
    state: TransactionState
    sites: tuple[str, ...]
    edits: int
    sent: str
    error: str | None
    started_at: datetime
    finished_at: datetime | None


def of_order(connection: sa.Connection, order_id: str) -> list[ReportedTransaction]:
    """Return the transactions that an order has had a part in, oldest first."""
    edits = (
        sa.select(effect.c.txn, sa.func.count().label("edits")).group_by(effect.c.txn).subquery()
    )
    mine = sa.select(txn_site.c.txn).where(txn_site.c.order_id == order_id)
    rows = connection.execute(
        sa.select(
            device_txn,
            sa.func.coalesce(edits.c.edits, 0).label("edits"),
            sa.select(sa.func.array_agg(txn_site.c.site))
            .where(txn_site.c.txn == device_txn.c.id)
            .scalar_subquery()
            .label("sites"),
        )
        .outerjoin(edits, edits.c.txn == device_txn.c.id)
        .where(device_txn.c.id.in_(mine))
        .order_by(device_txn.c.started_at)
    )
    return [
        ReportedTransaction(
            row.id,
            row.device,
            TransactionState(row.state),
            tuple(sorted(row.sites or ())),
            row.edits,
            row.sent,
            row.error,
            row.started_at,
            row.finished_at,
        )
        for row in rows
    ]


def _transaction(row: sa.Row[Any]) -> DeviceTransaction:
    return DeviceTransaction(
        id=row.id,
        device=row.device,
        kinds=frozenset(ChangeKind(kind) for kind in row.kind.split("+")),
        state=TransactionState(row.state),
        epoch=row.epoch,
        started_at=row.started_at,
        sent=row.sent,
        error=row.error,
        finished_at=row.finished_at,
        worked=row.worked,
    )


def _part(row: sa.Row[Any]) -> TransactionPart:
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
    return TransactionPart(plan, fragments, row.order_id)
