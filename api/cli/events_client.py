"""The gateway's operations on events, over the one client all commands share."""

from collections.abc import Mapping
from typing import Any

from api.cli.client import GatewayClient

Document = dict[str, Any]


class EventsClient(GatewayClient):
    """Knows listeners and dead letters besides; every failure ends the command with its reason."""

    def listeners(self) -> list[Document]:
        """Return every listener with the state of its delivery."""
        return self._list(self._send("GET", "/rom/v1/hub"))

    def dead_letters(self, filters: Mapping[str, str]) -> list[Document]:
        """Return one page of dead letters."""
        return self._list(self._send("GET", "/rom/v1/deadLetters", params=filters))

    def replay(self, asked: Document) -> Document:
        """Have dead letters sent again; returns how many."""
        return self._object(self._send("POST", "/rom/v1/deadLetters/replay", json=asked))
