"""A device without its network side: configurations, files, secrets and the revert timer."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from mock_devices.cli.configuration import Section, running_lines
from mock_devices.cli.editor import Editor
from mock_devices.cli.grammar import CONFIG, Grammar
from mock_devices.cli.pattern import RefusalError
from mock_devices.cli.record import Faults, Record
from mock_devices.cli.vault import Vault

MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Remark:
    """What the device said about a line of a file, and whether it refused the line."""

    line: str
    message: str
    refused: bool


class Machine:
    """The state that every session of a device shares.

    ``state_dir`` keeps ``startup.cfg`` (what was saved), ``running.cfg`` (so that the simulation
    itself can be restarted) and the folder ``flash``. ``minute`` is the length of a minute of the
    revert timer in seconds.
    """

    def __init__(
        self, name: str, grammar: Grammar, state_dir: Path, *, serial: str, minute: float = MINUTE
    ) -> None:
        self.name = name
        self.grammar = grammar
        self.serial = serial
        self.state_dir = state_dir
        self.flash = state_dir / "flash"
        self.flash.mkdir(parents=True, exist_ok=True)
        self.vault = Vault(name)
        self.record = Record()
        self.faults = Faults()
        self.configuration = Section(CONFIG)
        self.started = monotonic()
        self.quiet = False
        """True with ``file prompt quiet``: file commands ask nothing."""
        self.on_change: Callable[[], None] = lambda: None
        self.on_action: Callable[[str, dict[str, str], bool], str] = lambda *_: ""
        self.on_save: Callable[[], None] = lambda: None
        self.on_reload: Callable[[], None] = lambda: None
        self.link_up: Callable[[str], bool] = lambda _interface: True
        self._minute = minute
        self._revert: asyncio.TimerHandle | None = None
        self._checkpoint = ""
        self.load(grammar.factory)

    @property
    def hostname(self) -> str:
        """The configured host name, which prompts begin with."""
        return self.configuration.value("hostname") or self.grammar.wording.host

    @property
    def editor(self) -> Editor:
        """What applies lines to the present configuration."""
        return Editor(self.grammar, self.configuration, self.vault, self._act)

    @property
    def startup(self) -> str | None:
        """The saved configuration, None when there is none."""
        path = self.state_dir / "startup.cfg"
        return path.read_text(encoding="utf-8") if path.exists() else None

    def running_text(self) -> str:
        """Return the running configuration from ``version`` to ``end``."""
        lines = running_lines(self.grammar, self.configuration)
        closing = [] if lines[-1:] == ["!"] else ["!"]
        grammar = self.grammar
        heading = [line.format(version=grammar.version) for line in grammar.wording.heading]
        return "\n".join([*heading, *lines, *closing, "end", ""])

    def load(self, text: str) -> list[str]:
        """Make ``text`` the running configuration and return the lines that were refused."""
        self.configuration = Section(CONFIG)
        for interface in self.grammar.interfaces:
            line = self.grammar.ports.line.format(port=interface)
            self.editor.apply([self.configuration], line)
        refused = [remark.line for remark in self.merge(text) if remark.refused]
        self.on_change()
        return refused

    def merge(self, text: str) -> list[Remark]:
        """Apply a file's lines to the running configuration; return lines and remarks on them."""
        stack = [self.configuration]
        remarks: list[Remark] = []
        for raw in text.splitlines():
            line = raw.strip()
            if line == "end":
                break
            if not line or line.startswith("!") or self._is_heading(line):
                continue
            if line == "exit":
                stack = stack[:-1] or stack
                continue
            try:
                if message := self.editor.apply(stack, line):
                    remarks.append(Remark(line, message, refused=False))
            except RefusalError as refusal:
                remarks.append(Remark(line, refusal.message, refused=True))
        self.on_change()
        return remarks

    def _is_heading(self, line: str) -> bool:
        heads = (head.partition("{")[0] for head in self.grammar.wording.heading)
        return any(head != "!" and line.startswith(head) for head in heads)

    def save(self) -> None:
        """Write the running configuration to the startup configuration."""
        write_durably(self.state_dir / "startup.cfg", self.running_text())
        self.on_save()
        self.record.counters["writes"] += 1

    def hibernate(self) -> None:
        """Keep the running configuration for the next start of the simulation."""
        write_durably(self.state_dir / "running.cfg", self.running_text())

    def wake(self) -> bool:
        """Take up the running configuration that ``hibernate`` kept, if there is one."""
        path = self.state_dir / "running.cfg"
        if not path.exists():
            return False
        self.load(path.read_text(encoding="utf-8"))
        return True

    def restart(self) -> None:
        """Lose the running configuration and begin with the startup configuration."""
        self.stop_timer()
        (self.state_dir / "running.cfg").unlink(missing_ok=True)
        self.quiet = False
        self.started = monotonic()
        self.load(self.startup or self.grammar.factory)

    def password_accepted(self, username: str, password: str) -> int | None:
        """Return the user's privilege level, None when name or password are wrong."""
        for line in self.configuration.starting(f"username {username}"):
            if "secret" in line.arguments and self.vault.matches(
                line.arguments["secret"], password
            ):
                return int(line.arguments.get("privilege", "1"))
        return None

    def archive_path(self) -> str | None:
        """Return the place for checkpoints, None when ``archive`` has none configured."""
        section = self.configuration.section("archive")
        return section.value("path") if section else None

    def arm_revert(self, minutes: int) -> None:
        """Go back to the present running configuration unless confirmed in so many minutes."""
        self.stop_timer()
        self._checkpoint = self.running_text()
        loop = asyncio.get_running_loop()
        self._revert = loop.call_later(minutes * self._minute, self.revert)

    @property
    def revert_pending(self) -> bool:
        """Tell whether the revert timer runs."""
        return self._revert is not None

    def revert(self) -> None:
        """Go back to the checkpoint now."""
        self.stop_timer()
        self.record.counters["reverts"] += 1
        self.load(self._checkpoint)

    def stop_timer(self) -> None:
        """Stop the revert timer: the changes stay."""
        if self._revert is not None:
            self._revert.cancel()
            self._revert = None

    def _act(self, action: str, arguments: dict[str, str], negated: bool) -> str:  # noqa: FBT001 - ConfigurationAction
        if action == "file-prompt":
            self.quiet = not negated and arguments.get("mode") == "quiet"
            return ""
        if action == "accept":
            return ""
        return self.on_action(action, arguments, negated)


def write_durably(path: Path, text: str) -> None:
    """Write a file so that after a crash either the old or the new content is there."""
    temporary = path.with_suffix(path.suffix + ".new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
