"""Device transactions: one group commit on one device, and each site's part of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from device_profiles.fragment import Fragment
from device_profiles.words import Word
from rom.model.change import ChangeKind
from rom.model.life import Life, table
from rom.model.plan import SitePlan

Worked = Any
"""What a service check found working, as JSON, for whoever comes after a crash."""


class TransactionState(Word):
    """How far a device transaction is, as far as anybody knows."""

    PLANNED = "planned"
    SENT = "sent"
    CONFIRMING = "confirming"
    COMMITTED = "committed"
    REVERTED = "reverted"
    UNKNOWN = "unknown"


_T = TransactionState

TRANSACTION_LIFE = Life(
    "device transaction",
    table(
        {
            _T.PLANNED: {_T.SENT, _T.CONFIRMING, _T.COMMITTED, _T.REVERTED, _T.UNKNOWN},
            _T.SENT: {_T.CONFIRMING, _T.COMMITTED, _T.REVERTED, _T.UNKNOWN},
            _T.CONFIRMING: {_T.COMMITTED, _T.REVERTED, _T.UNKNOWN},
            _T.UNKNOWN: {_T.COMMITTED, _T.REVERTED},
            _T.COMMITTED: (),
            _T.REVERTED: (),
        }
    ),
)


class SiteOutcome(Word):
    """What became of one site's part of a device transaction."""

    PLANNED = "planned"
    APPLIED = "applied"
    REFUSED = "refused"
    NOT_TRIED = "not-tried"
    UNCHANGED = "unchanged"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class DeviceTransaction:
    """One device transaction as it is kept."""

    id: str
    device: str
    kinds: frozenset[ChangeKind]
    state: TransactionState
    epoch: int
    started_at: datetime
    sent: str = ""
    error: str | None = None
    finished_at: datetime | None = None
    worked: Worked = None


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction whose outcome is not known, with one of its sites."""

    id: str
    site: str


@dataclass(frozen=True, slots=True)
class TransactionPart:
    """One site's part of a transaction: what was planned, and the intent behind it."""

    plan: SitePlan
    fragments: Mapping[str, Fragment]
    order_id: str | None
