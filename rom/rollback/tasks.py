"""Rollback tasks: one site, device by device in reverse order of activation, resumable.

A task is level-triggered like everything else: each call of ``advance`` takes the next step that
is possible. Devices that hold are done; a device that cannot be reached leaves the task with an
error and the site's resources in quarantine without end, because they may still be in use there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
import structlog

from device_profiles.profile import load_profile
from rom.fulfilment.targets import NoTarget, Targets
from rom.ledger import changes, intents, store
from rom.ledger.model import Policy
from rom.ledger.snapshots import Sealer
from rom.rollback import results, standing
from rom.rollback.release import BY_POOL, UNTIL_CLEANED, GiveBack
from rom.rollback.target import Place, Target, at_number, places, resolve
from rom.store import outbox
from rom.store.tables import change as change_table
from rom.store.tables import rollback_task, ztp_ticket

log = structlog.get_logger(__name__)

GIVE_UP_AFTER = 4
"""Attempts at a device that cannot be reached before the task goes on without it."""
FINAL = ("done", "terminatedWithError")


class RollbackOpen(Exception):
    """The site has a rollback under way already."""


class OrderUnderWay(Exception):
    """An order of the site is not final yet; what it still does would undo the rollback."""


class RollbackConflicts(Exception):
    """The policy does not let the rollback go; ``conflicts`` says where and why."""

    def __init__(self, conflicts: list[dict[str, Any]]) -> None:
        self.conflicts = conflicts
        first = conflicts[0]
        super().__init__(f"{first['device']}: {first['kind']} at {first['path']}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a rollback was asked for."""

    site: str
    to: int | None = None
    before: str | None = None
    policy: Policy = Policy.REFUSE
    reason: str = ""
    ticket: str = ""
    requester: str = ""


def create(
    engine: sa.Engine,
    sealer: Sealer,
    give_back: GiveBack,
    wanted: Wanted,
    preview: dict[str, Any],
) -> str:
    """Write a task as acknowledged and return its id.

    Raises ``RollbackOpen``, ``OrderUnderWay``, and ``ResourceExhausted`` when the site as it was
    needs more than is left; then nothing has been written.
    """
    task_id = f"RB-{uuid4().hex[:12]}"
    try:
        with engine.begin() as connection:
            under_way = standing.orders_under_way(connection, wanted.site)
            if under_way:
                message = f"order {under_way[0]} is still under way at site {wanted.site}"
                raise OrderUnderWay(message)
            target = resolve(connection, sealer, wanted.site, to=wanted.to, before=wanted.before)
            connection.execute(
                sa.insert(rollback_task).values(
                    id=task_id,
                    site=wanted.site,
                    target={"number": target.number, "orders": list(target.orders)},
                    policy=wanted.policy,
                    reason=wanted.reason,
                    ticket=wanted.ticket,
                    requester=wanted.requester,
                    state="acknowledged",
                    preview=preview,
                )
            )
            give_back.reserve(connection, wanted.site, list(target.orders))
            emit(connection, task_id, "SiteRollbackCreateEvent")
    except sa.exc.IntegrityError as error:
        message = f"site {wanted.site} has a rollback under way already"
        raise RollbackOpen(message) from error
    return task_id


def find(connection: sa.Connection, task_id: str) -> dict[str, Any] | None:
    """Return the task as a document, or ``None``."""
    row = connection.execute(
        sa.select(rollback_task).where(rollback_task.c.id == task_id)
    ).one_or_none()
    if row is None:
        return None
    return {
        "id": row.id,
        "site": row.site,
        "state": row.state,
        "target": row.target,
        "policy": row.policy,
        "reason": row.reason,
        "ticket": row.ticket,
        "requester": row.requester,
        "preview": row.preview,
        "result": row.result,
        "createdDate": row.created_at.isoformat(),
        "completionDate": row.finished_at.isoformat() if row.finished_at else None,
    }


def open_task(connection: sa.Connection, site: str) -> str | None:
    """Return the site's task that is not final, ``None`` when there is none."""
    task_id: str | None = connection.scalar(
        sa.select(rollback_task.c.id).where(
            rollback_task.c.site == site, rollback_task.c.state.not_in(FINAL)
        )
    )
    return task_id


def sites_under_way(connection: sa.Connection) -> list[str]:
    """Return the sites with a task that is not final."""
    return list(
        connection.scalars(
            sa.select(rollback_task.c.site).where(rollback_task.c.state.not_in(FINAL))
        )
    )


def emit(connection: sa.Connection, task_id: str, event_type: str) -> None:
    """Write the task's event with its state's transaction."""
    document = find(connection, task_id)
    if document is None:
        return
    event = {
        "eventId": str(uuid4()),
        "eventTime": datetime.now(UTC).isoformat(),
        "eventType": event_type,
        "event": {"siteRollback": {k: v for k, v in document.items() if k != "preview"}},
    }
    outbox.emit(connection, task_id, event)


class RollbackRunner:
    """Advances rollback tasks; safe to call again at any point."""

    def __init__(
        self, engine: sa.Engine, targets: Targets, sealer: Sealer, give_back: GiveBack
    ) -> None:
        self._engine = engine
        self._targets = targets
        self._sealer = sealer
        self._give_back = give_back

    def advance(self, site: str, wake: Callable[[str], None]) -> bool:
        """Take the site's open task further; tells whether there is one still open."""
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.select(rollback_task)
                .where(rollback_task.c.site == site, rollback_task.c.state.not_in(FINAL))
                .with_for_update()
            ).one_or_none()
            if row is None:
                return False
            device = self._step(connection, row)
        if device is not None:
            wake(device)
        with self._engine.connect() as connection:
            return open_task(connection, site) is not None

    def _step(self, connection: sa.Connection, row: sa.Row[Any]) -> str | None:
        """Take one step; returns a device that has work by it."""
        if row.state == "acknowledged":
            self._set_state(connection, row.id, "inProgress")
        target = at_number(connection, self._sealer, row.site, row.target["number"])
        asked = {change.device: change for change in changes.of_task(connection, row.id)}
        for place in places(connection, row.site):
            done = asked.get(place.device)
            if done is None:
                if self._one_way(connection, row.site, place, target):
                    continue
                self._ask(connection, row, place, target)
                return place.device
            if done.state in ("waiting", "claimed") and not _given_up(connection, done):
                return None
        self._finish(connection, row)
        return None

    def _one_way(self, connection: sa.Connection, site: str, place: Place, target: Target) -> bool:
        """Where nothing can be taken back, forget the site there and say what is done instead."""
        if target.wanted(place.device):
            return False
        try:
            profile = load_profile(self._targets.profile_name(connection, place.device, site))
        except NoTarget:
            return False
        if not profile.quirks.one_way:
            return False
        self._intend(connection, site, place, target)
        store.forget_site(connection, place.device, site)
        # Without its ticket the router is refused, and another one may be staged for the site.
        connection.execute(
            sa.delete(ztp_ticket).where(
                ztp_ticket.c.serial == place.device, ztp_ticket.c.site == site
            )
        )
        return True

    def _ask(
        self, connection: sa.Connection, row: sa.Row[Any], place: Place, target: Target
    ) -> None:
        self._intend(connection, row.site, place, target)
        changes.request(
            connection,
            device=place.device,
            site=row.site,
            kind="rollback",
            task_id=row.id,
            policy=Policy(row.policy),
        )

    def _intend(self, connection: sa.Connection, site: str, place: Place, target: Target) -> None:
        intents.keep(
            connection,
            device=place.device,
            site=site,
            role=place.role,
            fragments=target.wanted(place.device),
        )

    def _finish(self, connection: sa.Connection, row: sa.Row[Any]) -> None:
        rows = changes.of_task(connection, row.id)
        target = at_number(connection, self._sealer, row.site, row.target["number"])
        devices = [results.of_device(connection, target, each) for each in rows]
        failed = [each for each in devices if each["state"] == "refused"]
        unclean = bool(failed) or any(each["kept"] for each in devices)
        for each in devices:
            results.keep_verdict(connection, row, each)
        released = self._give_back.release(connection, row, indefinitely=unclean)
        intents.drop_empty(connection, row.site)
        result = {
            "devices": devices,
            "released": released,
            "quarantine": UNTIL_CLEANED if unclean else BY_POOL,
            "verdict": results.worst([each["verdict"] for each in devices]),
        }
        connection.execute(
            sa.update(rollback_task)
            .where(rollback_task.c.id == row.id)
            .values(result=result, finished_at=sa.func.clock_timestamp())
        )
        self._set_state(connection, row.id, "terminatedWithError" if failed else "done")
        log.info("rollback.finished", task=row.id, site=row.site, failed=len(failed))

    def _set_state(self, connection: sa.Connection, task_id: str, state: str) -> None:
        connection.execute(
            sa.update(rollback_task).where(rollback_task.c.id == task_id).values(state=state)
        )
        emit(connection, task_id, "SiteRollbackStateChangeEvent")


def _given_up(connection: sa.Connection, asked: sa.Row[Any]) -> bool:
    """Refuse a change that has been tried often enough, unless a writer has it in hand."""
    if asked.attempts < GIVE_UP_AFTER:
        return False
    row = connection.execute(
        sa.select(change_table)
        .where(change_table.c.id == asked.id, change_table.c.state == "waiting")
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return False
    reason = row.reason or "DEVICE_UNREACHABLE"
    changes.refuse(
        connection, [row], transaction=None, reason=reason, error=row.error or "given up"
    )
    return True
