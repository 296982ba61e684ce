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

import structlog

from device_profiles.profile import load_profile
from rom.devices.directory import DeviceDirectory, NoDevice
from rom.model.change import QUEUED, ChangeKind, ChangeState, Policy
from rom.model.intent import Place
from rom.model.reason import Reason
from rom.model.snapshot import Sealer
from rom.model.task import Quarantine, RollbackTask, TaskState
from rom.store import changes, effects, intents, outbox, rollbacks, site_items, tickets
from rom.store.database import Connection, Engine
from rom.store.rollbacks import AlreadyOpen
from rom.undo import results
from rom.undo.release import GiveBack
from rom.undo.target import Target, at_number, places, resolve

log = structlog.get_logger(__name__)

GIVE_UP_AFTER = 4
"""Attempts at a device that cannot be reached before the task goes on without it."""


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
    engine: Engine,
    sealer: Sealer,
    give_back: GiveBack,
    wanted: Wanted,
    preview: dict[str, Any],
) -> str:
    """Write a task as acknowledged and return its id.

    Raises ``RollbackOpen``, ``OrderUnderWay``, and ``ResourceExhausted`` when the site as it was
    needs more than is left; then nothing has been written.
    """
    try:
        with engine.begin() as connection:
            under_way = site_items.orders_under_way(connection, wanted.site)
            if under_way:
                message = f"order {under_way[0]} is still under way at site {wanted.site}"
                raise OrderUnderWay(message)
            target = resolve(connection, sealer, wanted.site, to=wanted.to, before=wanted.before)
            task_id = rollbacks.insert(
                connection,
                site=wanted.site,
                number=target.number,
                orders=target.orders,
                policy=wanted.policy,
                reason=wanted.reason,
                ticket=wanted.ticket,
                requester=wanted.requester,
                preview=preview,
            )
            give_back.reserve(connection, wanted.site, list(target.orders))
            emit(connection, task_id, "SiteRollbackCreateEvent")
    except AlreadyOpen as error:
        message = f"site {wanted.site} has a rollback under way already"
        raise RollbackOpen(message) from error
    return task_id


def find(connection: Connection, task_id: str) -> dict[str, Any] | None:
    """Return the task as a document, or ``None``."""
    row = rollbacks.find(connection, task_id)
    if row is None:
        return None
    return {
        "id": row.id,
        "site": row.site,
        "state": row.state,
        "target": {"number": row.number, "orders": list(row.orders)},
        "policy": row.policy,
        "reason": row.reason,
        "ticket": row.ticket,
        "requester": row.requester,
        "preview": row.preview,
        "result": row.result,
        "createdDate": row.created_at.isoformat(),
        "completionDate": row.finished_at.isoformat() if row.finished_at else None,
    }


def emit(connection: Connection, task_id: str, event_type: str) -> None:
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
        self, engine: Engine, devices: DeviceDirectory, sealer: Sealer, give_back: GiveBack
    ) -> None:
        self._engine = engine
        self._devices = devices
        self._sealer = sealer
        self._give_back = give_back

    def advance(self, site: str, wake: Callable[[str], None]) -> bool:
        """Take the site's open task further; tells whether there is one still open."""
        with self._engine.begin() as connection:
            row = rollbacks.open_of_site(connection, site, lock=True)
            if row is None:
                return False
            device = self._step(connection, row)
        if device is not None:
            wake(device)
        with self._engine.connect() as connection:
            return rollbacks.open_of_site(connection, site) is not None

    def _step(self, connection: Connection, row: RollbackTask) -> str | None:
        """Take one step; returns a device that has work by it."""
        if row.state is TaskState.ACKNOWLEDGED:
            self._enter(connection, row.id, TaskState.IN_PROGRESS)
        target = at_number(connection, self._sealer, row.site, row.number)
        asked = {change.device: change for change in changes.of_task(connection, row.id)}
        for place in places(connection, row.site):
            done = asked.get(place.device)
            if done is None:
                if self._one_way(connection, row.site, place, target):
                    continue
                self._ask(connection, row, place, target)
                return place.device
            if done.state in QUEUED and not changes.give_up(
                connection, done, after=GIVE_UP_AFTER, reason=Reason.DEVICE_UNREACHABLE
            ):
                return None
        self._finish(connection, row)
        return None

    def _one_way(self, connection: Connection, site: str, place: Place, target: Target) -> bool:
        """Where nothing can be taken back, forget the site there and say what is done instead."""
        if target.wanted(place.device):
            return False
        try:
            profile = load_profile(self._devices.profile_name(connection, place.device, site))
        except NoDevice:
            return False
        if not profile.quirks.one_way:
            return False
        self._intend(connection, site, place, target)
        effects.forget_site(connection, place.device, site)
        # Without its ticket the router is refused, and another one may be staged for the site.
        tickets.tear_up_of(connection, place.device, site)
        return True

    def _ask(self, connection: Connection, row: RollbackTask, place: Place, target: Target) -> None:
        self._intend(connection, row.site, place, target)
        changes.request(
            connection,
            device=place.device,
            site=row.site,
            kind=ChangeKind.ROLLBACK,
            task_id=row.id,
            policy=row.policy,
        )

    def _intend(self, connection: Connection, site: str, place: Place, target: Target) -> None:
        intents.keep(
            connection,
            device=place.device,
            site=site,
            role=place.role,
            fragments=target.wanted(place.device),
        )

    def _finish(self, connection: Connection, row: RollbackTask) -> None:
        rows = changes.of_task(connection, row.id)
        target = at_number(connection, self._sealer, row.site, row.number)
        devices = [results.of_device(connection, target, each) for each in rows]
        failed = [each for each in devices if each["state"] is ChangeState.REFUSED]
        unclean = bool(failed) or any(each["kept"] for each in devices)
        for each in devices:
            results.keep_verdict(connection, row, each)
        released = self._give_back.release(connection, row, indefinitely=unclean)
        intents.drop_empty(connection, row.site)
        result = {
            "devices": devices,
            "released": released,
            "quarantine": Quarantine.UNTIL_CLEANED if unclean else Quarantine.BY_POOL,
            "verdict": results.worst([each["verdict"] for each in devices]),
        }
        ended = TaskState.TERMINATED_WITH_ERROR if failed else TaskState.DONE
        self._enter(connection, row.id, ended, result)
        log.info("rollback.finished", task=row.id, site=row.site, failed=len(failed))

    def _enter(
        self,
        connection: Connection,
        task_id: str,
        state: TaskState,
        result: dict[str, Any] | None = None,
    ) -> None:
        rollbacks.enter(connection, task_id, state, result)
        emit(connection, task_id, "SiteRollbackStateChangeEvent")
