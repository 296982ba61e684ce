"""Pauses of sites on which the gateway fails: ever longer, and over with the first success."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

FIRST_SECONDS = 5.0
LONGEST_SECONDS = 300.0


@dataclass(slots=True)
class Pauses:
    """What this process remembers; a restart tries everything anew."""

    clock: Callable[[], float] = monotonic
    _failures: dict[str, int] = field(default_factory=dict)
    _until: dict[str, float] = field(default_factory=dict)

    def begin(self, name: str) -> None:
        """Leave ``name`` alone for a while: twice as long as the last time."""
        failures = self._failures.get(name, 0)
        self._failures[name] = failures + 1
        pause = min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(failures, 10))
        self._until[name] = self.clock() + pause

    def over(self, name: str) -> bool:
        """Tell whether ``name`` may be tried."""
        return self.clock() >= self._until.get(name, 0.0)

    def end(self, name: str) -> None:
        """Forget the failures of ``name``."""
        self._failures.pop(name, None)
        self._until.pop(name, None)
