"""A gateway's writer as a process that stays in its window until somebody kills it.

Run as ``python -m tests.integration.undo.doomed DATABASE_URL DEVICE WINDOW_SECONDS``; it prints
one line when its confirmed commit is on the device and not confirmed yet.
"""

import signal
import sys
from collections.abc import Iterable
from typing import Any

from tests.integration.undo.network import Office

WITHIN = "within the window"


class Watched:
    """A check that never comes to an end."""

    def before(self, session: Any, device: str, sites: Iterable[str]) -> object:
        return None

    def broken(self, session: Any, worked: object) -> list[str]:
        print(WITHIN, flush=True)  # noqa: T201 - how the test learns of it
        signal.pause()
        return []

    def burst(self, site: str) -> list[str]:
        return []


if __name__ == "__main__":
    url, device, window = sys.argv[1:]
    Office(url).write(device, Watched(), window=int(window))
