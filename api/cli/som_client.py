"""What a SOM asks of the gateway: take an order once, and tell a listener of it."""

from typing import Any

from api.cli.client import ORDERS, GatewayClient

HUB = ORDERS.rpartition("/")[0] + "/hub"


class SomClient(GatewayClient):
    """A connection that submits under a key and keeps a subscription."""

    def submit_once(self, order: bytes, key: str) -> dict[str, Any]:
        """Post an order; with the same key again the first one is returned."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return self._object(self._send("POST", ORDERS, content=order, headers=headers))

    def subscribe(self, callback: str, query: str) -> str:
        """Register a listener and return the subscription's id."""
        asked = {"callback": callback, "query": query}
        return str(self._object(self._send("POST", HUB, json=asked))["id"])

    def unsubscribe(self, subscription: str) -> None:
        """Take a listener off the hub."""
        self._send("DELETE", f"{HUB}/{subscription}")
