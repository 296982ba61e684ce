"""One session's conversation with a device: modes, prompts and what a line leads to."""

import re
from collections.abc import Awaitable, Callable, Mapping

from mock_devices.cli.configuration import Section
from mock_devices.cli.grammar import CONFIG, EXEC, PRIVILEGED
from mock_devices.cli.machine import Machine
from mock_devices.cli.pattern import RefusalError, next_words

Handler = Callable[["Shell", dict[str, str]], Awaitable[str]]
"""Carries out an exec command: the session and the arguments in, the output out."""
Asker = Callable[[str, bool], Awaitable[str]]
"""Asks the user a question; True hides the answer."""

DEFAULT_LENGTH, DEFAULT_WIDTH = 24, 80
ADMINISTRATOR = 15
_PIPE = re.compile(r"\s\|\s*(i|inc|include|e|ex|exc|exclude|b|beg|begin|s|sec|section)\s+(.+)$")


class UnansweredError(Exception):
    """A command asked a question where nobody can answer, as in a script's call."""


async def _nobody(question: str, _hidden: bool) -> str:  # noqa: FBT001 - shape of Asker
    raise UnansweredError(question)


class Shell:
    """A session. ``ask`` puts a question to whoever types; scripts have nobody to ask."""

    def __init__(
        self,
        machine: Machine,
        handlers: Mapping[str, Handler],
        *,
        user: str,
        privilege: int,
        ask: Asker = _nobody,
    ) -> None:
        self.machine = machine
        self.user = user
        self.privilege = privilege
        self.ask = ask
        self.length = DEFAULT_LENGTH
        self.width = DEFAULT_WIDTH
        self.closed = False
        self.dropped = False
        """True when an ordered fault ended the session."""
        self.refused = False
        """True when the last line was not accepted by the parser."""
        self.stack: list[Section] = []
        """The open configuration sections; empty outside configuration mode."""
        self._handlers = handlers

    @property
    def mode(self) -> str:
        """The grammar's name of the present mode."""
        if self.stack:
            return self.stack[-1].mode
        return PRIVILEGED if self.privilege == ADMINISTRATOR else EXEC

    @property
    def prompt(self) -> str:
        """The prompt, which follows the configured host name."""
        name, end = self.machine.hostname, self.machine.grammar.wording.prompt_end
        if self.stack:
            return f"{name}({self.machine.grammar.modes[self.mode].prompt})#{end}"
        return f"{name}{'#' if self.mode == PRIVILEGED else '>'}{end}"

    async def execute(self, line: str) -> str:
        """Carry out one line and return the output, which ends with a line feed if there is any.

        Raises SessionDroppedError when that fault is due, UnansweredError where nobody can answer.
        """
        text = line.strip()
        self.refused = False
        if not text or text.startswith("!"):
            return ""
        if not self.stack:
            return await self._exec(line, len(self.prompt))
        if text in {"exit", "end"}:
            self.stack = [] if text == "end" else self.stack[:-1]
            return ""
        if text.lower().startswith("do "):
            offset = line.lower().index("do ") + 3
            return await self._exec(line[offset:], len(self.prompt) + offset)
        return self._configure(line)

    def enter_configuration(self) -> None:
        """Open configuration mode."""
        self.stack = [self.machine.configuration]

    def help(self, line: str) -> str:
        """Return what may follow, as ``?`` prints it."""
        mode = CONFIG if self.stack and self.mode == CONFIG else self.mode
        try:
            words = next_words(self.machine.grammar.start(mode), line, self.machine.grammar.parse)
        except RefusalError as refusal:
            return refusal.message + "\n"
        return "".join(f"  {word}\n" for word in words) or "% Unrecognized command\n"

    def _configure(self, line: str) -> str:
        machine = self.machine
        message = machine.faults.refusal(line)
        accepted = message is None
        if self.stack[0] is not machine.configuration:
            # Somebody reloaded or replaced the configuration under this session's feet.
            self.stack = [machine.configuration]
        if message is None:
            try:
                message = machine.editor.apply(self.stack, line)
            except RefusalError as refusal:
                accepted, message = False, self._marked(refusal, len(self.prompt))
        self.refused = not accepted
        machine.record.note(self.user, "configuration", line.strip(), accepted=accepted)
        if accepted:
            machine.on_change()
            machine.faults.count_line()
        return f"{message}\n" if message else ""

    async def _exec(self, line: str, prompt_length: int) -> str:
        command_line, _, _ = line.partition(" | ") if _PIPE.search(line) else (line, "", "")
        mode = PRIVILEGED if self.stack else self.mode
        try:
            command, reading, _ = self.machine.grammar.read(mode, command_line)
        except RefusalError as refusal:
            self.refused = True
            self.machine.record.note(self.user, "exec", line.strip(), accepted=False)
            return self._marked(refusal, prompt_length) + "\n"
        self.machine.record.note(self.user, "exec", line.strip(), accepted=True)
        if command.action == "accept":
            return ""
        output = await self._handlers[command.action](self, dict(reading.arguments))
        if output and not output.endswith("\n"):
            output += "\n"
        piped = _PIPE.search(line)
        return filtered(output, piped[1], piped[2].strip()) if piped else output

    def _marked(self, refusal: RefusalError, prompt_length: int) -> str:
        if refusal.column is None or not self.machine.grammar.wording.caret:
            return refusal.message + "\n"
        return f"{' ' * (prompt_length + refusal.column)}^\n{refusal.message}\n"


def filtered(output: str, how: str, pattern: str) -> str:
    """Return what ``| include``, ``exclude``, ``begin`` or ``section`` leave of the output."""
    try:
        wanted = re.compile(pattern)
    except re.error:
        return "% Invalid regular expression\n"
    lines = output.splitlines()
    if how.startswith("i"):
        kept = [line for line in lines if wanted.search(line)]
    elif how.startswith("e"):
        kept = [line for line in lines if not wanted.search(line)]
    elif how.startswith("b"):
        first = next((i for i, line in enumerate(lines) if wanted.search(line)), len(lines))
        kept = lines[first:]
    else:
        kept = _sections(lines, wanted)
    return "".join(f"{line}\n" for line in kept)


def _sections(lines: list[str], wanted: re.Pattern[str]) -> list[str]:
    kept: list[str] = []
    depth: int | None = None
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if depth is not None and indent > depth:
            kept.append(line)
            continue
        depth = None
        if wanted.search(line):
            kept.append(line)
            depth = indent
    return kept
