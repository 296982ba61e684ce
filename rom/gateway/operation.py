"""Operation: starting, stopping, readiness and numbers."""

from dataclasses import dataclass

from inventory import queries
from rom.events.service import Events
from rom.jobs.wakes import Worker
from rom.metrics.families import Counts
from rom.metrics.statistics import statistics
from rom.store.database import DatabaseError, Engine
from rom.store.room import has_room

__all__ = ["Counts", "Operation"]


@dataclass(frozen=True)
class Operation:
    """What runs in this process, and how it is."""

    engine: Engine
    worker: Worker
    events: Events

    def start(self) -> None:
        """Start the workers of this process, and the delivery of events."""
        self.worker.start()
        self.events.start()

    def stop(self) -> None:
        """Stop the workers; what is under way ends first, the rest stays in the database."""
        self.worker.stop()
        self.events.stop()

    def problems(self) -> list[str]:
        """Return why orders cannot be taken now; empty when they can."""
        found = []
        try:
            with self.engine.connect() as connection:
                if not queries.has_inventory(connection):
                    found.append("inventory is empty: load one with `rom inventory load FILE`")
            if not has_room(self.engine):
                found.append("database has no room left: its disk is full")
        except DatabaseError as error:
            found.append(f"database does not answer: {type(error).__name__}")
        return found + self.worker.troubles()

    def statistics(self) -> dict[str, Counts]:
        """Return what ``rom.metrics`` counts, as of now."""
        with self.engine.connect() as connection:
            return statistics(connection)
