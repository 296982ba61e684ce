"""TMF639 notifications: the one place that is told when inventory changes, whoever changed it.

Whatever reserves, marks, releases, loads or patches does so through inventory, and inventory tells
(``inventory.news``). The notification is written in the same transaction and shows the resource as
``GET`` would. A resource is a stream of its own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from uuid import uuid4

from inventory import news
from inventory.news import ResourceChange
from inventory.records import ResourceRecord
from rom.model.dates import date_text
from rom.model.event import Notification
from rom.model.event_types import Api, ResourceEventType
from rom.resources.documents import BASE_PATH, resource_document
from rom.store import outbox, subscriptions
from rom.store.database import Connection, Engine

_task: ContextVar[str | None] = ContextVar("task that changes resources", default=None)


@contextmanager
def caused_by(task_id: str) -> Iterator[None]:
    """Name the rollback task that changes resources in this block; its events show them too."""
    token = _task.set(task_id)
    try:
        yield
    finally:
        _task.reset(token)


class ResourceEvents:
    """Writes the four events of TMF639 v4."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def observe(self, engine: Engine) -> None:
        """Be told of every change through ``engine``.

        What a file loads is told only while somebody listens to TMF639: the first load of a large
        network would otherwise write tens of thousands of events for nobody.
        """
        news.observe(engine, news.Observer(self._told, _is_listened_to))

    def _told(self, connection: Connection, changes: Sequence[ResourceChange]) -> None:
        task_id = _task.get()
        events = [(_subject(each).resource_id, self._event(each, task_id)) for each in changes]
        outbox.emit_many(connection, events, task_id=task_id)

    def _event(self, change: ResourceChange, task_id: str | None) -> Notification:
        row = _subject(change)
        now = date_text(datetime.now(UTC))
        event_type = _event_type(change)
        href = f"{self._base_url}{BASE_PATH}/{row.resource_id}"
        event = {
            "eventId": str(uuid4()),
            "eventTime": now,
            "eventType": event_type,
            "domain": "resourceInventory",
            "title": f"{row.kind} {row.value} of {row.pool} is {_state(change)}",
            "timeOcurred": now,  # one r, as TMF639 v4 spells it
            "event": {"resource": resource_document(row.model_dump(mode="json"), href)},
        }
        cause = task_id or _order(change)
        return event if cause is None else event | {"correlationId": cause}


def _subject(change: ResourceChange) -> ResourceRecord:
    found = change.after or change.before
    if found is None:
        raise ValueError("a change is of something")
    return found


def _event_type(change: ResourceChange) -> ResourceEventType:
    if change.before is None:
        return ResourceEventType.CREATE
    if change.after is None:
        return ResourceEventType.DELETE
    if change.before.state != change.after.state:
        return ResourceEventType.STATE_CHANGE
    return ResourceEventType.ATTRIBUTE_VALUE_CHANGE


def _state(change: ResourceChange) -> str:
    return "gone" if change.after is None else change.after.state


def _order(change: ResourceChange) -> str | None:
    """Return the order that holds the resource, or did so until now."""
    for row in (change.after, change.before):
        if row is not None and row.holders:
            return row.holders[-1].order_id
    return None


def _is_listened_to(connection: Connection) -> bool:
    return subscriptions.anybody_listens(connection, Api.INVENTORY)
