"""Rollback of one site: the way back that its task leads, and what it comes to.

Devices that hold are done; a device that cannot be reached leaves the task with an error and the
site's resources in quarantine without end, because they may still be in use there. Under
``refuse``, a device on which somebody else has changed something ends it before the next.
"""

from collections.abc import Callable
from itertools import takewhile
from typing import Any

import structlog

from rom.answers.sites import Released, RollbackResult, TakenBack
from rom.devices.directory import DeviceDirectory
from rom.events.resources import caused_by
from rom.model.change import ChangeState
from rom.model.intent import Place
from rom.model.reason import Reason
from rom.model.snapshot import Sealer
from rom.model.task import Quarantine, RollbackTask, TaskState
from rom.model.verdict import Outcome
from rom.store import change_list, intents, orders, rollbacks
from rom.store.database import Connection, Engine
from rom.undo import results
from rom.undo.give_back import GiveBack, Held, end_of_waiting
from rom.undo.standing import history_of
from rom.undo.target import at_number
from rom.undo.tasks import emit, items_of
from rom.undo.way_back import Errand, Progress, WayBack, intend, places

log = structlog.get_logger(__name__)


class RollbackRunner:
    """Advances rollback tasks; safe to call again at any point."""

    def __init__(
        self, engine: Engine, devices: DeviceDirectory, sealer: Sealer, give_back: GiveBack
    ) -> None:
        self._engine = engine
        self._way_back = WayBack(devices)
        self._sealer = sealer
        self._give_back = give_back

    def advance(self, site: str, wake: Callable[[str], None]) -> bool:
        """Take the site's open task further; tells whether there is one still open."""
        with self._engine.begin() as connection:
            task = rollbacks.open_of_site(connection, site, lock=True)
            if task is None:
                return False
            if task.state is TaskState.ACKNOWLEDGED:
                self._enter(connection, task.id, TaskState.IN_PROGRESS)
            errand = self._errand(connection, task)
            progress = self._way_back.step(connection, errand)
            if progress.is_over:
                self._end(connection, task, errand, progress)
        if progress.wake is not None:
            wake(progress.wake)
        return not progress.is_over

    def _errand(self, connection: Connection, task: RollbackTask) -> Errand:
        wanted = at_number(connection, self._sealer, task.site, task.number)
        return Errand(
            task.id,
            task.site,
            lambda device, _: wanted.get(device, {}),
            policy=task.policy,
            waits=False,
        )

    def _end(
        self, connection: Connection, task: RollbackTask, errand: Errand, progress: Progress
    ) -> None:
        stopped = progress.stopped_at
        if stopped is not None and self._is_untouched(connection, task, stopped):
            self._restore(connection, task)
            result = self._nothing_changed(connection, task, errand)
        else:
            skipped = self._skip(connection, errand, stopped) if stopped else []
            result = self._result(connection, task, errand, skipped)
        intents.drop_empty(connection, task.site)
        ended = TaskState.TERMINATED_WITH_ERROR if progress.stuck else TaskState.DONE
        self._enter(connection, task.id, ended, result)
        log.info("rollback.finished", task=task.id, site=task.site, failed=len(progress.stuck))

    def _is_untouched(self, connection: Connection, task: RollbackTask, stopped: Place) -> bool:
        """Tell whether nothing was sent, and no router let go, before a device stopped it."""
        asked = {change.device: change for change in change_list.of_task(connection, task.id)}
        earlier = takewhile(lambda place: place != stopped, places(connection, task.site))
        return all(place.device in asked and not asked[place.device].edits for place in earlier)

    def _restore(self, connection: Connection, task: RollbackTask) -> None:
        """The site goes on as it was: its intents are again what they were."""
        before = self._before(connection, task)
        asked = {change.device for change in change_list.of_task(connection, task.id)}
        for place in places(connection, task.site):
            if place.device in asked:
                intents.keep(
                    connection,
                    device=place.device,
                    site=task.site,
                    role=place.role,
                    fragments=before.get(place.device, {}),
                )

    def _skip(self, connection: Connection, errand: Errand, stopped: Place) -> list[TakenBack]:
        """Write what the devices behind a stop should hold, so that an audit tells of the rest."""
        found = places(connection, errand.site)
        behind = found[found.index(stopped) + 1 :]
        for place in behind:
            intend(connection, errand, place)
        return [results.not_asked(place.device, stopped.device) for place in behind]

    def _nothing_changed(
        self, connection: Connection, task: RollbackTask, errand: Errand
    ) -> RollbackResult:
        devices = self._devices(connection, task, errand)
        self._give_back.settle(connection, task.site, (), names=())
        return RollbackResult(
            devices=devices,
            released=(),
            quarantine=Quarantine.BY_POOL,
            verdict=results.worst(devices),
            nothing_changed=True,
        )

    def _result(
        self,
        connection: Connection,
        task: RollbackTask,
        errand: Errand,
        skipped: list[TakenBack],
    ) -> RollbackResult:
        devices = (*self._devices(connection, task, errand), *skipped)
        left = self._left(connection, task, errand, skipped)
        unclean = any(each.kept or each.verdict is not Outcome.VERIFIED for each in devices)
        released = self._settle(connection, task, left, unclean=unclean)
        if not unclean:
            end_of_waiting(connection, task.site)
        return RollbackResult(
            devices=devices,
            released=tuple(
                Released(name=each.name, pool=each.pool, value=each.value, resource=each.resource)
                for each in released
            ),
            quarantine=Quarantine.UNTIL_CLEANED if unclean else Quarantine.BY_POOL,
            verdict=results.worst(devices),
        )

    def _devices(
        self, connection: Connection, task: RollbackTask, errand: Errand
    ) -> tuple[TakenBack, ...]:
        found = tuple(
            results.of_device(connection, errand.wanted(change.device, {}), change)
            for change in change_list.of_task(connection, task.id)
        )
        for each in found:
            results.keep_verdict(connection, task, each)
        return found

    def _left(
        self,
        connection: Connection,
        task: RollbackTask,
        errand: Errand,
        skipped: list[TakenBack],
    ) -> set[str]:
        """Return the keys of items of which a device may still have something."""
        before = self._before(connection, task)
        keys: set[str] = set()
        for change in change_list.of_task(connection, task.id):
            paths = results.left(connection, errand.wanted(change.device, {}), change)
            had = before.get(change.device, {})
            if change.state is ChangeState.DONE:
                keys |= results.keys_of(had, paths)
            else:
                keys |= had.keys()
        for each in skipped:
            keys |= before.get(each.device, {}).keys()
        return keys

    def _before(self, connection: Connection, task: RollbackTask) -> Any:
        """Return what the site wanted, by device, when the task was asked for."""
        number = history_of(connection, task.site).number_at(task.created_at)
        return at_number(connection, self._sealer, task.site, number)

    def _settle(
        self, connection: Connection, task: RollbackTask, left: set[str], *, unclean: bool
    ) -> list[Held]:
        """Give back all that nothing standing needs, and note the items that have gone."""
        taken = items_of(connection, task.site, task.orders)
        with caused_by(task.id):
            going = self._give_back.would_go(connection, task.site, taken)
            gone = self._give_back.settle(
                connection,
                task.site,
                taken,
                names={each.name for each in going},
                left=left,
                unclean=unclean,
            )
        words = [
            f"{Reason.ROLLED_BACK}: by {task.id}",
            task.reason,
            task.ticket and f"ticket {task.ticket}",
        ]
        for item in taken:
            if not item.in_force:
                continue
            orders.add_note(connection, item.order_id, item.item_id, ", ".join(filter(None, words)))
        return gone

    def _enter(
        self,
        connection: Connection,
        task_id: str,
        state: TaskState,
        result: RollbackResult | None = None,
    ) -> None:
        rollbacks.enter(connection, task_id, state, result.on_the_wire() if result else None)
        emit(connection, task_id, "SiteRollbackStateChangeEvent")
