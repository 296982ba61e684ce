"""candidate and running of one device, their locks, and commits (RFC 6241 sections 7 and 8)."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree

from mock_devices.netconf.changes import Changes
from mock_devices.netconf.edit import Editor, EditRefusedError
from mock_devices.netconf.errors import RpcError
from mock_devices.netconf.faults import Faults
from mock_devices.netconf.schema import Instance, Schema, instance_path
from mock_devices.netconf.tree import Container
from mock_devices.netconf.validation import Validator

DEFAULT_CONFIRM_TIMEOUT = 600.0


@dataclass(frozen=True, slots=True)
class AppliedCommit:
    """One change of running: ``kind`` is commit, confirmed, confirming or revert."""

    session: int
    kind: str
    changes: Changes

    def paths(self) -> tuple[str, ...]:
        """Return the instance identifiers of all leaves that changed."""
        return tuple(
            instance_path(Instance(leaf.schema, leaf.keys)) for leaf in self.changes.leaves
        )


@dataclass(slots=True)
class Counters:
    """What a device was asked to do since it was made."""

    connections: int = 0
    logins: int = 0
    """Passwords that were tried, refused ones too."""
    edits: int = 0
    commits: int = 0
    applied: deque[AppliedCommit] = field(default_factory=lambda: deque(maxlen=1000))
    """Every change of running, the latest last."""


@dataclass(slots=True)
class _Pending:
    before: Container
    session: int
    persist: str | None
    timer: asyncio.TimerHandle
    is_late: bool = False
    """Its time is over, and somebody holds running."""


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """The parameters of ``<commit>``; ``timeout`` in seconds."""

    session: int
    confirmed: bool = False
    timeout: float = DEFAULT_CONFIRM_TIMEOUT
    persist: str | None = None
    persist_id: str | None = None


class Datastores:
    """The configuration of one device.

    With ``has_startup`` only ``save_startup`` writes to the state folder (RFC 6241 section 8.7):
    what is not copied there is lost at a restart. Without it every commit does.

    A confirmed commit is not written to the state folder before it is confirmed: a device that
    restarts inside the window comes back with what it had before, whether persist was given or not.
    """

    def __init__(
        self,
        schema: Schema,
        running: Container,
        save: Callable[[Container], None],
        faults: Faults,
        counters: Counters,
        commit_delay: Callable[[], float],
        *,
        has_startup: bool = False,
    ) -> None:
        self.schema = schema
        self.running = running
        self.candidate = running
        self.startup: Container | None = running if has_startup else None
        self._commit_delay = commit_delay
        self._dirty_by = 0
        self._save = save
        self._faults = faults
        self._counters = counters
        self._editor = Editor(schema)
        self._validator = Validator(schema)
        self._validator.check(running)
        self._validator.accept(running)
        self._locks: dict[str, int] = {}
        self._pending: _Pending | None = None
        self._committing = asyncio.Lock()

    def edit(
        self,
        session: int,
        config: etree._Element,
        *,
        default_operation: str = "merge",
        error_option: str = "stop-on-error",
        test_option: str = "set",
    ) -> None:
        """Edit the candidate; raise ``RpcError`` or ``InvalidConfigurationError``.

        After an error the candidate is as before with rollback-on-error, and holds what came
        before the error with stop-on-error.
        """
        self._free_for(session, "candidate")
        self._counters.edits += 1
        try:
            edited = self._editor.apply(self.candidate, config, default_operation)
        except EditRefusedError as refused:
            if error_option == "stop-on-error" and refused.partial and test_option == "set":
                self._set_candidate(session, refused.partial)
            raise refused.error from refused
        if test_option != "set":
            self._validator.check(edited)
        if test_option != "test-only":
            self._set_candidate(session, edited)

    async def edit_running(self, session: int, config: etree._Element, operation: str) -> None:
        """Edit running in one step, for a device with writable-running."""
        self._free_for(session, "running")
        self._counters.edits += 1
        try:
            edited = self._editor.apply(self.running, config, operation)
        except EditRefusedError as refused:
            raise refused.error from refused
        async with self._committing:
            self._faults.check_commit(self._validator.check(edited))
            await asyncio.sleep(self._commit_delay() + self._faults.extra_delay())
            self._apply(session, edited, "commit")
            self._keep(edited)

    def save_startup(self, session: int) -> None:
        """Copy running to startup (RFC 6241 section 8.7.5.1)."""
        self._free_for(session, "startup")
        self.startup = self.running
        self._save(self.running)

    def discard(self, session: int) -> None:
        """Make the candidate what running is."""
        self._free_for(session, "candidate")
        self._drop_candidate()

    def validate(self, state: Container) -> None:
        """Raise ``InvalidConfigurationError`` when the device would refuse to commit ``state``."""
        self._faults.check_commit(self._validator.check(state))

    def lock(self, session: int, target: str) -> None:
        """Take a lock; lock-denied names the holder, 0 when none holds it (RFC 6241 7.5)."""
        holder = self._locks.get(target)
        if holder is not None:
            raise _denied(holder, f"{target} is locked by session {holder}")
        if target == "candidate" and self._dirty_by:
            raise _denied(0, f"candidate holds uncommitted changes of session {self._dirty_by}")
        if target == "running" and self._pending and self._pending.session not in (0, session):
            owner = self._pending.session
            raise _denied(owner, f"session {owner} has a confirmed commit under way")
        self._locks[target] = session

    def unlock(self, session: int, target: str) -> None:
        """Give a lock back; changes left in a locked candidate are discarded (RFC 6241 8.3.5.2)."""
        if self._locks.get(target) != session:
            raise RpcError("operation-failed", f"this session holds no lock on {target}")
        del self._locks[target]
        if target == "candidate":
            self._drop_candidate()
        elif self._pending is not None and self._pending.is_late:
            self._revert()

    def session_ended(self, session: int) -> None:
        """Release what the session held; its own confirmed commit goes back unless persistent."""
        for target in [name for name, holder in self._locks.items() if holder == session]:
            self.unlock(session, target)
        if self._pending is not None and self._pending.session == session:
            if self._pending.persist is None:
                self._revert()
            else:
                self._pending.session = 0

    async def commit(self, request: CommitRequest) -> None:
        """Make the candidate running.

        Raises ``RpcError`` or ``InvalidConfigurationError``; then nothing has changed.
        """
        self._counters.commits += 1
        self._free_for(request.session, "running")
        self._free_for(request.session, "candidate")
        async with self._committing:
            self._may_confirm(request)
            wanted = self.candidate
            self._faults.check_commit(self._validator.check(wanted))
            pending, self._pending = self._pending, None
            if pending is not None:
                pending.timer.cancel()
            await asyncio.sleep(self._commit_delay() + self._faults.extra_delay())
            before = pending.before if pending else self.running
            kind = "confirmed" if request.confirmed else "confirming" if pending else "commit"
            self._apply(request.session, wanted, kind)
            if request.confirmed:
                self._arm(request, before, pending)
            else:
                self._keep(wanted)

    def cancel_commit(self, session: int, persist_id: str | None) -> None:
        """Take a confirmed commit back now (RFC 6241 section 8.4.4.1)."""
        pending = self._pending
        if pending is None:
            raise RpcError("operation-failed", "no confirmed commit is under way")
        if persist_id != pending.persist:
            raise RpcError("invalid-value", "persist-id does not name the commit under way")
        if pending.persist is None and pending.session != session:
            raise RpcError("operation-failed", "the confirmed commit is another session's")
        self._revert()

    def stop(self) -> None:
        """Forget the armed confirmed commit without applying anything; for a device going down."""
        if self._pending is not None:
            self._pending.timer.cancel()
            self._pending = None

    def _keep(self, state: Container) -> None:
        if self.startup is None:
            self._save(state)

    def _free_for(self, session: int, target: str) -> None:
        holder = self._locks.get(target, session)
        if holder != session:
            raise RpcError(
                "in-use",
                f"{target} is locked by session {holder}",
                info={"session-id": str(holder)},
            )

    def _set_candidate(self, session: int, state: Container) -> None:
        clean = state == self.running
        self.candidate = self.running if clean else state
        self._dirty_by = 0 if clean else session

    def _drop_candidate(self) -> None:
        self.candidate = self.running
        self._dirty_by = 0

    def _may_confirm(self, request: CommitRequest) -> None:
        pending = self._pending
        if pending is None:
            if request.persist_id is not None:
                raise RpcError("invalid-value", "no persistent confirmed commit is under way")
            return
        if request.persist_id is not None and request.persist_id != pending.persist:
            raise RpcError("invalid-value", "persist-id does not name the commit under way")
        if request.persist_id is None and (
            pending.persist is not None or pending.session != request.session
        ):
            raise RpcError("in-use", "another confirmed commit is under way")

    def _arm(self, request: CommitRequest, before: Container, previous: _Pending | None) -> None:
        persist = request.persist or (previous.persist if previous else None)
        timer = asyncio.get_running_loop().call_later(request.timeout, self._time_over)
        self._pending = _Pending(before, request.session, persist, timer)

    def _time_over(self) -> None:
        """Go back, or as soon as nobody holds running: so do servers in the field."""
        if self._pending is not None and "running" in self._locks:
            self._pending.is_late = True
            return
        self._revert()

    def _revert(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.timer.cancel()
            self._apply(pending.session, pending.before, "revert")

    def _apply(self, session: int, state: Container, kind: str) -> None:
        follows = self.candidate in (self.running, state)
        self.running = state
        changes = self._validator.accept(state)
        self._counters.applied.append(AppliedCommit(session, kind, changes))
        if follows:
            self._drop_candidate()


def _denied(holder: int, message: str) -> RpcError:
    return RpcError("lock-denied", message, kind="protocol", info={"session-id": str(holder)})
