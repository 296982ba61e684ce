"""Writing, reading and verifying the trail."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rom.model.deed import Actor, Deed, DeedKind, Entry, Head
from rom.store import trail
from rom.store.database import Connection, Engine
from rom.trail.chain import Fault, Verification, digest


def record(
    connection: Connection,
    actor: Actor,
    kind: DeedKind,
    *,
    sites: Collection[str] = (),
    devices: Collection[str] = (),
    order_id: str = "",
    subject: str = "",
    ticket: str = "",
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write a deed into the trail, with the transaction that does it or not at all.

    No argument may be a secret. The entry gets its place when the transaction commits: only then
    do others that record something wait, and no longer than the commit takes.
    """
    deed = Deed(
        kind=kind,
        actor=actor,
        sites=tuple(sorted(set(sites))),
        devices=tuple(sorted(set(devices))),
        order_id=order_id,
        subject=subject,
        ticket=ticket,
        reason=reason,
        details=dict(details or {}),
    )
    now = datetime.now(UTC)
    trail.append(connection, now, deed, digest(now, deed))


def latest(
    connection: Connection, kind: DeedKind, actor: Actor, subject: str
) -> Mapping[str, Any] | None:
    """Return the details of somebody's last deed of a kind that was about ``subject``."""
    return trail.latest(connection, kind, actor, subject)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification has found; without faults the trail is whole."""

    head: Head
    faults: tuple[Fault, ...]


def verify(engine: Engine, expected: Head | None = None) -> Verified:
    """Verify the whole trail as it is at one moment.

    ``expected`` is a head that was noted elsewhere: without one, who can write to the database
    can take the last entries off and set the head back.
    """
    with _one_moment(engine) as connection:
        found = Verification(expected)
        found.look(trail.every(connection))
        found.end(trail.head(connection), trail.unplaced(connection))
    return Verified(found.head, tuple(found.faults))


def export(engine: Engine) -> Iterator[Entry]:
    """Yield every entry as it is at one moment, in the order of their places."""
    with _one_moment(engine) as connection:
        yield from trail.every(connection)


@contextmanager
def _one_moment(engine: Engine) -> Iterator[Connection]:
    at_once = engine.execution_options(isolation_level="REPEATABLE READ")
    with at_once.connect() as connection:
        yield connection
