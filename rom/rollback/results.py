"""What became of a rollback on each device, from what the ledger holds; kept as verdicts."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from device_profiles.fragment import merged
from device_profiles.tree import path_text
from rom.ledger import store
from rom.ledger.model import ConflictKind
from rom.rollback.target import Target
from rom.store.tables import change, evidence, net_effect, snapshot, verdict

KIND = "rollback"
_LOOKED_AT = frozenset(kind.value.replace("-", "_").upper() for kind in ConflictKind)
"""Reasons of a refusal after the device was read: what it holds is known."""


def of_device(connection: sa.Connection, target: Target, row: sa.Row[Any]) -> dict[str, Any]:
    """Return what became of one device's change.

    ``kept`` is what the site still has there against the target, or was left to somebody else.
    """
    refused = row.state == "refused"
    return {
        "device": row.device,
        "state": row.state,
        "edits": row.edits or 0,
        "transaction": row.transaction,
        "verdict": verdict_of(row),
        "kept": _left(connection, target, row),
        "orphans": [path_text(root) for root in store.orphans(connection, row.device, row.site)],
        "evidence": _evidence(connection, row),
        "reason": row.reason if refused else None,
        "error": row.error if refused else None,
    }


def keep_verdict(connection: sa.Connection, task: sa.Row[Any], found: dict[str, Any]) -> None:
    """Keep the verdict on one device with its evidence."""
    connection.execute(
        sa.insert(verdict).values(
            order_id=task.id,
            item_id=found["device"],  # the device stands where an item's id would
            site=task.site,
            kind=KIND,
            result=found["verdict"],
            evidence=found,
        )
    )


def worst(verdicts: Collection[str]) -> str:
    """Return the verdict on the whole."""
    return next((each for each in ("FAILED", "INDETERMINATE") if each in verdicts), "VERIFIED")


def verdict_of(row: sa.Row[Any]) -> str:
    """Return the verdict on a settled change.

    Every change that is done was read back and compared; nothing is known of a device
    that was never read.
    """
    if row.state == "done":
        return "VERIFIED"
    known = row.transaction is not None or row.reason in _LOOKED_AT
    return "FAILED" if known else "INDETERMINATE"


def _left(connection: sa.Connection, target: Target, row: sa.Row[Any]) -> list[str]:
    wanted = merged(target.wanted(row.device)).own
    paths = connection.scalars(
        sa.select(net_effect.c.path)
        .where(net_effect.c.device == row.device, net_effect.c.site == row.site)
        .order_by(net_effect.c.path)
    )
    left = {tuple(path) for path in paths if tuple(path) not in wanted}
    return [path_text(path) for path in sorted(left.union(map(tuple, row.kept)))]


def _evidence(connection: sa.Connection, row: sa.Row[Any]) -> dict[str, Any]:
    """Return hashes before and after, of the site's paths and of the whole device if it shows it.

    Their contents are kept sealed under the same transaction.
    """
    site = sa.select(snapshot.c.moment, snapshot.c.content_hash).where(
        snapshot.c.txn == row.transaction, snapshot.c.site == row.site
    )
    device = sa.select(evidence.c.moment, evidence.c.content_hash).where(
        evidence.c.txn == row.transaction
    )
    return {
        "site": {each.moment: each.content_hash for each in connection.execute(site)},
        "device": {each.moment: each.content_hash for each in connection.execute(device)},
        "attempts": connection.scalar(sa.select(change.c.attempts).where(change.c.id == row.id)),
    }
