"""Rollback tasks in PostgreSQL."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from rom.model.change import Policy
from rom.model.task import TASK_LIFE, Quarantine, RollbackTask, TaskState
from rom.store.tables import rollback_task


class AlreadyOpen(Exception):
    """There is an open task of this kind already; nothing was written."""


def insert(
    connection: sa.Connection,
    *,
    site: str,
    number: int,
    orders: tuple[str, ...],
    policy: Policy,
    reason: str,
    ticket: str,
    requester: str,
    preview: Mapping[str, Any],
) -> str:
    """Write a task as acknowledged and return its id; raises ``AlreadyOpen``."""
    task_id = f"RB-{uuid4().hex[:12]}"
    try:
        connection.execute(
            sa.insert(rollback_task).values(
                id=task_id,
                site=site,
                target={"number": number, "orders": list(orders)},
                policy=policy,
                reason=reason,
                ticket=ticket,
                requester=requester,
                state=TaskState.ACKNOWLEDGED,
                preview=dict(preview),
            )
        )
    except sa.exc.IntegrityError as error:
        raise AlreadyOpen(site) from error
    return task_id


def find(connection: sa.Connection, task_id: str) -> RollbackTask | None:
    """Return a task, or ``None``."""
    return _one(connection, sa.select(rollback_task).where(rollback_task.c.id == task_id))


def open_of_site(
    connection: sa.Connection, site: str, *, lock: bool = False
) -> RollbackTask | None:
    """Return the site's task that is not final, ``None`` when there is none."""
    query = sa.select(rollback_task).where(rollback_task.c.site == site, _IS_OPEN)
    return _one(connection, query.with_for_update() if lock else query)


def sites_under_way(connection: sa.Connection) -> list[str]:
    """Return the sites with a task that is not final."""
    return list(connection.scalars(sa.select(rollback_task.c.site).where(_IS_OPEN)))


def enter(
    connection: sa.Connection,
    task_id: str,
    state: TaskState,
    result: Mapping[str, Any] | None = None,
) -> None:
    """Write a task's next state, and its result with its last one."""
    values: dict[str, Any] = {"state": state}
    if result is not None:
        values["result"] = dict(result)
    if state in TASK_LIFE.final:
        values["finished_at"] = sa.func.clock_timestamp()
    connection.execute(
        sa.update(rollback_task)
        .where(rollback_task.c.id == task_id)
        .where(rollback_task.c.state.in_(TASK_LIFE.before(state)))
        .values(values)
    )


def finished(connection: sa.Connection, site: str) -> list[RollbackTask]:
    """Return the site's ended tasks, oldest first."""
    return _all(
        connection,
        sa.select(rollback_task)
        .where(rollback_task.c.site == site, rollback_task.c.finished_at.is_not(None))
        .order_by(rollback_task.c.created_at),
    )


def resting(connection: sa.Connection, site: str) -> list[str]:
    """Return the resources that rollbacks of the site have left to rest until it is cleaned."""
    results = connection.scalars(
        sa.select(rollback_task.c.result).where(
            rollback_task.c.site == site,
            rollback_task.c.result["quarantine"].astext == Quarantine.UNTIL_CLEANED,
        )
    )
    return [each["resource"] for result in results for each in result["released"]]


_IS_OPEN = rollback_task.c.state.in_(TASK_LIFE.open)


def _one(connection: sa.Connection, query: sa.Select[Any]) -> RollbackTask | None:
    return next(iter(_all(connection, query)), None)


def _all(connection: sa.Connection, query: sa.Select[Any]) -> list[RollbackTask]:
    return [
        RollbackTask(
            id=row.id,
            site=row.site,
            number=row.target["number"],
            orders=tuple(row.target["orders"]),
            policy=Policy(row.policy),
            reason=row.reason,
            ticket=row.ticket,
            requester=row.requester,
            state=TaskState(row.state),
            preview=row.preview,
            result=row.result,
            created_at=row.created_at,
            finished_at=row.finished_at,
        )
        for row in connection.execute(query)
    ]
