"""State of a TWAMP probe: sessions and the counters of RFC 8913 (ietf-twamp-probe schema)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mock_devices.netconf.operational import StateData, StateRequest
from mock_devices.netconf.tree import Container


@dataclass(frozen=True, slots=True)
class SenderCounters:
    """What a session sender has counted so far (RFC 8913 maintenance statistics)."""

    sent: int
    received: int
    last_sent: int
    last_received: int
    active: bool = True


class ProbeState:
    """Shows counters by test session name; ``None`` for a session that could not start."""

    def __init__(self, counters: Callable[[str], SenderCounters | None]) -> None:
        self._counters = counters

    def state(self, running: Container, request: StateRequest) -> StateData:
        """Return the state leaves of the control client and the session sender."""
        if not request.wants("twamp"):
            return {}
        twamp = running.container("twamp")
        connections = twamp.container("client").entries("ctrl-connection")
        controlled = {
            session: name
            for (name,), connection in connections.items()
            for (session,) in connection.entries("test-session-request")
        }
        names = request.names("twamp", "session-sender", "test-session")
        sessions = [
            name
            for (name,) in twamp.container("session-sender").entries("test-session")
            if names is None or name in names
        ]
        return {
            "twamp": {
                "client": {
                    "ctrl-connection": [
                        self._connection(name, connection)
                        for (name,), connection in connections.items()
                    ]
                },
                "session-sender": {
                    "test-session": [self._session(name, controlled.get(name)) for name in sessions]
                },
            }
        }

    def _connection(self, name: str, connection: Container) -> dict[str, Any]:
        requests = [key[0] for key in connection.entries("test-session-request")]
        accepted = {session: self._counters(session) is not None for session in requests}
        return {
            "name": name,
            "state": "active" if any(accepted.values()) else "idle",
            "test-session-request": [
                {"name": session, "state": "accepted" if known else "failed"}
                for session, known in accepted.items()
            ],
        }

    def _session(self, name: str, connection: str | None) -> dict[str, Any]:
        counters = self._counters(name)
        state: dict[str, Any] = {"name": name}
        if connection is not None:
            state["ctrl-connection-name"] = connection
        if counters is None:
            return {**state, "state": "failure"}
        return {
            **state,
            "state": "active" if counters.active else "failure",
            "sent-packets": counters.sent,
            "rcv-packets": counters.received,
            "last-sent-seq": counters.last_sent,
            "last-rcv-seq": counters.last_received,
        }
