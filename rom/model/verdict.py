"""Verdicts: what was found about a site's service or configuration, with the evidence."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from device_profiles.words import Word


class VerdictKind(Word):
    """What was looked at."""

    CHECKS = "checks"
    TWAMP = "twamp"
    MANUAL = "manual"
    ROLLBACK = "rollback"
    DRIFT = "drift"


class Outcome(Word):
    """What is known of something that was to be done; never assumed."""

    VERIFIED = "VERIFIED"
    KEPT = "KEPT"  # read back, but something was left as somebody else has made or uses it
    FAILED = "FAILED"
    INDETERMINATE = "INDETERMINATE"


class DriftResult(Word):
    """What a comparison of a site with a device has found."""

    CLEAN = "clean"
    DRIFT = "drift"
    UNREACHABLE = "unreachable"
    UNDER_WAY = "under way"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict as it is kept; ``result`` is in the words of its kind."""

    id: int
    order_id: str
    """The order, or the task, it belongs to; empty for none."""
    item_id: str
    """The item, or the device where it belongs to none."""
    site: str
    kind: VerdictKind
    result: str
    evidence: Mapping[str, Any]
    time: datetime
