"""The guest shell's router side: starts a boot script and carries out what it asks for."""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mock_devices.cli.machine import Machine
from mock_devices.cli.record import SessionDroppedError
from mock_devices.cli.shell import ADMINISTRATOR, Handler, Shell, UnansweredError

_RUNNER = Path(__file__).with_name("guestshell_runner.py")
_LONGEST_REQUEST = 1 << 20
_KEPT_OUTPUT = 64_000


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """How a script ended: exit code (None when it ran out of time) and what it printed."""

    code: int | None
    output: str


async def run_script(
    script: str, machine: Machine, handlers: Mapping[str, Handler], limit: float
) -> ScriptResult:
    """Run a Python script in a process without our environment, for ``limit`` seconds at most.

    The process is killed when this coroutine is cancelled, as by a power cut.
    """
    ours, theirs = socket.socketpair()
    with TemporaryDirectory(prefix="guestshell-") as folder:
        path = Path(folder) / "script.py"
        path.write_text(script, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            str(_RUNNER),
            str(theirs.fileno()),
            str(path),
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            cwd=folder,
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        theirs.close()
        answering = asyncio.create_task(_answer_all(ours, machine, handlers))
        try:
            output, _ = await asyncio.wait_for(process.communicate(), limit)
            return ScriptResult(process.returncode, output.decode(errors="replace")[-_KEPT_OUTPUT:])
        except TimeoutError:
            return ScriptResult(None, f"stopped after {limit:g} s")
        finally:
            answering.cancel()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            # Collecting the process must not be cut short by the cancellation that killed it.
            await asyncio.shield(process.wait())


async def _answer_all(
    ours: socket.socket, machine: Machine, handlers: Mapping[str, Handler]
) -> None:
    reader, writer = await asyncio.open_connection(sock=ours, limit=_LONGEST_REQUEST)
    try:
        while line := await reader.readline():
            request = json.loads(line)
            answer = await _answer(request["kind"], request["text"], machine, handlers)
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
    finally:
        writer.close()


async def _answer(
    kind: str, text: str, machine: Machine, handlers: Mapping[str, Handler]
) -> dict[str, object]:
    shell = Shell(machine, handlers, user="guestshell", privilege=ADMINISTRATOR)
    if kind == "configure":
        shell.enter_configuration()
        return {"results": [await _configured(shell, n, line) for n, line in _numbered(text)]}
    outputs: list[str] = []
    for command in text.splitlines():
        outputs.append(await _executed(shell, command))
        if shell.refused:
            return {"refused": command, "output": outputs[-1]}
    return {"refused": "", "output": "".join(outputs)}


def _numbered(text: str) -> list[tuple[int, str]]:
    return [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]


async def _configured(shell: Shell, number: int, line: str) -> list[object]:
    output = (await _executed(shell, line)).strip()
    return [not shell.refused, line, number, output, None]


async def _executed(shell: Shell, line: str) -> str:
    try:
        return await shell.execute(line)
    except UnansweredError as question:
        return f"{question}\n%Error: nobody there to answer\n"
    except SessionDroppedError:
        return "%Error: session lost\n"
