"""Whether the database has room to write: noted when it says that it has none, asked again then."""

from dataclasses import dataclass
from time import monotonic
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy.engine import ExceptionContext

DISK_FULL = "53100"
"""SQLSTATE ``disk_full`` (PostgreSQL, appendix A)."""
_LOOK_SECONDS = 2.0
_PROBE = sa.text(
    # New pages have to be had from the disk; the table goes with the transaction.
    "CREATE TEMPORARY TABLE room_probe ON COMMIT DROP AS "
    "SELECT gen_random_uuid()::text || repeat('x', 900) FROM generate_series(1, 1000)"
)


@dataclass(slots=True)
class _Room:
    full: bool = False
    looked_at: float = 0.0


_rooms: WeakKeyDictionary[sa.Engine, _Room] = WeakKeyDictionary()


def watch(engine: sa.Engine) -> None:
    """Note from now on when a statement of this engine finds the disk full."""
    room = _rooms.setdefault(engine, _Room())

    def note(context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlstate", None) == DISK_FULL:
            room.full = True

    sa.event.listen(engine, "handle_error", note)


def has_room(engine: sa.Engine) -> bool:
    """Tell whether there is room, as far as is known.

    After a statement has found none, it is tried every two seconds whether there is again.
    """
    room = _rooms.get(engine)
    if room is None or not room.full:
        return True
    if monotonic() - room.looked_at >= _LOOK_SECONDS:
        room.looked_at = monotonic()
        room.full = not _fits(engine)
    return not room.full


def _fits(engine: sa.Engine) -> bool:
    try:
        with engine.begin() as connection:
            connection.execute(_PROBE)
    except sa.exc.OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == DISK_FULL:
            return False
        raise
    return True
