"""The seam between the lab and each of its devices."""

from collections.abc import Mapping
from typing import Any, Protocol

Json = dict[str, Any]


class Node(Protocol):
    """One device of the lab."""

    async def start(self) -> None:
        """Listen; the port stays the same over restarts of the device."""

    async def stop(self) -> None:
        """Stop listening; safe to call twice."""

    async def restart(self) -> None:
        """Restart as the device itself would."""

    def endpoints(self) -> Mapping[str, Json]:
        """Return the entries of the ready file by device name."""

    def running(self) -> str:
        """Return what the device holds, as it would show it."""

    def counters(self) -> Json:
        """Return what the device was asked to do."""

    def fault(self, body: bytes) -> None:
        """Order a fault; raises ``ValidationError`` or ``FaultUnsupported``."""
