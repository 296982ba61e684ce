"""Commands on files: copy, more, verify, delete, dir."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from mock_devices.ce.network import Offer, TransferError, fetch
from mock_devices.cli.commands import agreed
from mock_devices.cli.machine import Machine
from mock_devices.cli.record import without_secrets
from mock_devices.cli.shell import Handler, Shell

_FLASH = re.compile(r"(?:boot)?flash:/?([A-Za-z0-9][\w.-]{0,126})")


def flash_file(machine: Machine, name: str) -> Path | None:
    """Return the path of ``flash:NAME``, None when the name is none of that form."""
    matched = _FLASH.fullmatch(name)
    return machine.flash / matched[1] if matched else None


class FileCommands:
    """The commands of one router; ``offer`` tells how its packets leave at present."""

    def __init__(self, offer: Callable[[], Offer | None]) -> None:
        self._offer = offer

    @property
    def handlers(self) -> dict[str, Handler]:
        """The exec commands by the names the grammar gives them."""
        return {
            "copy": self.copy,
            "more": more,
            "verify": verify,
            "delete": delete,
            "dir": list_files,
        }

    async def copy(self, shell: Shell, arguments: dict[str, str]) -> str:
        """Copy between HTTP, flash, running and startup configuration and ``null:``."""
        source, target = arguments["source"], arguments["target"]
        if not shell.machine.quiet:
            shown = target.rpartition(":")[2] or source.rpartition("/")[2]
            answer = await shell.ask(f"Destination filename [{shown}]? ", False)
            if answer and target.endswith(":"):
                target += answer
        began = monotonic()
        try:
            content = await self._read(shell.machine, source)
        except TransferError as error:
            return f"%Error opening {source} ({error})"
        heading = f"Accessing {source}...\nLoading {source} !\n[OK - {len(content)} bytes]\n\n"
        report = _write(shell.machine, source, target, content)
        if report.startswith("%Error"):
            return report
        seconds = monotonic() - began
        rate = f"{len(content)} bytes copied in {seconds:.3f} secs"
        return (heading if source.startswith("http") else "") + f"{report}{rate}"

    async def _read(self, machine: Machine, source: str) -> bytes:
        if source.startswith("http"):
            return await fetch(source, self._offer())
        if "running-config".startswith(source) and source.startswith("run"):
            return machine.running_text().encode()
        if "startup-config".startswith(source) and source.startswith("start"):
            if machine.startup is None:
                raise TransferError("No such file or directory")
            return machine.startup.encode()
        path = flash_file(machine, source)
        if path is None or not path.is_file():
            raise TransferError("No such file or directory")
        return path.read_bytes()


def _write(machine: Machine, source: str, target: str, content: bytes) -> str:
    if target == "null:":
        return ""
    if target.startswith("start") and source.startswith("run"):
        machine.save()
        return "Building configuration...\n[OK]\n"
    if target.startswith("run"):
        return _merge(machine, content)
    name = target if not target.endswith("flash:") else target + source.rpartition("/")[2]
    path = flash_file(machine, name)
    if path is None:
        return f"%Error opening {target} (Invalid argument)"
    path.write_bytes(content)
    return ""


def _merge(machine: Machine, content: bytes) -> str:
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        return "%Error: the file holds characters that no configuration has"
    rows: list[str] = []
    for remark in machine.merge(text):
        if remark.refused:
            machine.record.note("file", "configuration", remark.line, accepted=False)
        rows.append(f"{without_secrets(remark.line)}\n{remark.message}\n")
    machine.record.counters["merges"] += 1
    return "".join(rows)


async def more(shell: Shell, arguments: dict[str, str]) -> str:
    """Show a file."""
    path = flash_file(shell.machine, arguments["file"])
    if path is None or not path.is_file():
        return f"%Error opening {arguments['file']} (No such file or directory)"
    return path.read_text(encoding="utf-8", errors="replace")


async def verify(shell: Shell, arguments: dict[str, str]) -> str:
    """Compute a file's SHA-512 or MD5."""
    name = arguments["file"]
    path = flash_file(shell.machine, name)
    if path is None or not path.is_file():
        return f"%Error verifying {name} (No such file or directory)"
    algorithm = arguments["algorithm"].lstrip("/")
    digest = hashlib.new(algorithm, path.read_bytes(), usedforsecurity=False).hexdigest()
    return f"..Done!\nverify /{algorithm} ({name}) = {digest}"


async def delete(shell: Shell, arguments: dict[str, str]) -> str:
    """Remove a file from flash."""
    name = arguments["file"]
    path = flash_file(shell.machine, name)
    if path is None or not path.is_file():
        return f"%Error deleting {name} (No such file or directory)"
    if not shell.machine.quiet and not agreed(await shell.ask(f"Delete {name}? [confirm]", False)):
        return ""
    path.unlink()
    return ""


async def list_files(shell: Shell, _arguments: dict[str, str]) -> str:
    """List the flash."""
    files = sorted(path for path in shell.machine.flash.iterdir() if path.is_file())
    rows = [f"{n:>5}  -rw-  {path.stat().st_size:>10}  {path.name}" for n, path in enumerate(files)]
    return "\n".join(["Directory of bootflash:/", "", *rows, "", "7451738112 bytes total"])
