"""Events: who listens, what could not be delivered, and the log that live followers read."""

from dataclasses import dataclass
from typing import Any

from rom.answers.events import (
    DeadLetterLine,
    ListenerStatus,
    NewListener,
    WholeDeadLetter,
)
from rom.events.service import Events as Service
from rom.gateway.seam import asking_database
from rom.model.access import NOBODY, Owner
from rom.model.deed import Actor
from rom.model.errors import UnknownDeadLetter, UnknownListener
from rom.model.event import EventFilter, PlacedEvent
from rom.model.event_types import Api

Document = dict[str, Any]


@dataclass(frozen=True)
class Events:
    """What is done with events. Thread-safe; methods block."""

    service: Service

    def subscribe(
        self,
        api: Api,
        callback: str,
        query: str,
        secret: str | None,
        owner: Owner = NOBODY,
        *,
        by: Actor,
    ) -> NewListener:
        """Register a listener, which hears of no more than its owner may see at any time.

        Raises ``CallbackRefused``, ``BadQuery``, ``DuplicateListener`` and ``TooManyListeners``.
        The secret is kept sealed and shown to nobody again.
        """
        made = self.service.listeners.subscribe(api, callback, query, secret, owner, by)
        return NewListener.model_validate(made)

    def unsubscribe(
        self, listener_id: str, api: Api | None = None, owner: str | None = None, *, by: Actor
    ) -> None:
        """Remove a listener with all that waits for it; raises ``UnknownListener``."""
        if not self.service.listeners.unsubscribe(listener_id, api, owner, by):
            raise UnknownListener(listener_id)

    def listener(self, listener_id: str) -> ListenerStatus:
        """Return one listener; raises ``UnknownListener``."""
        found = self.service.listeners.find(listener_id)
        if found is None:
            raise UnknownListener(listener_id)
        return ListenerStatus.model_validate(found)

    def listeners(self) -> tuple[ListenerStatus, ...]:
        """Return every API's listeners, the oldest first."""
        return tuple(ListenerStatus.model_validate(each) for each in self.service.listeners.all())

    def dead_letters(
        self, *, offset: int, limit: int, listener: str | None = None, order: str | None = None
    ) -> tuple[tuple[DeadLetterLine, ...], int]:
        """Return a page in the order of the events, and the number of all that match."""
        found, total = self.service.dead_letters.page(
            offset=offset, limit=limit, listener=listener, order=order
        )
        return tuple(DeadLetterLine.model_validate(each) for each in found), total

    def dead_letter(self, number: int) -> WholeDeadLetter:
        """Return one dead letter with its notification; raises ``UnknownDeadLetter``."""
        found = self.service.dead_letters.find(number)
        if found is None:
            raise UnknownDeadLetter(str(number))
        return WholeDeadLetter.model_validate(found)

    def replay(
        self,
        *,
        by: Actor,
        number: int | None = None,
        listener: str | None = None,
        order: str | None = None,
    ) -> int:
        """Have what matches sent again from the start, in order; return how many those are."""
        return self.service.dead_letters.replay(
            number=number, listener=listener, order=order, by=by
        )

    def of_stream(self, stream: str, sequence: int) -> list[Document]:
        """Return the events of an order or a rollback's task after ``sequence``, each with its own.

        They are as they are sent to listeners.
        """
        found = self.service.log.of_order(stream, sequence)
        return [{"sequence": event.sequence, **event.payload} for event in found]

    def newest(self) -> int:
        """Return the last place given, 0 before the first."""
        return self.service.log.newest()

    def after(
        self, position: int, wanted: EventFilter, limit: int
    ) -> tuple[list[PlacedEvent], int]:
        """Return the next events wanted, and the place to go on from."""
        return self.service.log.after(position, wanted, limit)

    def grown(self, after: int | None) -> list[tuple[int, str]]:
        """Return the last place of every stream with events placed after ``after``, rising.

        Without ``after`` only the last one of all, if there is any. Raises
        ``DatabaseUnavailable``.
        """
        with asking_database():
            return self.service.log.grown(after)
