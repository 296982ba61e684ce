"""A command line one can ask, whichever library holds the conversation."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable

from pydantic import SecretStr

from adapters.cli.line import Line
from adapters.errors import (
    AdapterError,
    AuthenticationFailed,
    DeviceTimeout,
    ProtocolError,
    Unsupported,
)
from device_profiles.dialects import CliDialect, Privilege

EnableSecret = Callable[[], SecretStr]
"""Resolves the secret at the moment of sending."""
COMMAND_SECONDS = 60
OPEN_SECONDS = 15


class Terminal(ABC):
    """A conversation line by line, logged in and privileged where the secret for it is known.

    The library knows prompts and echoes; what its last prompt says of the mode is read by the
    dialect's expression, which knows a prompt by its form, not by the host's name.
    """

    def __init__(self, device: str, dialect: CliDialect) -> None:
        self.device = device
        self.mode = ""
        """The configuration mode that the last prompt showed; empty outside."""
        self.privileged = False
        self._line = Line(device, dialect, self._write)
        self._prompt = re.compile(rf"^(?:{dialect.prompt})\s*\Z", re.MULTILINE)

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether the conversation is still open."""

    @abstractmethod
    def close(self) -> None:
        """End the conversation; safe to call twice."""

    @abstractmethod
    def _write(self, text: str) -> None:
        """Send characters past the library."""

    @abstractmethod
    def _asked(self, line: str, seconds: float) -> str:
        """Have the library send ``line``; return what came up to and with the next prompt."""

    @abstractmethod
    def _become_privileged(self, privilege: Privilege, secret: SecretStr) -> None:
        """Have the library become privileged by ``secret``."""

    def ask(self, line: str, seconds: float = COMMAND_SECONDS) -> str:
        """Send ``line`` and return what the device prints before its next prompt.

        Pagers are paged through and the dialect's confirmations are given. Raises ProtocolError
        for any other question, because an answer could do harm, DeviceTimeout after ``seconds``,
        SessionLost; all of them close the conversation.
        """
        self._line.expect(seconds)
        try:
            return self._judged(self._asked(line, seconds))
        except AdapterError:
            self.close()
            raise

    def _settle(self, dialect: CliDialect, secret: EnableSecret | None) -> None:
        """Wait for the first prompt, become privileged, and set the terminal up."""
        self.ask("", OPEN_SECONDS)
        if not self.privileged and dialect.privilege is not None and secret is not None:
            self._escalate(dialect.privilege, secret)
        for line in dialect.session:
            self.ask(line)

    def _escalate(self, privilege: Privilege, secret: EnableSecret) -> None:
        self._line.expect(OPEN_SECONDS)
        try:
            self._become_privileged(privilege, secret())
        except (ProtocolError, DeviceTimeout, Unsupported) as error:
            self.close()
            raise AuthenticationFailed(
                f"the secret for {privilege.line!r} was refused", device=self.device
            ) from error
        except AdapterError:
            self.close()
            raise
        self.ask("")

    def _judged(self, text: str) -> str:
        found = self._prompt.search(text)
        if found is None:
            raise ProtocolError("no prompt that the dialect knows", device=self.device)
        self.mode = found["mode"] or ""
        self.privileged = found["privileged"] is not None
        return text[: found.start()].strip("\n")


def unnamed(prompt: str) -> str:
    """Return a prompt's expression without groups, anchored to the end of what has come.

    The libraries split what they read at groups.
    """
    plain = re.sub(r"[(][?]P<[^>]+>", "(?:", prompt)
    return rf"(?m:^(?:{plain})\s*\Z)"
