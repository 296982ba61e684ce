"""The gateway's operations on sites and devices, over the one client all commands share."""

from collections.abc import Iterator, Sequence
from typing import Any

from api.cli.client import GatewayClient, segment, segments

_WAIT_SECONDS = 5
FINAL = frozenset({"done", "terminatedWithError"})
Document = dict[str, Any]


class SiteClient(GatewayClient):
    """Knows sites and devices besides; every failure ends the command with its reason."""

    def snapshots(self, site: str) -> list[Document]:
        """Return a site's snapshots, oldest first."""
        return self._list(self._send("GET", f"/rom/v1/sites/{segment(site)}/snapshots"))

    def diff(self, site: str, first: int | None, second: int | None) -> Document:
        """Compare two snapshots, or one and the devices as they are."""
        given = {name: str(n) for name, n in (("a", first), ("b", second)) if n is not None}
        return self._object(self._send("GET", f"/rom/v1/sites/{segment(site)}/diff", params=given))

    def rollback(self, asked: Document) -> Document:
        """Return the preview or the task that ``asked`` gives."""
        return self._object(self._send("POST", "/rom/v1/siteRollback", json=asked))

    def start_rollback(self, asked: Document) -> tuple[Document | None, Document]:
        """Start a rollback: the task, or none and the preview where it is another one by now."""
        body = self._object(
            self._send("POST", "/rom/v1/siteRollback", json=asked, expected="previewDiffers")
        )
        if body.get("code") == "previewDiffers":
            return None, self._object(body["preview"])
        return body, {}

    def states(self, task_id: str) -> Iterator[Document]:
        """Yield the task as it goes on, driven by its events, until it is final."""
        path = f"/rom/v1/siteRollback/{segment(task_id)}"
        after = 0
        while True:
            task = self._object(self._send("GET", path))
            yield task
            if task["state"] in FINAL:
                return
            waiting = {"after": after, "wait": _WAIT_SECONDS}
            events = self._list(self._send("GET", f"{path}/events", params=waiting))
            after = max((int(event["sequence"]) for event in events), default=after)

    def repair(self, site: str, asked: Document) -> Document:
        """Return what repairing a site would send, or what it has sent."""
        path = f"/rom/v1/sites/{segment(site)}/repair"
        return self._object(self._send("POST", path, json=asked))

    def devices(self) -> list[Document]:
        """Return every device."""
        return self._list(self._send("GET", "/rom/v1/devices"))

    def add_device(self, entry: Document) -> Document:
        """Write a device into the inventory; returns what it still lacks."""
        return self._object(self._send("POST", "/rom/v1/devices", json=entry))

    def test_device(self, device: str) -> Document:
        """Return whether a device can be driven, step by step."""
        return self._object(self._send("POST", f"/rom/v1/devices/{segments(device)}/test"))

    def trust_device(self, device: str, asked: Document) -> Document:
        """Return the host key a device shows, pinned unless ``asked`` is for a look."""
        path = f"/rom/v1/devices/{segments(device)}/trust"
        return self._object(self._send("POST", path, json=asked))

    def check(self, devices: Sequence[str] | None) -> Document:
        """Return the drift report of some devices, or of all."""
        asked = {"devices": "all" if devices is None else list(devices)}
        return self._object(self._send("POST", "/rom/v1/deviceCheck", json=asked))
