"""A confirmed commit without persist (RFC 4741 section 8.4): it lives and dies with its session."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """The confirmed commit that this session has made and not yet confirmed."""

    transaction: str
    seconds: int
    since: float
    """Monotonic time before the commit left, so the device's timer cannot end earlier."""

    @classmethod
    def opening(cls, transaction: str, seconds: int) -> "Window":
        """Return the window of a commit that is about to leave."""
        return cls(transaction, seconds, time.monotonic())

    @property
    def lapsed(self) -> bool:
        """Whether the device may have gone back by now."""
        return time.monotonic() - self.since >= self.seconds
