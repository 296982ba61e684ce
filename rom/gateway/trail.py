"""The trail of deeds: listed, shown, exported and verified. Nothing here writes to it."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rom.answers.trail import TrailEntry, TrailFault, TrailVerification
from rom.model.deed import Entry, Head
from rom.model.errors import Invalid, UnknownDeed
from rom.store import trail as kept
from rom.store.database import Engine
from rom.store.trail import Asked
from rom.trail import trail
from rom.trail.chain import Fault, Verification, read, whole

__all__ = ["Asked", "Head", "Trail", "verify_export"]


@dataclass(frozen=True)
class Trail:
    """What is asked of the trail. Thread-safe; methods block."""

    engine: Engine

    def page(self, asked: Asked, *, offset: int, limit: int) -> tuple[tuple[TrailEntry, ...], int]:
        """Return a page, the newest first, and how many entries match in all."""
        with self.engine.connect() as connection:
            found, total = kept.page(connection, asked, offset=offset, limit=limit)
        return tuple(map(_shown, found)), total

    def find(self, place: int) -> TrailEntry:
        """Return the entry of a place; raises ``UnknownDeed``."""
        with self.engine.connect() as connection:
            found = kept.find(connection, place)
        if found is None:
            raise UnknownDeed(str(place))
        return _shown(found)

    def export(self) -> Iterator[TrailEntry]:
        """Yield every entry as it is at one moment, the oldest first."""
        return map(_shown, trail.export(self.engine))

    def verify(self, expected: Head | None = None) -> TrailVerification:
        """Say whether the trail is what was written, and where it is not.

        ``expected`` is the head that an earlier verification has told.
        """
        found = trail.verify(self.engine, expected)
        return _told(found.head, found.faults)


def verify_export(lines: Iterable[str], expected: Head | None = None) -> TrailVerification:
    """Verify an export that is somewhere else by now; raises ``Invalid`` for a line that is none.

    Its last line counts as the end of the trail unless an ``expected`` head says more.
    """
    found = Verification(expected)
    for number, line in enumerate(lines, start=1):
        try:
            found.look([read(json.loads(line))])
        except (ValueError, LookupError, TypeError) as error:
            reason = f"line {number} is no entry of a trail"
            raise Invalid(reason, mend="Give what rom audit export has written") from error
    found.end(found.head)
    return _told(found.head, found.faults)


def _told(head: Head, faults: Iterable[Fault]) -> TrailVerification:
    told = tuple(TrailFault(place=each.place, text=each.text) for each in faults)
    return TrailVerification(intact=not told, head=str(head), faults=told)


def _shown(entry: Entry) -> TrailEntry:
    return TrailEntry.model_validate(whole(entry))
