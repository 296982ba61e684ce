"""Faults on request: each does its harm as often as asked for, then the device is well again."""

from dataclasses import dataclass, field
from typing import Literal

from mock_devices.netconf.changes import Changes
from mock_devices.netconf.errors import InvalidConfigurationError, RpcError

Moment = Literal["before", "after"]


@dataclass(slots=True)
class _Drop:
    operation: str
    moment: Moment


@dataclass(slots=True)
class _Refusal:
    text: str
    error: RpcError
    times: int | None


@dataclass(slots=True)
class Faults:
    """What shall go wrong next on one device.

    Assign or call; nothing happens until the operation in question arrives.
    """

    refuse_connections: bool = False
    """New TCP connections are cut before SSH says anything, until set back."""
    restarts_at_login: int = 0
    """So many times it is gone between a password and the answer to it."""
    chunk_octets: int = 0
    """Octets of each chunk, wherever that cuts; 0 sends a message as one."""
    before_messages: bytes = b""
    """White space that the device puts before the XML of every message."""
    _answers: dict[str, str] = field(default_factory=dict)
    _drops: list[_Drop] = field(default_factory=list)
    _refusals: list[_Refusal] = field(default_factory=list)
    _slow: list[float] = field(default_factory=list)

    def drop_session(self, operation: str = "commit", moment: Moment = "after") -> None:
        """Cut the connection at the next ``operation``.

        ``before``: it is not carried out. ``after``: it is, but the reply never leaves.
        """
        self._drops.append(_Drop(operation, moment))

    def answer(self, operation: str, said: str) -> None:
        """Carry the next ``operation`` out, and say this in the reply instead of what is right."""
        self._answers[operation] = said

    def said_of(self, operation: str) -> str | None:
        """Return what the reply shall say this time, ``None`` for what is right."""
        return self._answers.pop(operation, None)

    def refuse_commit(
        self, text: str, error: RpcError | None = None, times: int | None = 1
    ) -> None:
        """Refuse commits and validations whose changes touch ``text`` in a name, key or value.

        ``times=None`` keeps refusing until ``clear``.
        """
        refusal = error or RpcError("resource-denied", "out of hardware resources", app_tag="")
        self._refusals.append(_Refusal(text, refusal, times))

    def slow_commit(self, seconds: float) -> None:
        """Add ``seconds`` to the next commit."""
        self._slow.append(seconds)

    def clear(self) -> None:
        """Forget every fault that has not struck yet."""
        self.refuse_connections = False
        self.restarts_at_login = 0
        self.chunk_octets = 0
        self.before_messages = b""
        self._answers.clear()
        self._drops.clear()
        self._refusals.clear()
        self._slow.clear()

    def strikes(self, operation: str, moment: Moment) -> bool:
        """True once for a drop asked for at this point."""
        for drop in self._drops:
            if (drop.operation, drop.moment) == (operation, moment):
                self._drops.remove(drop)
                return True
        return False

    def extra_delay(self) -> float:
        """Return the seconds to add to this commit."""
        return self._slow.pop(0) if self._slow else 0.0

    def check_commit(self, changes: Changes) -> None:
        """Raise ``InvalidConfigurationError`` when a refusal was asked for these changes."""
        for refusal in list(self._refusals):
            if not _touches(changes, refusal.text):
                continue
            if refusal.times is not None:
                refusal.times -= 1
                if refusal.times <= 0:
                    self._refusals.remove(refusal)
            raise InvalidConfigurationError([refusal.error])


def _touches(changes: Changes, text: str) -> bool:
    return any(
        text in change.schema.name
        or text in (change.before or "")
        or text in (change.after or "")
        or any(text in part for key in change.keys for part in key)
        for change in changes.leaves
    )
