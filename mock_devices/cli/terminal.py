"""The terminal side of an SSH session: keys, echo, questions and the pager."""

import asyncio
from collections import deque
from typing import Any

import asyncssh

from mock_devices.cli.record import SessionDroppedError
from mock_devices.cli.shell import Shell, UnansweredError

_MORE = " --More-- "
_ERASE = "\b" * 9 + " " * 9 + "\b" * 9
_INTERRUPTS = frozenset("\x03\x1a")
_QUESTION_FOR_ONE_KEY = "[confirm]"
_CHUNK = 8192
_SIGNALS = (asyncssh.BreakReceived, asyncssh.SignalReceived)


class HangupError(Exception):
    """The other side has gone."""


class Terminal:
    """Reads keys from an SSH channel and shows the device's answers on it."""

    def __init__(self, process: "asyncssh.SSHServerProcess[str]") -> None:
        self._process = process
        self._keys: deque[str] = deque()
        self._last = ""

    def write(self, text: str) -> None:
        """Show text; line feeds become carriage return and line feed."""
        self._process.stdout.write(text.replace("\n", "\r\n"))

    async def key(self) -> str:
        """Return the next key; the line feed after a carriage return is no key of its own."""
        while True:
            while not self._keys:
                await self._process.stdout.drain()
                try:
                    chunk: Any = await self._process.stdin.read(_CHUNK)
                except asyncssh.TerminalSizeChanged:
                    continue
                if not chunk:
                    raise HangupError
                self._keys.extend(chunk)
            key, before = self._keys.popleft(), self._last
            self._last = key
            if key == "\n" and before == "\r":
                continue
            return "\n" if key == "\r" else key

    async def line(self, *, hidden: bool = False, shell: Shell | None = None) -> str:
        """Return the line that is typed, echoing it unless hidden; Ctrl-C gives an empty one.

        Ctrl-Z ends configuration mode like the line ``end``. With a shell, ``?`` shows help.
        """
        typed = ""
        while True:
            key = await self.key()
            if key == "\n":
                self.write("\n")
                return typed
            if key in _INTERRUPTS:
                self.write("^C\n" if key == "\x03" else "^Z\n")
                return "" if key == "\x03" else "end"
            if key == "?" and shell is not None:
                self.write(f"?\n{shell.help(typed)}\n{shell.prompt}{typed}")
            elif key in "\x08\x7f":
                if typed and not hidden:
                    self.write("\b \b")
                typed = typed[:-1]
            elif key == "\x15":
                self.write("" if hidden else "\b \b" * len(typed))
                typed = ""
            elif key.isprintable() or key == "\t":
                typed += " " if key == "\t" else key
                self.write("" if hidden else key)

    async def ask(self, question: str, hidden: bool) -> str:  # noqa: FBT001 - shape of Asker
        """Ask a question; ``[confirm]`` is answered by one key."""
        self.write(question)
        if not question.endswith(_QUESTION_FOR_ONE_KEY):
            return await self.line(hidden=hidden)
        key = await self.key()
        self.write("\n")
        return key.strip()

    async def show(self, text: str, length: int) -> None:
        """Show output, stopping at every ``length`` lines unless that is 0."""
        lines = text.split("\n")
        shown = 0
        for number, line in enumerate(lines):
            if length and shown >= length - 1 and number < len(lines) - 1:
                self.write(_MORE)
                key = await self.key()
                self.write(_ERASE)
                if key in "qQ\x03":
                    self.write("\n")
                    return
                shown = length - 2 if key == "\n" else 0
            self.write(line + ("\n" if number < len(lines) - 1 else ""))
            shown += 1


async def converse(process: "asyncssh.SSHServerProcess[str]", shell: Shell) -> None:
    """Hold a session until either side ends it."""
    terminal = Terminal(process)
    shell.ask = terminal.ask
    try:
        if process.command:
            await _single(terminal, shell, process.command)
        else:
            terminal.write("\n")
            await _session(terminal, shell)
    except SessionDroppedError:
        shell.dropped = True
        return
    except (HangupError, asyncssh.Error, OSError, *_SIGNALS):
        shell.closed = True
    process.exit(0)


async def _single(terminal: Terminal, shell: Shell, command: str) -> None:
    terminal.write(await _answer(shell, command))


async def _session(terminal: Terminal, shell: Shell) -> None:
    while not shell.closed:
        terminal.write(shell.prompt)
        line = await terminal.line(shell=shell)
        if noise := shell.machine.faults.noise():
            terminal.write(f"*{noise}\n")
        output = await _answer(shell, line)
        await terminal.show(output, 0 if shell.stack else shell.length)
        await asyncio.sleep(0)


async def _answer(shell: Shell, line: str) -> str:
    try:
        return await shell.execute(line)
    except UnansweredError as question:
        return f"{question}\n% Aborted\n"
