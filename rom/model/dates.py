"""Dates as TMF630 wants them: RFC 3339, sent in UTC with ``Z``."""

from datetime import UTC, datetime


def date_text(moment: datetime) -> str:
    """Return a moment as RFC 3339 in UTC with milliseconds, such as ``2026-03-31T19:50:43.214Z``.

    Raises ``ValueError`` for a moment without a time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone is no moment")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_date(text: str) -> datetime:
    """Read an RFC 3339 date-time; also ``+0000``, which TM Forum's own examples use.

    Raises ``ValueError`` when it is none, or has no time or no offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("it has no offset from UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("it is outside the calendar") from error
