"""What became of a rollback on each device, from what the ledger holds; kept as verdicts."""

from collections.abc import Collection
from typing import Any

from device_profiles.fragment import merged
from device_profiles.tree import path_text
from rom.model.change import Change, ChangeState
from rom.model.plan import ConflictKind
from rom.model.task import RollbackTask
from rom.model.verdict import Outcome, VerdictKind
from rom.store import effects, evidence, snapshots, verdicts
from rom.store.database import Connection
from rom.undo.target import Target

_LOOKED_AT = frozenset(kind.value.replace("-", "_").upper() for kind in ConflictKind)
"""Reasons of a refusal after the device was read: what it holds is known."""


def of_device(connection: Connection, target: Target, row: Change) -> dict[str, Any]:
    """Return what became of one device's change.

    ``kept`` is what the site still has there against the target, or was left to somebody else.
    """
    refused = row.state is ChangeState.REFUSED
    return {
        "device": row.device,
        "state": row.state,
        "edits": row.edits or 0,
        "transaction": row.transaction,
        "verdict": verdict_of(row),
        "kept": _left(connection, target, row),
        "orphans": [path_text(root) for root in effects.orphans(connection, row.device, row.site)],
        "evidence": _evidence(connection, row),
        "reason": row.reason if refused else None,
        "error": row.error if refused else None,
    }


def keep_verdict(connection: Connection, task: RollbackTask, found: dict[str, Any]) -> None:
    """Keep the verdict on one device with its evidence."""
    verdicts.keep(
        connection,
        order_id=task.id,
        item_id=found["device"],  # the device stands where an item's id would
        site=task.site,
        kind=VerdictKind.ROLLBACK,
        result=found["verdict"],
        evidence=found,
    )


def worst(found: Collection[Outcome]) -> Outcome:
    """Return the verdict on the whole."""
    bad = (Outcome.FAILED, Outcome.INDETERMINATE)
    return next((each for each in bad if each in found), Outcome.VERIFIED)


def verdict_of(row: Change) -> Outcome:
    """Return the verdict on a settled change.

    Every change that is done was read back and compared; nothing is known of a device
    that was never read.
    """
    if row.state is ChangeState.DONE:
        return Outcome.VERIFIED
    known = row.transaction is not None or row.reason in _LOOKED_AT
    return Outcome.FAILED if known else Outcome.INDETERMINATE


def _left(connection: Connection, target: Target, row: Change) -> list[str]:
    wanted = merged(target.wanted(row.device)).own
    paths = effects.paths_of(connection, row.device, row.site)
    left = {path for path in paths if path not in wanted}
    return [path_text(path) for path in sorted(left.union(row.kept))]


def _evidence(connection: Connection, row: Change) -> dict[str, Any]:
    """Return hashes before and after, of the site's paths and of the whole device if it shows it.

    Their contents are kept sealed under the same transaction.
    """
    return {
        "site": snapshots.hashes(connection, row.site, row.transaction),
        "device": evidence.hashes(connection, row.transaction),
        "attempts": row.attempts,
    }
