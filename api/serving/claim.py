"""Claims what only one server may have: the data directory and the port."""

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.serving.errors import DirectoryInUse, ServeError

ADDRESS_FILE = "serve.json"
"""Written into the data directory once orders are taken: ``{"pid": …, "url": …}``."""


@contextmanager
def only_server_of(data_dir: Path) -> Iterator[None]:
    """Hold the data directory.

    Raises ``DirectoryInUse`` when another server does, ``ServeError`` when it is unusable.

    The operating system drops the claim with the process, so a killed server leaves none behind.
    """
    lock_file = data_dir / "serve.lock"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        message = f"data directory {data_dir} cannot be used: {error.strerror}"
        raise ServeError(message) from error
    try:
        _lock(descriptor, data_dir)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, data_dir: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace") or "unknown"
        message = (
            f"data directory {data_dir} is in use by another rom process (pid {holder}). "
            "Stop that one or give another --data-dir"
        )
        raise DirectoryInUse(message) from error


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises ``ServeError`` when taken.

    Its connections send at once. asyncio sees to that only for sockets of its own making, and
    Nagle's algorithm would hold every second segment of an answer back for 40 ms.
    """
    try:
        listening = socket.create_server((host, port), backlog=512)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        advice = "Give another --port" if error.errno == errno.EADDRINUSE else "Check ROM_HOST"
        # Python's own text repeats the address.
        cause = os.strerror(error.errno) if error.errno else error.strerror
        message = f"cannot listen on {host}:{port}: {cause}. {advice}"
        raise ServeError(message) from error


def address_of(data_dir: Path) -> str | None:
    """Return where the server of a data directory listens, ``None`` while it takes no orders."""
    try:
        return str(json.loads((data_dir / ADDRESS_FILE).read_text())["url"])
    except FileNotFoundError:
        return None


@contextmanager
def published_address(data_dir: Path, url: str) -> Iterator[None]:
    """Tell local programs where the ready server listens, for as long as the context is open."""
    place = data_dir / ADDRESS_FILE
    unfinished = place.with_suffix(".unfinished")
    unfinished.write_text(json.dumps({"pid": os.getpid(), "url": url}))
    unfinished.replace(place)
    try:
        yield
    finally:
        place.unlink(missing_ok=True)
