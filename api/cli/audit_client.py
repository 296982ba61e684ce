"""The gateway's operations on the trail, over the one client all commands share."""

from collections.abc import Iterator, Mapping
from typing import Any

from api.cli.client import GatewayClient, segment

_PATH = "/rom/v1/audit"
Document = dict[str, Any]


class AuditClient(GatewayClient):
    """Reads the trail; every failure ends the command with its reason."""

    def deeds(self, filters: Mapping[str, str]) -> list[Document]:
        """Return one page of deeds, the newest first."""
        return self._list(self._send("GET", _PATH, params=filters))

    def deed(self, place: str) -> Document:
        """Return the deed of one place."""
        return self._object(self._send("GET", f"{_PATH}/{segment(place)}"))

    def verification(self, head: str | None) -> Document:
        """Have the gateway verify its trail."""
        params = {} if head is None else {"head": head}
        return self._object(self._send("GET", f"{_PATH}/verification", params=params))

    def exported(self) -> Iterator[str]:
        """Yield every deed as a line of JSON, the oldest first."""
        yield from self._lines("GET", f"{_PATH}/export")
