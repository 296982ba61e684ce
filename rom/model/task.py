"""Tasks: a rollback of a site and the cancellation of an order, both in TM Forum's task states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from device_profiles.words import Word
from rom.model.change import Policy
from rom.model.life import Life, table
from rom.model.order_states import ItemState, OrderState, Step


class TaskState(Word):
    """States of a task resource (TMF652 v4, CancelResourceOrder)."""

    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "inProgress"
    DONE = "done"
    TERMINATED_WITH_ERROR = "terminatedWithError"


_T = TaskState

TASK_LIFE = Life(
    "task",
    table(
        {
            _T.ACKNOWLEDGED: {_T.IN_PROGRESS},
            _T.IN_PROGRESS: {_T.DONE, _T.TERMINATED_WITH_ERROR},
            _T.DONE: (),
            _T.TERMINATED_WITH_ERROR: (),
        }
    ),
)


class Quarantine(Word):
    """How long what a site gives back rests before somebody else may have it."""

    BY_POOL = "by pool"
    UNTIL_CLEANED = "until cleaned"


class SiteProgress(Word):
    """How far a cancellation is at one site."""

    OPEN = "open"
    STUCK = "stuck"
    CLEAN = "clean"


@dataclass(frozen=True, slots=True)
class RollbackTask:
    """A rollback of one site as it is kept."""

    id: str
    site: str
    number: int
    """The snapshot it leads to; 0 is before everything."""
    orders: tuple[str, ...]
    """The orders it takes back."""
    policy: Policy
    reason: str
    ticket: str
    requester: str
    state: TaskState
    preview: Mapping[str, Any]
    result: Mapping[str, Any]
    created_at: datetime
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CancelledSite:
    """How far a cancellation is at one site, and what was given back there."""

    state: SiteProgress = SiteProgress.OPEN
    devices: Mapping[str, str] = field(default_factory=dict)
    """Those that do not let it in, with the reason."""
    given_up: Mapping[str, str] = field(default_factory=dict)
    """Those it goes on without, with who decided."""
    released: tuple[str, ...] = ()
    """The names of what was given back."""
    resting: tuple[str, ...] = ()
    """The resources that rest until the site is clean, by their ids."""


@dataclass(frozen=True, slots=True)
class ItemBefore:
    """Where an item was before its cancellation."""

    state: ItemState
    step: Step
    reason: str | None
    attempts: int
    due_at: datetime | None
    short_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Before:
    """Where order and items were, to go back there when the request is denied."""

    order: OrderState | None = None
    items: Mapping[str, ItemBefore] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A CancelResourceOrder as it is kept."""

    id: str
    order_id: str
    item_ids: tuple[str, ...] | None
    """The items to cancel; the whole order without them."""
    document: Mapping[str, Any]
    state: TaskState
    before: Before
    sites: Mapping[str, CancelledSite]
    note: str
    requester: str
    created_at: datetime
    due_at: datetime | None = None
    effective_at: datetime | None = None
    finished_at: datetime | None = None

    def means(self, item_id: str) -> bool:
        """Tell whether the item is one of those to cancel."""
        return self.item_ids is None or item_id in self.item_ids
