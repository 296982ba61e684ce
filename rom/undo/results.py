"""What became of a rollback on each device, from what the ledger holds; kept as verdicts."""

from collections.abc import Collection, Iterable, Mapping

from device_profiles.fragment import Fragment, merged
from device_profiles.tree import Path, path_text
from rom.answers.sites import Hashes, TakenBack
from rom.model.change import Change, ChangeState
from rom.model.task import RollbackTask
from rom.model.verdict import Outcome, VerdictKind
from rom.store import effects, evidence, snapshots, verdicts
from rom.store.database import Connection
from rom.undo.way_back import CONFLICTS


def of_device(connection: Connection, wanted: Mapping[str, Fragment], row: Change) -> TakenBack:
    """Return what became of one device's change."""
    refused = row.state is ChangeState.REFUSED
    kept = left(connection, wanted, row)
    return TakenBack(
        device=row.device,
        state=row.state,
        edits=row.edits or 0,
        transaction=row.transaction,
        verdict=verdict_of(row, kept=bool(kept)),
        kept=tuple(path_text(path) for path in sorted(kept)),
        orphans=tuple(
            path_text(root) for root in effects.orphans(connection, row.device, row.site)
        ),
        evidence=Hashes(
            site=snapshots.hashes(connection, row.site, row.transaction),
            device=evidence.hashes(connection, row.transaction),
            attempts=row.attempts,
        ),
        reason=row.reason if refused else None,
        error=row.error if refused else None,
    )


def keep_verdict(connection: Connection, task: RollbackTask, found: TakenBack) -> None:
    """Keep the verdict on one device with its evidence."""
    verdicts.keep(
        connection,
        order_id=task.id,
        item_id=found.device,  # the device stands where an item's id would
        site=task.site,
        kind=VerdictKind.ROLLBACK,
        result=found.verdict,
        evidence=found.on_the_wire(),
    )


def not_asked(device: str, stopped_at: str) -> TakenBack:
    """Return what is said of a device behind the one that has stopped a rollback."""
    return TakenBack(
        device=device,
        state="notAsked",
        edits=0,
        transaction=None,
        verdict=Outcome.INDETERMINATE,
        kept=(),
        orphans=(),
        evidence=Hashes(),
        reason=None,
        error=f"not asked: stopped at {stopped_at}",
    )


def worst(devices: Iterable[TakenBack]) -> Outcome:
    """Return the verdict on the whole."""
    found = {each.verdict for each in devices}
    bad = (Outcome.FAILED, Outcome.INDETERMINATE, Outcome.KEPT)
    return next((each for each in bad if each in found), Outcome.VERIFIED)


def verdict_of(row: Change, *, kept: bool) -> Outcome:
    """Return the verdict on a settled change.

    Every change that is done was read back and compared, but what is ``kept`` is not as wanted.
    Nothing is known of a device that was never read.
    """
    if row.state is ChangeState.DONE:
        return Outcome.KEPT if kept else Outcome.VERIFIED
    known = row.transaction is not None or row.reason in CONFLICTS
    return Outcome.FAILED if known else Outcome.INDETERMINATE


def left(connection: Connection, wanted: Mapping[str, Fragment], row: Change) -> set[Path]:
    """Return what the site still has on the device against ``wanted``, or was left to others."""
    own = merged(wanted).own
    paths = effects.paths_of(connection, row.device, [row.site])
    return {path for path in paths if path not in own}.union(row.kept)


def keys_of(fragments: Mapping[str, Fragment], paths: Collection[Path]) -> set[str]:
    """Return the keys of the items that any of ``paths`` belongs to."""
    return {
        key
        for key, fragment in fragments.items()
        if any(
            path in fragment.own or any(path in item.tree for item in fragment.shared)
            for path in paths
        )
    }
