"""Settings of event delivery; the operator's names for them are in ``rom.settings``."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Durations in seconds."""

    timeout: float = 10.0
    """Longest a listener may take to answer; a lease lasts twice that, and a little."""
    parallel: int = 4
    """Most notifications under way to one listener, each of another stream."""
    backoff: float = 1.0
    """Pause after the first failure; doubled with each further one."""
    backoff_most: float = 300.0
    max_age: float = 86_400.0
    """After this time of trying an event becomes a dead letter."""
    max_attempts: int = 100
    keep: float = 30 * 86_400.0
    """How long events are kept that nobody waits for any more."""
    append_name: bool = False
    """Whether ``listener/<eventName>`` is put behind a callback that ends in a slash."""
    ca_file: Path | None = None
    """Certificates trusted for listeners; the system's without one."""

    @property
    def lease(self) -> float:
        """How long a listener belongs to the gateway that has taken it."""
        return 2 * self.timeout + 1

    def pause(self, failures: int, chance: float) -> float:
        """Return the pause after ``failures`` in a row; ``chance`` (0 to 1) spreads it.

        Half of the pause is fixed and half is chance, so that listeners that went down together
        are not all asked again in the same moment.
        """
        full = min(self.backoff * 2.0 ** min(failures - 1, 30), self.backoff_most)
        return full / 2 + full / 2 * chance
