"""Every event in the order of its place, for who follows them live."""

from rom.model.event import EventFilter, OutboxEvent, PlacedEvent
from rom.store import event_log
from rom.store.database import Engine


class EventLog:
    """Reads events; safe in any thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self) -> int:
        """Return the last place given, 0 before the first."""
        with self._engine.connect() as connection:
            return event_log.newest(connection)

    def after(
        self, position: int, wanted: EventFilter, limit: int
    ) -> tuple[list[PlacedEvent], int]:
        """Return the next events wanted, and the place to go on from."""
        with self._engine.connect() as connection:
            # Asked first: what is placed after this is found the next time.
            newest = event_log.newest(connection)
            found = event_log.after(connection, position, wanted, limit)
        if len(found) == limit:
            return found, found[-1].position
        return found, max(position, newest, *(each.position for each in found))

    def of_order(self, order_id: str, sequence: int) -> list[OutboxEvent]:
        """Return the events of an order or a rollback task after ``sequence``."""
        with self._engine.connect() as connection:
            return event_log.of_order(connection, order_id, sequence)

    def grown(self, after: int | None) -> list[tuple[int, str]]:
        """Return the last place of every stream with events placed after ``after``, rising.

        Without ``after`` only the last one of all, if there is any.
        """
        with self._engine.connect() as connection:
            return event_log.grown(connection, after)
