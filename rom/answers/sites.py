"""Answers about one site: its snapshots, what differs, and what a rollback or repair would send."""

from typing import Literal

from pydantic import Field, JsonValue

from rom.answers.answer import Answer
from rom.model.change import ChangeState, Policy
from rom.model.snapshot import Moment
from rom.model.task import Quarantine, TaskState
from rom.model.verdict import Outcome


class ReappliedDevice(Answer):
    """What a second run did to one device; 0 edits where it was as wanted."""

    device: str
    edits: int
    state: ChangeState
    transaction: str | None
    error: str | None = None


class Reapplied(Answer):
    """What a second run of the site's intent did."""

    site: str
    devices: tuple[ReappliedDevice, ...]


class SecretRotation(Answer):
    """A secret of a site that gets another value, and how far its devices are."""

    site: str
    secret: str
    done: bool
    """Whether all of them hold the new value, so that the former one is gone."""
    devices: tuple[ReappliedDevice, ...]


class SnapshotLine(Answer):
    """One snapshot of a site on one device."""

    snapshot: int
    device: str
    role: str
    moment: Moment
    time: str
    order: str | None
    transaction: str | None
    """``None`` for what a load of inventory has planned anew."""
    hash: str
    boundary: bool
    """Whether no order was half done then: a rollback may lead there."""


class ConflictLine(Answer):
    """Where a device holds something else than was left there."""

    kind: str
    path: str
    expected: str | None
    found: str | None
    blocks: bool
    """Whether the policy asked for stops at it."""


class LaterWriter(Answer):
    """What stays because another site or order wrote it later."""

    path: str
    site: str | None = None
    order: str | None = None
    time: str | None = None


class PreviewDevice(Answer):
    """What a rollback would do to one device."""

    device: str
    role: str
    order: int
    """Its turn, from 1."""
    edits: int
    sends: str
    already: tuple[str, ...]
    kept: tuple[str, ...]
    conflicts: tuple[ConflictLine, ...]
    later: tuple[LaterWriter, ...]
    note: str | None = None
    error: str | None = None


class Release(Answer):
    """A resource that would go back to its pool."""

    name: str
    pool: str
    value: str | None


class RollbackPreview(Answer):
    """What a rollback would send and release."""

    site: str
    target: int
    """A snapshot's number; 0 is before everything."""
    orders: tuple[str, ...]
    devices: tuple[PreviewDevice, ...]
    releases: tuple[Release, ...]
    hash: str
    """Stands for all that would be done; a start may name it."""


class Hashes(Answer):
    """What was read before and after, by hash; the contents are kept sealed."""

    site: dict[Moment, str] = Field(default_factory=dict)
    """Of the site's paths."""
    device: dict[Moment, str] = Field(default_factory=dict)
    """Of the whole device, if it shows it."""
    attempts: int = 0


class TakenBack(Answer):
    """What became of a way back on one device."""

    device: str
    state: ChangeState | Literal["notAsked"]
    edits: int
    transaction: str | None
    verdict: Outcome
    kept: tuple[str, ...]
    """What the site still has there against the target, or was left to somebody else."""
    orphans: tuple[str, ...]
    evidence: Hashes
    reason: str | None
    error: str | None


class Released(Answer):
    """A resource that went back to its pool."""

    name: str
    pool: str
    value: str | None
    resource: str


class RollbackResult(Answer):
    """What a rollback has come to."""

    devices: tuple[TakenBack, ...]
    released: tuple[Released, ...]
    quarantine: Quarantine
    verdict: Outcome
    nothing_changed: bool = Field(default=False, alias="nothingChanged")
    """It stopped before it had changed anything."""


class RollbackTarget(Answer):
    """Where a rollback leads, and which orders it takes back."""

    number: int
    orders: tuple[str, ...]


class RollbackTask(Answer):
    """A rollback's task; preview and result stand as they were written at their time."""

    id: str
    site: str
    state: TaskState
    target: RollbackTarget
    policy: Policy
    reason: str
    ticket: str
    requester: str
    preview: dict[str, JsonValue]
    result: dict[str, JsonValue] | None
    created_date: str = Field(alias="createdDate")
    completion_date: str | None = Field(alias="completionDate")
    href: str | None = None


class ComparedPath(Answer):
    """A path with its value on either side, ``None`` where it is not there."""

    kind: str
    path: str
    a: str | None
    b: str | None


class ComparedDevice(Answer):
    """What differs on one device."""

    device: str
    differences: tuple[ComparedPath, ...]
    error: str | None = None


class SiteComparison(Answer):
    """What differs between two snapshots, or between one and the devices now."""

    site: str
    a: int
    b: int | Literal["live"]
    devices: tuple[ComparedDevice, ...]


class Difference(Answer):
    """A path of a device that is not as the site should have it."""

    kind: str
    path: str
    expected: str | None
    found: str | None


class KeptPath(Answer):
    """What a rollback left on purpose, and which one."""

    path: str
    task: str


class RepairDevice(Answer):
    """What a repair would send to one device."""

    device: str
    edits: int
    sends: str
    kept: tuple[KeptPath, ...]
    differences: tuple[Difference, ...] = ()
    overwrites: tuple[str, ...] = ()
    """Where it would replace what somebody else has set since; that needs a reason."""
    error: str | None = None


class RepairPreview(Answer):
    """What a repair of the site would send."""

    site: str
    devices: tuple[RepairDevice, ...]
