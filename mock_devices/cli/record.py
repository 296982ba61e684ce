"""What a device was told: a log of lines without secrets, counters, and faults to order."""

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Literal

_SECRET = re.compile(
    r"\b(password|secret|key|md5|auth sha(?:-2 \d+)?|priv(?: aes)? \d+)(\s+[0-9]{1,2})?\s+"
    r"(?!generate|config|replace|0\s|6\s|9\s)(\S+)"
)
_KEPT_LINES = 10_000


def without_secrets(line: str) -> str:
    """Return the line with whatever follows ``password``, ``secret`` and the like masked."""
    return _SECRET.sub(lambda found: f"{found[1]}{found[2] or ''} <removed>", line)


@dataclass(frozen=True, slots=True)
class LoggedLine:
    """One line that a device was told."""

    user: str
    mode: Literal["exec", "configuration"]
    line: str
    accepted: bool


class SessionDroppedError(Exception):
    """A fault that was ordered: the device closes the session here."""


@dataclass(slots=True)
class Faults:
    """Faults to order; each happens as often as ordered, most once."""

    restarts_at_login: int = 0
    """So many times it is gone between a password and the answer to it."""
    _refusals: list[tuple[str, str]] = field(default_factory=list)
    _noise: list[str] = field(default_factory=list)
    _drop_after: int | None = None

    def refuse(self, text: str, message: str = "% Command rejected: resource exhausted") -> None:
        """Refuse the next configuration line that contains ``text``, printing ``message``."""
        self._refusals.append((text, message))

    def drop_session_after(self, lines: int) -> None:
        """Close the session after so many more configuration lines were accepted."""
        self._drop_after = lines

    def make_noise(self, text: str) -> None:
        """Print a log message such as ``%LINK-3-UPDOWN: ...`` after the next line's echo."""
        self._noise.append(text)

    def refusal(self, line: str) -> str | None:
        """Return the message with which to refuse this line, and forget the fault."""
        for index, (text, message) in enumerate(self._refusals):
            if text in line:
                del self._refusals[index]
                return message
        return None

    def noise(self) -> str | None:
        """Return the log message due now, and forget it."""
        return self._noise.pop(0) if self._noise else None

    def count_line(self) -> None:
        """Count an accepted line; raises SessionDroppedError when the ordered number is reached."""
        if self._drop_after is None:
            return
        self._drop_after -= 1
        if self._drop_after <= 0:
            self._drop_after = None
            raise SessionDroppedError


@dataclass(slots=True)
class Record:
    """A device's log (the last 10,000 lines) and counters.

    Counters: ``sessions``, ``logins_refused``, ``exec``, ``configuration`` (accepted lines),
    ``refused``, ``writes`` (startup configuration written), ``reverts``.
    """

    lines: deque[LoggedLine] = field(default_factory=lambda: deque(maxlen=_KEPT_LINES))
    counters: Counter[str] = field(default_factory=Counter)

    def note(
        self, user: str, mode: Literal["exec", "configuration"], line: str, *, accepted: bool
    ) -> None:
        """Write one line down, secrets masked, and count it."""
        self.lines.append(LoggedLine(user, mode, without_secrets(line), accepted))
        self.counters[mode if accepted else "refused"] += 1

    def configuration_lines(self) -> list[str]:
        """Return the accepted configuration lines in order."""
        return [
            entry.line for entry in self.lines if entry.mode == "configuration" and entry.accepted
        ]
