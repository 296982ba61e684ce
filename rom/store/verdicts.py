"""Verdicts in PostgreSQL."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from rom.model.verdict import DriftResult, Verdict, VerdictKind
from rom.store.tables import verdict

_LOCK = 0x726F6D61


def keep(
    connection: sa.Connection,
    *,
    order_id: str,
    item_id: str,
    site: str,
    kind: VerdictKind,
    result: str,
    evidence: Mapping[str, Any],
) -> None:
    """Write one verdict; of what belongs to no item, ``item_id`` is the device."""
    connection.execute(
        sa.insert(verdict).values(
            order_id=order_id,
            item_id=item_id,
            site=site,
            kind=kind,
            result=result,
            evidence=dict(evidence),
        )
    )


def of_order(connection: sa.Connection, order_id: str, kind: VerdictKind) -> list[Verdict]:
    """Return an order's, or a task's, verdicts of one kind, oldest first."""
    rows = connection.execute(
        sa.select(verdict)
        .where(verdict.c.order_id == order_id, verdict.c.kind == kind)
        .order_by(verdict.c.id)
    )
    return [
        Verdict(
            row.id,
            row.order_id,
            row.item_id,
            row.site,
            VerdictKind(row.kind),
            row.result,
            row.evidence,
            row.time,
        )
        for row in rows
    ]


def latest_drift(connection: sa.Connection) -> dict[tuple[str, str], DriftResult]:
    """Return by site and device what the last comparison of them has found.

    Replicas write one after the other until the transaction ends, so that none repeats what
    another has seen.
    """
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    rows = connection.execute(
        sa.select(verdict.c.site, verdict.c.item_id, verdict.c.result)
        .where(verdict.c.kind == VerdictKind.DRIFT)
        .ext(distinct_on(verdict.c.site, verdict.c.item_id))
        .order_by(verdict.c.site, verdict.c.item_id, verdict.c.id.desc())
    )
    return {(row.site, row.item_id): DriftResult(row.result) for row in rows}
