"""Talks to a running gateway over HTTP, as any other client would."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx

from api.cli.exits import answered, fail
from api.cli.options import TOKEN_FILE

ORDERS = "/tmf-api/resourceOrdering/v4/resourceOrder"
CANCELS = "/tmf-api/resourceOrdering/v4/cancelResourceOrder"
RESOURCES = "/tmf-api/resourceInventoryManagement/v4/resource"
_TIMEOUT = httpx.Timeout(120, connect=5)  # a second run of a site talks to every one of its devices


class GatewayClient:
    """One connection to the gateway at ``url``; every failure ends the command with its reason.

    It shows the token of ``rom --token-file`` or of ``ROM_TOKEN``, if there is one.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        token = own_token()
        self._http = httpx.Client(
            base_url=self.url,
            timeout=_TIMEOUT,
            trust_env=False,
            headers={} if token is None else {"Authorization": f"Bearer {token}"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def submit(self, order: bytes) -> dict[str, Any]:
        """Post an order as it stands in its file."""
        headers = {"Content-Type": "application/json"}
        return self._object(self._send("POST", ORDERS, content=order, headers=headers))

    def order(self, order_id: str) -> dict[str, Any]:
        """Return one order."""
        return self._object(self._send("GET", f"{ORDERS}/{segment(order_id)}"))

    def orders(self, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return one page of orders."""
        return self._list(self._send("GET", ORDERS, params=filters))

    def resources(self, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        """Return one page of resources."""
        return self._list(self._send("GET", RESOURCES, params=filters))

    def held_by(self, sites: Iterable[str]) -> list[dict[str, Any]]:
        """Return every resource the sites hold."""
        most = {"limit": "1000"}
        return [found for site in sites for found in self.resources({"place.id": site} | most)]

    def report(self, order_id: str) -> dict[str, Any]:
        """Return what an order got, sent and measured."""
        return self._object(self._send("GET", f"/rom/v1/orders/{segment(order_id)}/report"))

    def events(self, order_id: str, after: int, wait: int) -> list[dict[str, Any]]:
        """Return events after a sequence number; waits up to ``wait`` seconds for the first."""
        path = f"/rom/v1/orders/{segment(order_id)}/events"
        return self._list(self._send("GET", path, params={"after": after, "wait": wait}))

    def decide(
        self, what: str, order_id: str, item: str | None, decision: Mapping[str, str]
    ) -> dict[str, Any]:
        """Retry what is held of an order, or retry, complete or cancel one of its items."""
        path = f"/rom/v1/orders/{segment(order_id)}"
        if item is not None:
            path += f"/items/{segment(item)}"
        return self._object(self._send("POST", f"{path}/{what}", json=decision))

    def cancel(self, order_id: str, reason: str) -> dict[str, Any]:
        """Ask for the cancellation of a whole order."""
        body = {"resourceOrder": {"id": order_id}, "cancellationReason": reason}
        return self._object(self._send("POST", CANCELS, json=body))

    def give_up(self, order_id: str, device: str, decision: Mapping[str, str]) -> dict[str, Any]:
        """Let an order's cancellation go on without a device."""
        path = f"/rom/v1/orders/{segment(order_id)}/devices/{segments(device)}/giveUp"
        return self._object(self._send("POST", path, json=decision))

    def reapply(self, site: str) -> dict[str, Any]:
        """Run a site's intent once more."""
        return self._object(self._send("POST", f"/rom/v1/sites/{segment(site)}/reapply"))

    def rollback_preview(self, site: str) -> dict[str, Any]:
        """Return what taking a site back would do."""
        return self._object(self._send("GET", f"/rom/v1/sites/{segment(site)}/rollbackPreview"))

    def pools(self) -> list[dict[str, Any]]:
        """Return every pool with its capacity and what is free."""
        return self._list(self._send("GET", "/rom/v1/pools"))

    def load_inventory(
        self, content: object, *, dry_run: bool, replace: Sequence[str]
    ) -> dict[str, Any]:
        """Bring the content of an inventory file in, or ask what that would do.

        Returns also a refusal, which has ``problems``.
        """
        answer = self._send(
            "POST",
            "/rom/v1/inventory",
            expected="inventoryRefused",
            params={"dryRun": dry_run, "replace": list(replace)},
            content=json.dumps(content).encode(),
            headers={"Content-Type": "application/json"},
        )
        return self._object(answer)

    def export_inventory(self) -> dict[str, Any]:
        """Return the inventory as the content of a file."""
        return self._object(self._send("GET", "/rom/v1/inventory"))

    def _send(self, method: str, path: str, *, expected: str = "", **options: Any) -> Any:
        """Return what the gateway answers, also a refusal of the ``expected`` code."""
        with self._reaching(method, path):
            answer = self._http.request(method, path, **options)
        if answer.status_code == httpx.codes.NO_CONTENT:
            return None
        body = self._json(answer)
        if answer.is_error and not (expected and self._object(body).get("code") == expected):
            raise _refusal(answer.status_code, body)
        return body

    def _lines(self, method: str, path: str) -> Iterator[str]:
        """Yield the lines of an answer as they come."""
        with self._reaching(method, path), self._http.stream(method, path) as answer:
            if answer.is_error:
                answer.read()
                raise _refusal(answer.status_code, self._json(answer))
            yield from answer.iter_lines()

    @contextmanager
    def _reaching(self, method: str, path: str) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError as error:
            message = (
                f"No gateway answers at {self.url}. Start one with "
                "'rom serve --lab enterprise-fibre', or name another with --url or ROM_URL"
            )
            raise fail(message) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            message = f"The gateway at {self.url} did not answer {method} {path}: {error}"
            raise fail(message) from error

    def _json(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            message = f"What answers at {self.url} is no gateway: status {answer.status_code}"
            raise fail(message) from error

    def _object(self, body: Any) -> dict[str, Any]:
        if not isinstance(body, dict):
            raise fail(f"What answers at {self.url} is no gateway: expected an object")
        return body

    def _list(self, body: Any) -> list[dict[str, Any]]:
        if not isinstance(body, list):
            raise fail(f"What answers at {self.url} is no gateway: expected a list")
        return body


def own_token() -> str | None:
    """Return the token this command shall present; ends the command for an unreadable file."""
    file = TOKEN_FILE.get()
    if file is None:
        return os.environ.get("ROM_TOKEN") or None
    try:
        token = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise fail(f"the token file {file} cannot be read: {type(error).__name__}") from error
    if not (token.isascii() and token.isprintable() and token) or " " in token:
        raise fail(f"the token file {file} holds no token")
    return token


def segment(identifier: str) -> str:
    """Return ``identifier`` as one path segment, so that none can name another resource."""
    if not identifier or identifier in {".", ".."} or "/" in identifier or "?" in identifier:
        raise fail(f"'{identifier}' is no identifier")
    return identifier


def segments(name: str) -> str:
    """Return a name as a path of segments, of which none can name another resource.

    Secrets, and what is one of several devices in a unit, have names of parts: ``SERIAL/agent``.
    """
    return "/".join(segment(part) for part in name.split("/"))


def _refusal(status: int, body: Any) -> Exception:
    said = body if isinstance(body, dict) else {}
    lines = [f"{status} {said.get('reason', 'no reason given')}", said.get("message", "")]
    return fail("\n".join(line for line in lines if line), answered(status))
