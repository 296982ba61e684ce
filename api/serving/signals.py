"""Notes that the process shall stop, without interrupting whatever is being started or stopped."""

import signal
from types import FrameType, TracebackType


class StopSignals:
    """While open, SIGINT and SIGTERM only set ``requested``; stages look at it between each other.

    Raising from a signal handler could leave a half-started database or lab behind.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> "StopSignals":
        self._before = {number: signal.signal(number, self._note) for number in self._SIGNALS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
