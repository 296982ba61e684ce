"""Changes: a site's wish for a device, waiting until the device's writer takes it along."""

from dataclasses import dataclass
from datetime import datetime

from device_profiles.tree import Path
from device_profiles.words import Word
from rom.model.life import Life, table


class ChangeKind(Word):
    """What a change is for."""

    APPLY = "apply"
    MODIFY = "modify"
    DELETE = "delete"
    ROLLBACK = "rollback"
    RECONCILE = "reconcile"


LIVE_KINDS = frozenset({ChangeKind.MODIFY, ChangeKind.DELETE, ChangeKind.ROLLBACK})
"""Changes of services that customers use already; fewer of them go out together."""


class ChangeState(Word):
    """How far a change is."""

    BLOCKED = "blocked"  # waits for a router that fetches its configuration itself
    WAITING = "waiting"
    CLAIMED = "claimed"  # a writer has it in hand
    DONE = "done"
    REFUSED = "refused"


_C = ChangeState

CHANGE_LIFE = Life(
    "change",
    table(
        {
            _C.BLOCKED: {_C.WAITING, _C.REFUSED},
            _C.WAITING: {_C.CLAIMED, _C.REFUSED},
            _C.CLAIMED: {_C.WAITING, _C.DONE, _C.REFUSED},
            _C.DONE: (),
            # Somebody may let a refused one be tried anew.
            _C.REFUSED: {_C.WAITING},
        }
    ),
)
UNSETTLED = frozenset({_C.BLOCKED, _C.WAITING, _C.CLAIMED})
QUEUED = frozenset({_C.WAITING, _C.CLAIMED})
"""What the device's writer holds or waits for."""
SETTLED = frozenset({_C.DONE, _C.REFUSED})


class Policy(Word):
    """What to do where the device holds neither what was before nor what we wrote."""

    APPLY = "apply"  # towards a new intent: the intent wins, foreign content blocks
    RESTORE = "restore"  # the same intent again: what is missing comes back, what others set stays
    REFUSE = "refuse"  # change nothing and report every conflict
    KEEP = "keep"  # leave whole entries that somebody has touched, and what they refer to
    FORCE = "force"  # go on regardless


@dataclass(frozen=True, slots=True)
class Change:
    """One change as it is kept."""

    id: int
    device: str
    site: str
    kind: ChangeKind
    policy: Policy
    state: ChangeState
    order_id: str | None = None
    item_id: str | None = None
    task_id: str | None = None
    due_at: datetime | None = None
    attempts: int = 0
    transaction: str | None = None
    """The device transaction that has settled it; none where nothing was sent."""
    edits: int | None = None
    kept: tuple[Path, ...] = ()
    """Paths left as somebody else had made them, because the policy said so."""
    reason: str | None = None
    error: str | None = None
    requested_at: datetime | None = None
    finished_at: datetime | None = None
