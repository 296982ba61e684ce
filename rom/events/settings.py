"""Settings of events, from ``ROM_*`` environment variables like all others."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class EventSettings(BaseSettings):
    """Who may listen, and how long delivery goes on trying."""

    model_config = SettingsConfigDict(env_prefix="ROM_", frozen=True, extra="forbid")

    callback_allow: str = ""
    """Hosts and networks events may be sent to, with commas between; nobody by default."""
    callback_http: bool = False
    """Whether listeners may be reached without TLS."""
    callback_ca_file: Path | None = None
    """Certificates trusted for listeners; the system's own without one."""
    callback_append_name: bool = False
    """Whether ``listener/<eventName>`` is put behind callbacks that end in a slash."""
    listeners_most: int = Field(default=100, ge=1)
    event_timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    """Longest a listener may take to answer."""
    event_parallel: int = Field(default=4, ge=1, le=32)
    """Most notifications under way to one listener, each of another order."""
    event_backoff_seconds: float = Field(default=1.0, gt=0)
    """Pause after a failed delivery; it doubles each time."""
    event_backoff_most_seconds: float = Field(default=300.0, gt=0)
    event_give_up_seconds: float = Field(default=86_400.0, gt=0)
    """Age at which an event that cannot be delivered becomes a dead letter."""
    event_give_up_attempts: int = Field(default=100, ge=1)
    event_keep_seconds: float = Field(default=2_592_000.0, gt=0)
    """How long events are kept that no listener waits for any more."""

    @property
    def event_lease_seconds(self) -> float:
        """How long a listener belongs to the gateway that has taken it."""
        return 2 * self.event_timeout_seconds + 1

    def event_pause(self, failures: int, chance: float) -> float:
        """Return the seconds to wait after ``failures`` in a row; ``chance`` (0 to 1) spreads them.

        Half of the pause is fixed and half is chance, so that listeners that went down together
        are not all asked again in the same moment.
        """
        doubled = self.event_backoff_seconds * 2.0 ** min(failures - 1, 30)
        full = min(doubled, self.event_backoff_most_seconds)
        return full / 2 + full / 2 * chance
