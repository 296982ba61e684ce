"""What could not be delivered, kept until somebody has it sent again."""

from typing import Any

from rom.model.deed import GATEWAY, Actor, DeedKind
from rom.model.event import DeadLetter
from rom.store import deliveries, subscriptions
from rom.store.database import Engine
from rom.trail import trail

Document = dict[str, Any]


class DeadLetters:
    """Lists and replays dead letters; safe in any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(
        self, *, offset: int, limit: int, listener: str | None = None, order: str | None = None
    ) -> tuple[list[Document], int]:
        """Return a page in the order of the events, and the number of all that match."""
        with self._engine.connect() as connection:
            found, total = deliveries.dead_letters(
                connection, offset=offset, limit=limit, listener=listener, order=order
            )
        return [_document(letter) for letter in found], total

    def find(self, number: int) -> Document | None:
        """Return one dead letter with its notification, or ``None``."""
        with self._engine.connect() as connection:
            letter = deliveries.dead_letter(connection, number)
        return None if letter is None else _document(letter) | {"notification": letter.payload}

    def replay(
        self,
        *,
        number: int | None = None,
        listener: str | None = None,
        order: str | None = None,
        by: Actor = GATEWAY,
    ) -> int:
        """Have what matches sent again from the start, in order; return how many those are."""
        with self._engine.begin() as connection:
            revived = deliveries.revive(connection, number=number, listener=listener, order=order)
            subscriptions.end_pauses(connection, set(revived))
            if revived:
                trail.record(
                    connection,
                    by,
                    DeedKind.DEAD_LETTERS_RESENT,
                    order_id=order or "",
                    subject="" if number is None else str(number),
                    details={"count": len(revived), "listeners": sorted(set(revived))},
                )
        return len(revived)


def _document(letter: DeadLetter) -> Document:
    return {
        "id": str(letter.id),
        "listener": letter.listener_id,
        "callback": letter.callback,
        "order": letter.stream,
        "eventId": letter.payload.get("eventId"),
        "eventType": letter.event_type,
        "eventTime": letter.time.isoformat(),
        "attempts": letter.attempts,
        "deadSince": letter.dead_at.isoformat(),
        "error": letter.error,
    }
