"""Commands of the Kea control agent (Kea ARM, chapter "Management API")."""

from collections.abc import Mapping
from typing import Any

from adapters.errors import (
    CommitRefused,
    DeviceTimeout,
    ProtocolError,
    SessionLost,
    Unreachable,
    Unsupported,
)
from adapters.seam import Endpoint
from adapters.web import WebClient

_SUCCESS, _ERROR, _UNSUPPORTED, _EMPTY = 0, 1, 2, 3
_OFFLINE = "unable to forward command"
"""What an agent says when its server does not answer it."""
_TEXT = 2000


class ControlAgent:
    """One Kea server behind its control agent; ``service`` is ``dhcp4`` or ``dhcp6``."""

    def __init__(self, endpoint: Endpoint, service: str) -> None:
        self.device = endpoint.device
        self.service = service
        self._web = WebClient(endpoint)

    @property
    def alive(self) -> bool:
        """Whether it was not closed."""
        return self._web.alive

    def command(self, name: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the answer's arguments.

        Raises CommitRefused with Kea's own text when it refuses, Unsupported when it does not know
        the command, Unreachable when the agent does not reach the server.
        """
        body: dict[str, Any] = {"command": name, "service": [self.service]}
        if arguments is not None:
            body["arguments"] = arguments
        status, answers = self._web.request("POST", "/", body)
        answer = answers[0] if isinstance(answers, list) and answers else answers
        result = answer.get("result") if isinstance(answer, dict) else None
        if status != 200 or not isinstance(answer, dict) or type(result) is not int:
            raise ProtocolError(f"{name}: unexpected answer, HTTP {status}", device=self.device)
        text = str(answer.get("text", ""))[:_TEXT]
        if result == _UNSUPPORTED:
            raise Unsupported(f"{name}: {text}", device=self.device)
        if result == _ERROR and text.startswith(_OFFLINE):
            raise Unreachable(text, device=self.device)
        if result not in (_SUCCESS, _EMPTY):
            raise CommitRefused(text, device=self.device, tag=name)
        found = answer.get("arguments") or {}
        if not isinstance(found, dict):
            raise ProtocolError(f"{name}: unexpected answer", device=self.device)
        return found

    def configuration(self) -> dict[str, Any]:
        """Return the whole configuration as ``config-set`` takes it."""
        found = self.command("config-get")
        # Newer servers add the hash of the configuration, which they do not take back.
        found.pop("hash", None)
        return found

    def set(self, configuration: Mapping[str, Any]) -> None:
        """Replace the whole configuration.

        Raises CommitRefused when nothing changed, SessionLost with ``outcome_unknown`` when the
        answer did not come.
        """
        self._uncertain("config-set", configuration)

    def write(self) -> None:
        """Save the configuration for the next start of the server. Raises as ``set``."""
        self._uncertain("config-write", None)

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._web.close()

    def _uncertain(self, name: str, arguments: Mapping[str, Any] | None) -> None:
        try:
            self.command(name, arguments)
        except (DeviceTimeout, SessionLost, ProtocolError, Unreachable) as error:
            raise SessionLost(
                f"{name} left, its answer did not come", device=self.device, outcome_unknown=True
            ) from error
