"""The gateway's operations on secrets, over the one client all commands share."""

from typing import Any

from api.cli.client import GatewayClient, segment, segments

_PATH = "/rom/v1/secrets"
Document = dict[str, Any]


class SecretClient(GatewayClient):
    """Enters secrets; every failure ends the command with its reason, never with a value."""

    def secrets(self) -> list[Document]:
        """Return every secret by name."""
        return self._list(self._send("GET", _PATH))

    def set(self, name: str, value: str) -> Document:
        """Keep a value under a name."""
        return self._object(self._send("PUT", f"{_PATH}/{segments(name)}", json={"value": value}))

    def rotate(self, name: str, value: str) -> Document:
        """Replace a value once the devices take the new one."""
        path = f"{_PATH}/{segments(name)}/rotate"
        return self._object(self._send("POST", path, json={"value": value}))

    def rotate_of_site(self, site: str, asked: Document) -> Document:
        """Give a secret of a site another value, on all its devices."""
        path = f"/rom/v1/sites/{segment(site)}/rotateSecret"
        return self._object(self._send("POST", path, json=asked))

    def delete(self, name: str) -> None:
        """Forget a secret."""
        self._send("DELETE", f"{_PATH}/{segments(name)}")
