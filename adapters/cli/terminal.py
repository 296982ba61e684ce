"""Talking to a command line: prompts, pagers, questions and console noise.

The two libraries bring the characters; what they mean is decided here, once for both.
"""

import re
import time
from abc import ABC, abstractmethod

from adapters.errors import DeviceTimeout, ProtocolError

COMMAND_SECONDS = 60
_WAKE_SECONDS = 1.0
_SILENCE_SECONDS = 3.0
_PROMPT = r"(?P<host>[A-Za-z][\w.\-]{0,62})(?:\((?P<mode>[\w.\-/+]+)\))?(?P<sign>[>#])"
_NOISE_HEAD = (
    r"(?:[*.]?(?:\w{3} +\d+ [\d:.]+|\d{6}:|[\d:.]+)[^\n]*)?%[A-Z][A-Z0-9_]*-\d-[A-Z0-9_]+:"
)
_NOISE = re.compile(rf"{_NOISE_HEAD}[^\n]*")
_END = re.compile(
    rf"(?:^{_PROMPT}[ \t]*\Z)"
    r"|(?P<pager>^ ?-+ ?More ?-+ *\Z)"
    r"|(?P<confirm>\[confirm\] ?\Z)"
    r"|(?P<question>(?:[\[(]y(?:es)?/n(?:o)?[\])][?:]* ?|\]\? ?|[Pp]assword: ?)\Z)",
    re.MULTILINE,
)
_ERASED_PAGER = re.compile(r"\x08+ *\x08*| ?-+ ?More ?-+ *")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal(ABC):
    """A conversation line by line.

    The prompt is known by its form, not by the host's name, which a configuration may change. The
    device's syslog messages are taken out wherever they fall.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self.mode = ""
        """The configuration mode in the prompt's brackets, such as ``config-if``."""
        self.privileged = False

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether the conversation is still open."""

    @abstractmethod
    def close(self) -> None:
        """End the conversation; safe to call twice."""

    @abstractmethod
    def _write(self, text: str) -> None:
        """Send characters."""

    @abstractmethod
    def _read(self) -> str:
        """Return what has come, waiting a moment if nothing has."""

    def ask(self, line: str, seconds: float = COMMAND_SECONDS) -> str:
        """Send ``line`` and return what the device prints until its next prompt.

        Pagers are paged through and ``[confirm]`` is confirmed. Raises ProtocolError for any other
        question and closes, because an answer could do harm; DeviceTimeout after ``seconds``.
        """
        self._write(line + "\n")
        text = self._until_prompt(seconds, echo=line.strip())
        first, _, rest = text.partition("\n")
        return rest if first.strip().endswith(line.strip()) else text

    def greet(self, seconds: float) -> None:
        """Wait for the first prompt; a device that shows none is woken by an empty line."""
        try:
            self._until_prompt(_WAKE_SECONDS, closing=False)
        except DeviceTimeout:
            self._write("\n")
            self._until_prompt(seconds)

    def _until_prompt(self, seconds: float, echo: str = "", *, closing: bool = True) -> str:
        """Return what the device prints until it shows a prompt, noise and prompt taken out.

        A prompt counts only behind the echo of our line: one that comes late is not its answer.
        Where a device does not echo, a prompt followed by silence does.
        """
        began = time.monotonic()
        heard, raw = began, ""
        while True:
            fresh = self._read()
            now = time.monotonic()
            heard = now if fresh else heard
            raw += fresh
            text = _clean(raw)
            end = _END.search(text, max(0, len(text) - 200))
            if end is None or (echo not in text and now - heard < _SILENCE_SECONDS):
                if now - began > seconds:
                    if closing:
                        self.close()
                    raise DeviceTimeout("no prompt", device=self.device)
            elif end["sign"]:
                self.mode, self.privileged = end["mode"] or "", end["sign"] == "#"
                return text[: end.start()].rstrip("\n")
            else:
                raw = self._answered(text, end)

    def _answered(self, text: str, end: re.Match[str]) -> str:
        if end["pager"]:
            self._write(" ")
            return text[: end.start()]
        if end["confirm"]:
            self._write("\n")
            return text + "\n"
        self.close()
        asked = text.rstrip().rpartition("\n")[2]
        raise ProtocolError(f"the device asks: {asked[-120:]}", device=self.device)


def _clean(raw: str) -> str:
    text = _ANSI.sub("", raw.replace("\r", ""))
    if "%" in text:
        text = _NOISE.sub("", text)
        text = re.sub(r"\n{3,}", "\n\n", text)
    if "\x08" in text:
        text = _ERASED_PAGER.sub("", text)
    # A message may fall behind the prompt; then the prompt is followed by empty lines only.
    return re.sub(r"([>#])\s*\n\s*\Z", r"\1", text) if text.rstrip().endswith((">", "#")) else text
