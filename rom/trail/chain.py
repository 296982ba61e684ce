"""The chain: what is hashed, and what a trail that somebody has touched looks like. Pure.

Anybody can compute it again from an export: the digest is the SHA-256 of the entry's JSON with
sorted keys, no spaces and only ASCII, without place, digest, previous and link; the link is the
SHA-256 of the previous link, the place as eight bytes, and the digest. The first one follows on 32
zero bytes.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from rom.model.deed import Actor, Deed, Entry, Head

START = Head(0, bytes(32))
"""The head of an empty trail."""


def told(time: datetime, deed: Deed) -> dict[str, Any]:
    """Return a deed as it is exported and hashed, each member always there."""
    return {
        "time": time.astimezone(UTC).isoformat(timespec="microseconds"),
        "deed": str(deed.kind),
        "actor": deed.actor.name,
        "actorKind": str(deed.actor.kind),
        "client": deed.actor.client,
        "requestId": deed.actor.request_id,
        "sites": list(deed.sites),
        "devices": list(deed.devices),
        "order": deed.order_id,
        "subject": deed.subject,
        "ticket": deed.ticket,
        "reason": deed.reason,
        "details": deed.details,
    }


def digest(time: datetime, deed: Deed) -> bytes:
    """Return the SHA-256 of every field of a deed and its time."""
    text = json.dumps(told(time, deed), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return sha256(text.encode()).digest()


def link(previous: bytes, place: int, digest_of_entry: bytes) -> bytes:
    """Return what chains an entry to the one before it; the database computes the same."""
    return sha256(previous + place.to_bytes(8, "big") + digest_of_entry).digest()


def whole(entry: Entry) -> dict[str, Any]:
    """Return an entry as a line of an export has it."""
    return {
        "place": entry.place,
        **told(entry.time, entry.deed),
        "digest": entry.digest.hex(),
        "previous": entry.previous.hex(),
        "link": entry.link.hex(),
    }


def read(line: Mapping[str, Any]) -> Entry:
    """Return the entry that ``whole`` has told; raises what a line that is none makes fail."""
    actor = Actor(line["actor"], line["actorKind"], line["client"], line["requestId"])
    deed = Deed(
        kind=line["deed"],
        actor=actor,
        sites=tuple(line["sites"]),
        devices=tuple(line["devices"]),
        order_id=line["order"],
        subject=line["subject"],
        ticket=line["ticket"],
        reason=line["reason"],
        details=line["details"],
    )
    made, previous, linked = (bytes.fromhex(line[name]) for name in ("digest", "previous", "link"))
    time = datetime.fromisoformat(line["time"])
    return Entry(int(line["place"]), time, deed, made, previous, linked)


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the trail is not what was written, and how that shows."""

    place: int
    text: str


class Verification:
    """Looks at the entries one after the other; ``faults`` says what is wrong with which."""

    def __init__(self, expected: Head | None = None) -> None:
        self._expected = expected
        self._last = START
        self.faults: list[Fault] = []

    @property
    def head(self) -> Head:
        """The last entry that was seen."""
        return self._last

    def look(self, entries: Iterable[Entry]) -> None:
        """Look at the next entries, in the order of their places."""
        for entry in entries:
            self._look(entry)

    def end(self, kept: Head, unplaced: int = 0) -> None:
        """Compare what was seen with the head that the database keeps beside the entries.

        ``unplaced`` is how many entries have no place at all.
        """
        if unplaced:
            self._fault(self._last.place, f"{unplaced} entries have no place")
        if self._expected is not None and self._expected.place > self._last.place:
            self._fault(
                self._last.place + 1,
                f"removed: the trail ends before place {self._expected.place}, which was noted",
            )
        if kept.place > self._last.place:
            self._fault(
                self._last.place + 1,
                f"removed: the head says that there are entries up to {kept.place}",
            )
        elif kept != self._last:
            self._fault(kept.place, "the head is not the one of the last entry")

    def _look(self, entry: Entry) -> None:
        last = self._last
        if entry.place > last.place + 1:
            until = "" if entry.place == last.place + 2 else f" to {entry.place - 1}"
            self._fault(last.place + 1, f"removed: there is no entry {last.place + 1}{until}")
        if digest(entry.time, entry.deed) != entry.digest:
            self._fault(entry.place, "changed: its fields do not give its digest")
        if link(entry.previous, entry.place, entry.digest) != entry.link:
            self._fault(entry.place, "changed or moved: it does not give its link")
        elif entry.place == last.place + 1 and entry.previous != last.link:
            self._fault(entry.place, "does not follow on the entry before it")
        noted = self._expected
        if noted is not None and noted.place == entry.place and noted.link != entry.link:
            self._fault(entry.place, "is not the entry that was noted")
        self._last = Head(entry.place, entry.link)

    def _fault(self, place: int, text: str) -> None:
        self.faults.append(Fault(place, text))
