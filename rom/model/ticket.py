"""ZTP tickets: a router that is booked for a site, and how far it is with its first boot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from device_profiles.words import Word
from rom.model.life import Life, table


class TicketState(Word):
    """How far a router is."""

    STAGED = "staged"
    FETCHED = "fetched"
    STARTED = "started"
    FAILED = "failed"
    COMPLETED = "completed"
    CLOSED = "closed"


_T = TicketState
_UNDER_WAY = (_T.FETCHED, _T.STARTED, _T.FAILED, _T.COMPLETED, _T.CLOSED, _T.STAGED)

TICKET_LIFE = Life(
    "ZTP ticket",
    table(
        {
            _T.STAGED: _UNDER_WAY,
            _T.FETCHED: _UNDER_WAY,
            _T.STARTED: _UNDER_WAY,
            _T.FAILED: _UNDER_WAY,
            # A late event never takes a router back from here.
            _T.COMPLETED: {_T.CLOSED},
            _T.CLOSED: (),
        }
    ),
)
ARRIVED = frozenset({TicketState.COMPLETED, TicketState.CLOSED})
"""The router has fetched and applied its configuration."""
CONFIGURED = ARRIVED | {TicketState.FETCHED}
"""The router has got its configuration, the secrets of its site included."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket as it is kept; secrets in the configuration are names."""

    serial: str
    site: str
    order_id: str
    item_id: str
    state: TicketState
    detail: str
    profile: str
    configuration: str
    exec_lines: Sequence[str]
    updated_at: datetime
