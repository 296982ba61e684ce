"""A whole gateway as a child process, and a directory for it that goes away afterwards."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from api.serving.child import Child, uninterrupted
from api.serving.claim import ADDRESS_FILE, address_of
from api.serving.errors import ServeError

START_SECONDS = 60
STOP_SECONDS = 30
_LOOK_SECONDS = 0.05


@contextmanager
def scratch_directory(kept: Path | None = None) -> Iterator[Path]:
    """Yield ``kept``, or a new directory that is removed in the end."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.absolute()
        return
    place = Path(tempfile.mkdtemp(prefix="rom-demo-"))
    if os.geteuid() == 0:
        place.chmod(0o711)  # PostgreSQL runs as another user then and must pass through
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def gateway_process(data_dir: Path, topology: str | None, port: int = 0) -> Iterator[str]:
    """Run ``rom serve`` on ``port``, else a free one, and yield its URL once it takes orders.

    Raises ``ServeError`` when it does not come up. It is always stopped, with a Ctrl-C during the
    stop put off until it has ended.
    """
    (data_dir / ADDRESS_FILE).unlink(missing_ok=True)
    command = [sys.executable, "-m", "api.cli", "serve"]
    command += ["--port", str(port), "--data-dir", str(data_dir)]
    if topology is not None:
        command += ["--lab", topology]
    child = None
    try:
        with uninterrupted():
            child = Child(command, data_dir / "serve.log", {"ROM_LOG_JSON": "true"})
        yield _wait_until_ready(child, data_dir)
    finally:
        if child is not None:
            _stop(child)


def _wait_until_ready(child: Child, data_dir: Path) -> str:
    deadline = monotonic() + START_SECONDS
    while True:
        url = address_of(data_dir)
        if url is not None:
            return url
        if child.exit_code is not None or monotonic() > deadline:
            message = f"the gateway did not come up; the end of its log:\n{child.last_words()}"
            raise ServeError(message)
        sleep(_LOOK_SECONDS)


def _stop(child: Child) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child.stop(STOP_SECONDS)
    finally:
        signal.signal(signal.SIGINT, before)
