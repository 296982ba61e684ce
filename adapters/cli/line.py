"""What stands between a device's characters and the library that waits for a prompt.

A library's driver knows prompts, echoes and logins. What no answer is stays here, once for both
libraries: console messages that fall anywhere, pagers, questions, and how long to wait.
"""

import re
import time
from collections.abc import Callable

from adapters.errors import DeviceTimeout, ProtocolError
from device_profiles.dialects import CliDialect

SETTLED = 0.05
"""Seconds of silence after which an unfinished line is taken as it stands."""
_MESSAGE_SECONDS = 1.0
_CONFIRM_SECONDS = 0.3
_QUESTION_SECONDS = 1.5
_NAME_LENGTH = 16
_FACILITY = r"%[A-Z][A-Z0-9_]*-\d-[A-Z0-9_]+:"
_STAMP = r"[*.]?(?:\w{3} +\d+ [\d:.]+|\d{6}:)[^\n%]*"
_MESSAGE = re.compile(
    rf"(?:{_STAMP}{_FACILITY}|(?:^|(?<=[>#]))(?:[\d:.]+[^\n%]*)?{_FACILITY})[^\n]*\n", re.MULTILINE
)
"""A console message begins a line, follows a prompt, or has its time before it."""
_MAY_BE_MESSAGE = re.compile(r"(?:[*.]?\w{3} +\d|[*.]?\d\d:\d\d:|\d{6}:|[*.]\w*$|%[A-Z]).*")
_QUESTION = re.compile(
    r"(?:[\[(]y(?:es)?/n(?:o)?[\])][?:]*|\]\?|\?|[Pp]ass(?:word|phrase|code):|[Uu]sername:) *\Z"
)
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_UNFINISHED = re.compile(r"(?:\x1b(?:\[[0-9;?]*)?|\x08[\x08 ]*)\Z")
_ERASED = re.compile(r"\x08+ *\x08*")


class Line:
    """A device's characters, handed on as far as they are clear.

    Whole lines go on at once, an unfinished one when it is a prompt, an echo behind one, or when
    nothing follows it for a moment. ``write`` sends characters, ``clock`` returns seconds.
    """

    def __init__(
        self,
        device: str,
        dialect: CliDialect,
        write: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device = device
        self._write = write
        self._clock = clock
        self._prompt = re.compile(dialect.prompt)
        self._pager = re.compile(rf" *(?:{dialect.pager}) *")
        self._confirmations = [re.compile(rf"(?:{each}) *\Z") for each in dialect.confirmations]
        self._held = ""
        self._shown = ""
        """What of the present line has been handed on."""
        self._host = ""
        self._heard = self._deadline = clock()

    def expect(self, seconds: float) -> None:
        """Allow ``seconds`` from now until the device shows a prompt."""
        self._heard = self._clock()
        self._deadline = self._heard + seconds

    @property
    def asked(self) -> str:
        """The question the device seems to have stopped at, empty when it has not."""
        text = self._shown + self._held
        return "" if self._prompt.match(text) or not _QUESTION.search(text) else text.strip()

    def heard(self, fresh: str) -> str:
        """Return what can be handed on, now that ``fresh`` has come; empty text is silence.

        Raises ProtocolError when the device asks what nobody has answered, DeviceTimeout when the
        time is over.
        """
        now = self._clock()
        if fresh:
            self._heard = now
            self._held += fresh.replace("\r", "")
        if fresh or self._held:
            return self._clear(now - self._heard)
        if self.asked and now - self._heard >= _QUESTION_SECONDS:
            raise ProtocolError(f"the device asks: {self.asked[-120:]}", device=self._device)
        self._in_time(now)
        return ""

    def _in_time(self, now: float) -> None:
        if now <= self._deadline:
            return
        if self.asked:
            raise ProtocolError(f"the device asks: {self.asked[-120:]}", device=self._device)
        raise DeviceTimeout("no prompt", device=self._device)

    def _clear(self, silent: float) -> str:
        if _UNFINISHED.search(self._held) and silent < SETTLED:
            return ""
        text = _ERASED.sub("", _ANSI.sub("", self._held))
        whole, line = _split(_MESSAGE.sub("", text))
        if whole:
            self._shown = ""
        if not self._ready(line, silent):
            self._held = line
            self._in_time(self._clock())
            return whole
        self._held = ""
        if self._answered(line):
            self._shown = ""
            return whole
        return whole + self._show(line)

    def _ready(self, line: str, silent: float) -> bool:
        if not line:
            return True
        if _MAY_BE_MESSAGE.match(line):
            return silent >= _MESSAGE_SECONDS
        if self._confirms(line):
            return silent >= _CONFIRM_SECONDS
        if self._shown or silent >= SETTLED:
            return True
        prompt = self._prompt.match(line)
        if prompt is None:
            return False
        return bool(line[prompt.end() :].strip()) or self._is_ours(prompt)

    def _is_ours(self, prompt: re.Match[str]) -> bool:
        """Tell whether a prompt is the present host's; text may look like another's."""
        host = prompt.groupdict().get("host")
        # A configuration mode may shorten the name.
        return host is None or host[:_NAME_LENGTH] == self._host[:_NAME_LENGTH]

    def _confirms(self, line: str) -> bool:
        text = self._shown + line
        return not self._prompt.match(text) and any(
            each.search(text) for each in self._confirmations
        )

    def _answered(self, line: str) -> bool:
        """Answer a pager or a confirmation; it is no output then."""
        if not self._shown and self._pager.fullmatch(line):
            self._write(" ")
            return True
        if self._confirms(line):
            self._write("\n")
            return True
        return False

    def _show(self, line: str) -> str:
        self._shown += line
        prompt = self._prompt.fullmatch(self._shown.strip())
        if prompt is not None:
            self._host = prompt.groupdict().get("host") or ""
        return line


def _split(text: str) -> tuple[str, str]:
    """Return the finished lines of ``text`` and the one that is not."""
    whole, newline, line = text.rpartition("\n")
    return whole + newline, line
